"""The wrapper of TCP: messages byte for byte, however a stream cuts them, and what is no message."""

from host_tests.lib.dlms.dlms_wire import AARE, AARQ, Line, feed, octets
from lib.dlms.errors import FrameError
from lib.dlms.server_wrapper import ServerWrapper
from lib.dlms.station import REQUEST
from lib.dlms.wrapper import CLOSED, OPENED, PUSH, REPLY, SEND, Wrapper
from modbus_oracle import noise

ASK = b"\xc0\x01\xc1\x00\x03\x01\x00\x01\x08\x00\xff\x02\x00"
PUSHED = b"\x0f\x00\x00\x00\x01\x00\x00"


def message(source, destination, apdu):
    return bytes((0, 1, source >> 8, source & 255, destination >> 8, destination & 255, len(apdu) >> 8, len(apdu) & 255)) + apdu


def opened(*answers, step=0, most_apdu=1024, shares=False):
    left = list(answers)
    line = Line(Wrapper(most_apdu, shares), lambda _: left.pop(0) if left else b"", step)
    line.link.address(1, 0, 16)
    return line.open()


def test_exchange():
    for step, shares in ((0, False), (1, False), (3, False), (0, True), (1, True)):
        line = opened(message(1, 16, octets(AARE)), message(1, 16, b"\xc4\x01"), step=step, shares=shares)
        assert line.ask(octets(AARQ)) == octets(AARE)
        assert line.ask(memoryview(ASK)) == b"\xc4\x01"
        assert line.sent == [octets("0001 0010 0001 0038" + AARQ), octets("0001 0010 0001 000D") + ASK]
        line.link.keep_alive()
        assert line.run() is None
        line.link.close()
        assert line.run() is None
        assert len(line.sent) == 2
        assert line.fails(line.link.exchange, ASK) == "disconnected"
        assert line.fails(line.link.keep_alive) == "disconnected"


def test_what_nobody_asked_for():
    answer = message(1, 16, b"\xc4\x01")
    for other in (message(1, 102, PUSHED), message(1, 16, PUSHED), message(2, 16, b"\xc4\x05"), message(1, 1, b"\xc2\x00")):
        for step, shares in ((0, False), (1, False), (7, False), (0, True), (7, True)):
            line = opened(other + other + answer, step=step, shares=shares)
            assert line.ask(ASK) == b"\xc4\x01"
            assert line.events == [other[8:]] * 2
            assert line.link.source == (1, 0)
    line = opened(message(1, 16, b"") + answer)  # says nothing
    assert line.ask(ASK) == b"\xc4\x01" and not line.events
    # While nothing is under way, and across the next exchange
    link = line.link
    late = message(1, 16, b"\xc4\x02")
    feed_all(link, late[:5])
    link.exchange(ASK)
    assert link.next() == SEND
    feed_all(link, late[5:])
    assert link.next() == REPLY and bytes(link.reply) == b"\xc4\x02"
    feed_all(link, message(1, 16, b"\xc4\x03"))
    assert link.next() == PUSH and bytes(link.reply) == b"\xc4\x03"
    link.silence()
    assert link.next() is None
    link.exchange(ASK)
    assert link.next() == SEND and link.next() is None  # an old silence is none


def test_with_one_buffer_nothing_is_sent_while_something_comes():
    line = opened(message(1, 16, b"\xc4\x01"), shares=True)
    link = line.link
    feed_all(link, message(1, 16, PUSHED)[:9])
    assert line.fails(link.exchange, ASK) == "busy" and not link.is_open
    link.open()  # on a new connection
    assert link.next() == OPENED
    assert line.ask(ASK) == b"\xc4\x01"
    link.buffer[30 : 30 + len(ASK)] = ASK  # where a client makes what it sends
    line.meter = lambda _: message(1, 16, b"\xc4\x02")
    assert line.ask(memoryview(link.buffer)[30 : 30 + len(ASK)]) == b"\xc4\x02" and line.sent[-1][8:] == ASK


def feed_all(link, data):
    while data:
        data = feed(link, data)
        if data:
            assert link.next() is None


def test_room_ends_with_the_message():
    line = opened()
    link = line.link
    assert len(link.room()) == 8
    feed(link, message(1, 16, bytes(100))[:6])
    assert len(link.room()) == 2
    feed(link, b"\0\x64")
    assert link.next() is None and len(link.room()) == 100
    link.filled(None)
    link.filled(99)
    assert link.next() is None and len(link.room()) == 1
    link.filled(1)
    assert link.next() == PUSH and len(link.reply) == 100


def test_what_ends_it():
    for answer, reason in (
        (b"", "no answer"),
        (message(1, 16, b"\xc4\x01")[:-1], "damaged"),
        (b"\x00\x01\x00", "damaged"),
        (b"\x00\x02" + message(1, 16, b"\xc4")[2:], "damaged"),
        (b"HTTP/1.1 400 Bad Request", "damaged"),
        (message(1, 16, bytes(1025)), "endless"),
        (b"\x00\x01\x00\x01\x00\x10\xff\xff", "endless"),
    ):
        line = opened(answer)
        assert line.fails(line.link.exchange, ASK) == reason
        assert not line.link.is_open and len(line.sent) == 1
        line.meter = lambda _: message(1, 16, b"\xc4\x01")
        line.coming = b""
        assert line.open().ask(ASK) == b"\xc4\x01"  # on a new connection
    assert opened(message(1, 16, bytes(1024))).ask(bytes(1024)) == bytes(1024)
    line = opened()
    assert line.fails(line.link.exchange, bytes(1025)) == "endless"


def test_server():
    for step in (0, 1, 3):
        server = ServerWrapper(((1, 0), (2, 0)), 100)
        heard = []
        sent = b""
        data = message(16, 1, b"one") + message(17, 2, b"two") + message(16, 3, b"not ours") + message(16, 1, bytes(100))
        while data:
            data = feed(server, data, step)
            while True:
                event = server.next()
                if event is None:
                    break
                if event == REQUEST:
                    heard.append((server.client, server.logical, server.physical, bytes(server.request)))
                    server.answer(bytes(server.request).upper())
                else:
                    assert event == SEND
                    sent += bytes(server.to_send)
        assert heard == [(16, 1, 0, b"one"), (17, 2, 0, b"two"), (16, 1, 0, bytes(100))]
        assert sent == message(1, 16, b"ONE") + message(2, 17, b"TWO") + message(1, 16, bytes(100))
    server.notify(b"\x0f hello", 1, 16)
    assert server.next() == SEND and bytes(server.to_send) == message(1, 16, b"\x0f hello")
    assert server.next() is None
    for wrong, reason in ((message(16, 1, bytes(101)), "endless"), (b"GET / HTTP/1.1", "damaged")):
        feed(server, wrong[:8])
        try:
            server.next()
            raise AssertionError
        except FrameError as error:
            assert error.reason == reason
        server = ServerWrapper(((1, 0),), 100)


def test_garbage_raises_nothing_else():
    dice = noise(20000, 3)
    at = 0
    while at < 19000:
        line = opened()
        line.link.exchange(ASK)
        assert line.link.next() == SEND
        good = message(dice[at] & 1, dice[at + 1] & 17, bytes(dice[at + 5 : at + 5 + (dice[at + 2] & 31)]))
        place = dice[at + 3] % len(good)
        bad = good[:place] + bytes((dice[at + 4],)) + good[place + 1 :]
        try:
            while bad:
                bad = feed(line.link, bad)
                while line.link.next() is not None:
                    pass
        except FrameError as error:
            assert error.reason in ("damaged", "endless")
        at += 40


def test_constants():
    assert len({SEND, OPENED, REPLY, PUSH, CLOSED}) == 5
