"""Our server, asked by our client and by hand: associations, blocks, lists, selectors, and what it refuses."""

from host_tests.lib.dlms.dlms_script import REGISTER, raised
from lib.dlms import requests, selection
from lib.dlms.access import Access
from lib.dlms.client import Client
from lib.dlms.errors import PeerError
from lib.dlms.server import Server

PROFILE = b"\x01\0\x63\x01\0\xff"
PUBLIC, MANAGEMENT = 16, 1
PASSWORDS = {PUBLIC: b"", MANAGEMENT: b"12345678"}
NO_SECURITY = "601DA109060760857405080101BE10040E01000000065F1F0400007E1F04B0"


class Objects:
    def __init__(self):
        self.asked = []
        self.values = {(REGISTER, 2): b"\x06\0\0\0\x01", (REGISTER, 3): b"\x02\x02\x0f\0\x16\x1e"}

    def get(self, class_id, ln, attribute, selector, client):
        self.asked.append((class_id, ln, attribute, selector, client))
        if ln == PROFILE:
            return self.rows(selector)
        if (ln, attribute) not in self.values:
            raise PeerError("object undefined", 4)
        return [self.values[ln, attribute]]

    def rows(self, selector):
        first, last = (1, 300) if selector is None else selection.entries(selector[1])[:2]
        if not 1 <= first <= last <= 300:
            raise PeerError("scope of access violated", 13)
        count = last - first + 1
        yield b"\x01\x82" + count.to_bytes(2, "big")
        for row in range(first, last + 1):
            yield b"\x02\x02\x12" + row.to_bytes(2, "big")
            yield b"\x11\x05"

    def set(self, class_id, ln, attribute, data, client):
        if (ln, attribute) not in self.values:
            raise PeerError("object undefined", 4)
        self.values[ln, attribute] = data

    def act(self, class_id, ln, method, data, client):
        if method == 9:
            raise PeerError("temporary failure", 2)
        return data and b"\x09\x02OK"


def run(client, server, sap):
    while not client.take(memoryview(bytearray(server.answer(client.apdu, sap)))):
        pass


def opened(sap=MANAGEMENT, size=200, **options):
    server, client = Server(Objects(), PASSWORDS, size), Client(size)
    if sap == MANAGEMENT and not options:
        options = {"mechanism": 1, "secret": b"12345678"}
    client.begin(Access(**options))
    run(client, server, sap)
    return server, client


def ask(server, request, sap=MANAGEMENT):
    return bytes(server.answer(bytes.fromhex(request), sap)).hex().upper()


def test_associations():
    server, client = opened()
    assert client.conformance == 0x121D and client.peer_pdu == 200
    client.release()
    run(client, server, MANAGEMENT)
    assert server.client is None
    for sap, options, reason in (
        (MANAGEMENT, {"mechanism": 1, "secret": b"12345679"}, "authentication failure"),
        (MANAGEMENT, {"mechanism": 0}, "authentication required"),
        (MANAGEMENT, {"mechanism": 3, "random": bytes}, "mechanism not recognised"),
        (7, {"mechanism": 1, "secret": b""}, "no reason given"),
    ):
        server, client = Server(Objects(), PASSWORDS), Client(200)
        client.begin(Access(**options))
        assert raised(run, client, server, sap) in (("PeerError", reason), ("PeerError", "refused")), reason
        assert ask(server, "C001C100030100010800FF0200", sap) == "D80101"
    server = Server(Objects(), PASSWORDS)
    assert ask(server, NO_SECURITY, PUBLIC) == (
        "6129A109060760857405080101A203020100A305A103020100BE10040E0800065F1F040000121404000007"
    )
    ciphered = NO_SECURITY.replace("05080101", "05080103")
    assert ask(server, ciphered, PUBLIC)[26:56] == "A203020101A305A103020102BE0604"


def test_wrong_passwords_are_counted():
    server = Server(Objects(), PASSWORDS)
    for secret in (b"", b"1", b"123456789", b"12345678"):
        client = Client(200)
        client.begin(Access(mechanism=1, secret=secret))
        raised(run, client, server, MANAGEMENT)
    assert client.is_open
    assert server.failures == 3


def test_get_and_list():
    server, client = opened()
    values = [bytearray() for _ in range(3)]
    client.get(3, REGISTER, 2, values[0].extend)
    run(client, server, MANAGEMENT)
    assert values[0] == b"\x06\0\0\0\x01"
    client.get_list([(3, REGISTER, 3), (3, REGISTER, 9), (7, PROFILE, 2)], [None, None, values[1].extend])
    run(client, server, MANAGEMENT)
    assert client.results == [0, 4, 0]
    assert values[1] == b"".join(Objects().rows(None))
    client.get(3, REGISTER, 7, None)
    assert raised(run, client, server, MANAGEMENT) == ("PeerError", "object undefined")


def test_blocks_of_every_size():
    whole = b"".join(Objects().rows((2, bytes.fromhex("0204060000000106000000281200011200 00".replace(" ", "")))))
    for size in range(100, 120):
        server, client = opened(size=size)
        got = bytearray()
        client.get(7, PROFILE, 2, got.extend, requests.by_entry(1, 40))
        run(client, server, MANAGEMENT)
        assert got == whole, size
    assert server._objects.asked == [(7, PROFILE, 2, (2, requests.by_entry(1, 40)[1:]), MANAGEMENT)]
    client.get(7, PROFILE, 2, None, requests.by_entry(1, 400))
    assert raised(run, client, server, MANAGEMENT) == ("PeerError", "scope of access violated")


def test_block_numbers():
    server, client = opened()
    first = ask(server, "C001C1" + "00070100630100FF0200")
    assert first[:18] == "C402C10000000001" + "00"
    assert ask(server, "C002C100000002") == "C402C101000000020113"
    assert ask(server, "C002C100000001") == "C402C10100000001010E"
    ask(server, "C001C1" + "00070100630100FF0200")
    ask(server, "C301C1" + "00030100010800FF0900")  # ends the first
    assert ask(server, "C002C100000001") == "C402C10100000001010E"


def test_no_blocks_for_who_knows_none():
    server, client = opened(PUBLIC, conformance=0x14)
    client.get(7, PROFILE, 2, None)
    assert raised(run, client, server, PUBLIC) == ("PeerError", "other reason")
    got = bytearray()
    client.get(7, PROFILE, 2, got.extend, requests.by_entry(3, 3))
    run(client, server, PUBLIC)
    assert got == b"\x01\x82\0\x01\x02\x02\x12\0\x03\x11\x05"


def test_set_and_act():
    server, client = opened()
    client.set(3, REGISTER, 2, b"\x06\0\0\0\x05")
    run(client, server, MANAGEMENT)
    assert server._objects.values[REGISTER, 2] == b"\x06\0\0\0\x05"
    client.set(3, REGISTER, 9, b"\x0f\0")
    assert raised(run, client, server, MANAGEMENT) == ("PeerError", "object undefined")
    got = bytearray()
    client.action(70, REGISTER, 1, b"\x0f\0", got.extend)
    run(client, server, MANAGEMENT)
    assert got == b"\x09\x02OK"
    client.action(70, REGISTER, 1)
    run(client, server, MANAGEMENT)
    client.action(70, REGISTER, 9, b"\x0f\0")
    assert raised(run, client, server, MANAGEMENT) == ("PeerError", "temporary failure")


class SlowObjects(Objects):
    """What comes in steps: None among the pieces, and from set()."""

    def rows(self, selector):
        for piece in super().rows(selector):
            yield None
            yield piece
        yield None

    def set(self, class_id, ln, attribute, data, client):
        yield "waits"
        Objects.set(self, class_id, ln, attribute, data, client)


def test_answers_in_steps():
    server, client = Server(SlowObjects(), PASSWORDS, 200), Client(200)
    client.begin(Access(mechanism=1, secret=b"12345678"))
    run(client, server, MANAGEMENT)
    slow, quick = bytearray(), bytearray()
    client.get(7, PROFILE, 2, slow.extend)
    done = steps = 0
    while not done:
        for step in server.answering(client.apdu, MANAGEMENT):
            assert step is None
            steps += 1
        done = client.take(memoryview(bytearray(server.reply)))
    assert steps == 602
    other, client = opened()
    client.get(7, PROFILE, 2, quick.extend)
    run(client, other, MANAGEMENT)
    assert slow == quick
    request = "C101C1" + "00030100010800FF0200" + "0600000007"
    assert list(server.answering(bytes.fromhex(request), MANAGEMENT)) == ["waits"]
    assert bytes(server.reply) == b"\xc5\x01\xc1\x00" and ask(server, "C001C100030100010800FF0200")[8:] == "0600000007"
    request = request.replace("0800", "0900")
    list(server.answering(bytes.fromhex(request), MANAGEMENT))
    assert bytes(server.reply) == b"\xc5\x01\xc1\x04"


def test_the_public_only_reads():
    server, client = opened(PUBLIC)
    assert client.conformance == 0x1214
    assert ask(server, "C101C1" + "00030100010800FF0200" + "0F01", PUBLIC) == "C501C103"
    assert ask(server, "C301C1" + "00460100010800FF01010F00", PUBLIC) == "C701C10300"
    assert ask(server, "C001C1" + "00030100010800FF0200", PUBLIC) == "C401C1000600000001"
    assert ask(server, "C001C1" + "00030100010800FF0200", MANAGEMENT) == "D80101"  # who is not associated


def test_bad_requests():
    server = opened()[0]
    good = (
        "C001C1" + "00030100010800FF0200",
        "C001C1" + "00070100630100FF0201" + requests.by_entry(1, 2).hex().upper(),
        "C003C102" + "00030100010800FF0200" * 2,
        "C101C1" + "00030100010800FF0200" + "0903414243",
        "C301C1" + "00460100010800FF01" + "010F00",
        "C002C100000001",
    )
    for request in good:
        for size in range(0, len(request), 2):
            assert ask(server, request[:size])[:2] in ("D8", "C4"), request[:size]
        for bit in range(4 * len(request)):
            damaged = bytearray.fromhex(request)
            damaged[bit >> 3] ^= 0x80 >> (bit & 7)
            server.client = MANAGEMENT
            assert len(server.answer(damaged, MANAGEMENT)) >= 3
        server.client = MANAGEMENT
        assert ask(server, request + "00")[:4] == "D802", request
    for size in range(0, len(NO_SECURITY), 2):
        assert ask(server, NO_SECURITY[:size], PUBLIC)[:2] == "D8"
    assert ask(server, "6200") == "D80101"


def test_selectors_are_read():
    since, until = bytes(range(12)), bytes(range(12, 24))
    assert selection.bounds(requests.by_range(since, until)[1:]) == (since, until)
    assert selection.bounds(requests.by_range(since, until, columns=[(3, REGISTER, 2, 0)])[1:]) == (since, until)
    assert selection.entries(requests.by_entry(3, 0, 2, 4)[1:]) == (3, 0, 2, 4)
    columns = [(8, requests.CLOCK, 2, 0), (3, REGISTER, -2, 7)]
    assert selection.columns(requests.by_range(since, until, columns=columns)[1:]) == columns
    assert selection.columns(requests.by_range(since, until)[1:]) == []
    assert selection.restricting(requests.by_range(since, until)[1:]) == 8
    for function, parameters in (
        (selection.columns, requests.by_range(since, until, columns=columns)[1:-1]),
        (selection.columns, requests.by_range(since, until, columns=columns)[1:] + b"\0"),
        (selection.columns, requests.by_range(since, until)[1:-2]),
        (selection.bounds, requests.by_range(since, until)[1:40]),
        (selection.bounds, requests.by_entry(1, 2)[1:]),
        (selection.entries, requests.by_range(since, until)[1:]),
        (selection.entries, b""),
    ):
        assert raised(function, parameters) == ("FormatError", "selector")
