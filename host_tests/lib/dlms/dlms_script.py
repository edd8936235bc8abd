"""What the tests of the client have in common: keys, and a meter whose replies are written down."""

from lib.dlms.access import Access
from lib.dlms.client import Client

EK = bytes(range(16))
AK = bytes(range(0xD0, 0xE0))
TITLE = bytes.fromhex("434C490000000002")
PEER_TITLE = bytes.fromhex("4D4D4D0000000001")
REGISTER = b"\x01\0\x01\x08\0\xff"
AARE = "6129A109060760857405080101A203020100A305A103020100BE10040E0800065F1F0400001A1D01F40007"
# The full opening with GMAC, and a GET: what the client sends, what the meter replies
GMAC_SENT = (
    "605DA109060760857405080103A60A0408434C4900000000028A0207808B0760857405080205AC1280104B35366956616759"
    "4B35366956616759BE230421211F30000000012AFCBAAC6A00E68131B3C1391FEA66682D9D78FF6E78120ECFAC",
    "CB313000000003CAEBEB5915EC42795A2CA2D6E64BE359C36CD57DA1DB914A6BCCC8F817089E261F8C077B953BA18C491DAC0A",
    "C81E30000000040CA0E0A1753784040E037012BD51D939510A335EB281ADE239",
)
GMAC_REPLIES = (
    "6169A109060760857405080103A203020100A305A10302010EA40A04084D4D4D000000000188020780890760857405080205"
    "AA128010503677524A323146503677524A323146"
    "BE230421281F30000000658C03B8A437A3ED7726F690D090A2485D47B829F9E9AA2CBF141D",
    "CF2A30000000678007063C13343705DEE0656EB6A8842A83332151A3D89DA600BB57641A6F0A1F7B55BD7BBD",
    "CC1B3000000068F4138C9F1B163C990288C9007F06B731F7AA12AB1305",
)


class Counter:
    """Counts upwards, and remembers nothing else."""

    def __init__(self, first=1):
        self.next = first

    def __call__(self):
        counter, self.next = self.next, self.next + 1
        return counter


def gmac_access(**options):
    # The answer to the challenge takes counter 2, the APDU around it 3
    return Access(
        mechanism=5,
        title=TITLE,
        ek=EK,
        ak=AK,
        ciphering="glo",
        conformance=0x401E5D,
        next_counter=Counter(),
        random=lambda size: b"K56iVagYK56iVagY",
        **options,
    )


def talk(client, replies):
    """Return what the client sends, in hex, while it gets these replies, until it is done or has had them all."""
    sent = [bytes(client.apdu).hex().upper()]
    for reply in replies:
        if client.take(memoryview(bytearray.fromhex(reply.replace(" ", "")))):
            break
        sent.append(bytes(client.apdu).hex().upper())
    return sent


def associated(aare=AARE, size=1024, access=None):
    """Return a client that is associated without security, whose next invoke-id is 1."""
    client = Client(size)
    client.begin(access or Access())
    talk(client, (aare,))
    assert client.is_done and client.is_open
    client.invoke_id = 1
    return client


def gmac_associated():
    client = Client(0xFFFF)  # as the vector has it
    client.begin(gmac_access())
    sent = talk(client, GMAC_REPLIES[:2])
    assert client.is_done and client.is_open
    client.invoke_id = 1
    return client, sent


def raised(function, *arguments):
    """Return (name of the error's class, its reason), None if there is none."""
    try:
        function(*arguments)
    except Exception as error:
        return type(error).__name__, error.args[0] if error.args else ""
    return None
