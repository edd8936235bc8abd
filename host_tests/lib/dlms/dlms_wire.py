"""What tests of the DLMS links share: frames made by the definition of the standard, captures, and a line to a meter."""

from binascii import unhexlify

from lib.dlms.errors import FrameError
from lib.dlms.link import CLOSED, OPENED, PUSH, REPLY, SEND

# The session of the facts sheet: client 1, server 1, password 12345678
SNRM = "7EA00703 03938C117E"
UA = "7EA01E0303 7340CC 818012050180060180070400000001080400000001 533B7E"
AARQ = "6036A1090607608574050801018A0207808B0760857405080201AC0A80083132333435363738BE10040E01000000065F1F0400401E5DFFFF"
AARE = "6129A109060760857405080101A203020100A305A103020100BE10040E0800065F1F0400001A1D01F40007"
SESSION = (
    (SNRM, UA),
    (
        "7EA044030310 6594 E6E600" + AARQ + "8B3C7E",
        "7EA037030330 EFCA E6E700" + AARE + "4E377E",
    ),
    ("7EA019030332ECC8 E6E600C001C100030100010800FF0300 EA717E", "7EA0160303521319 E6E700C401C10002020F01161E BD8E7E"),
    ("7EA019030354DCCE E6E600C001C100030100010800FF0200 32687E", "7EA015030374EA78 E6E700C401C100060001E240 8CDA7E"),
    ("7EA007030353 80D7 7E", "7EA007030373 82F6 7E"),
)


def octets(text):
    return unhexlify(text.replace(" ", ""))


def capture(name):
    """Lines of a capture: ("TX" or "RX", octets)."""
    with open("host_tests/vectors/dlms/" + name) as file:
        return [(line[:2], octets(line[3:].strip())) for line in file if line.strip()]


def plain_crc(data):
    """The check sequence by its definition, bit by bit."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x8408 if crc & 1 else crc >> 1
    crc ^= 0xFFFF
    return bytes((crc & 0xFF, crc >> 8))


def frame(destination, source, control, information=b"", more=False):
    """A frame by the definition of the standard; addresses are bytes."""
    head = destination + source + bytes((control,))
    size = 2 + len(head) + 2 + (len(information) + 2 if information else 0)
    head = bytes((0xA0 | (8 if more else 0) | size >> 8, size & 0xFF)) + head
    if information:
        head += plain_crc(head) + information
    return b"\x7e" + head + plain_crc(head) + b"\x7e"


def reply(number, taken, apdu, more=False, llc=b"\xe6\xe7\x00", client=b"\x03", server=b"\x03"):
    """An I-frame of a meter."""
    return frame(client, server, taken << 5 | 0x10 | number << 1, llc + apdu, more)


def ready(taken, client=b"\x03", server=b"\x03"):
    return frame(client, server, taken << 5 | 0x11)


def feed(end, data, step=0):
    """Fill what room() gives with `data`, at most `step` bytes; return what is left of it."""
    room = end.room()
    count = min(len(room), len(data), step or len(data))
    room[:count] = data[:count]
    end.filled(count)
    return data[count:]


class Line:
    """Drives a link: what it sends goes to `meter(octets)`, whose answer comes back, `step` bytes at a time.

    events: what next() returned but SEND and None, with a copy of `reply` where there is one.
    """

    def __init__(self, link, meter, step=0):
        self.link = link
        self.meter = meter
        self.step = step
        self.coming = b""
        self.sent = []
        self.events = []

    def run(self):
        """Go on until what was started is done; return that event's APDU, None if it has none."""
        link = self.link
        while True:
            event = link.next()
            if event == SEND:
                self.sent.append(bytes(link.to_send))
                self.coming += self.meter(self.sent[-1])
            elif event is None:
                if self.coming:
                    self.coming = feed(link, self.coming, self.step)
                else:
                    link.silence()
            elif event == PUSH:
                self.events.append(bytes(link.reply))
            else:
                assert event in (OPENED, REPLY, CLOSED)
                return bytes(link.reply) if event == REPLY else None

    def open(self):
        self.link.open()
        self.run()
        return self

    def ask(self, apdu):
        self.link.exchange(apdu)
        return self.run()

    def fails(self, start, *arguments):
        """The reason of the FrameError with which it ends."""
        try:
            start(*arguments)
            self.run()
        except FrameError as error:
            return error.reason
        raise AssertionError("no error")


def script(*answers):
    """A meter that gives one answer after the other, whatever it hears, and none when there are no more."""
    left = list(answers)
    return lambda _: left.pop(0) if left else b""
