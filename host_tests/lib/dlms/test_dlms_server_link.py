"""The meter's side of the link, byte for byte, and both sides together over a line that loses and spoils frames."""

from host_tests.lib.dlms.dlms_wire import SESSION, SNRM, Line, feed, frame, octets, ready, reply
from lib.dlms.errors import FrameError
from lib.dlms.link import Link
from lib.dlms.server_link import CLOSED, OPENED, REQUEST, SEND, ServerLink
from modbus_oracle import noise

ASK = b"\xc0\x01\xc1\x00\x03\x01\x00\x01\x08\x00\xff\x02\x00"
DISC = frame(b"\x03", b"\x03", 0x53)
DM = frame(b"\x03", b"\x03", 0x1F)
UA = octets(SESSION[0][1])


def ask(number, taken, apdu, more=False, llc=b"\xe6\xe6\x00", server=b"\x03", client=b"\x03"):
    """An I-frame of a client."""
    return frame(server, client, taken << 5 | 0x10 | number << 1, llc + apdu, more)


class Meter:
    """A server link whose application answers with what `answer(request)` returns, None: not yet. It is a Line's meter."""

    def __init__(self, answer, addresses=((1, 0),), most_info=128, most_apdu=1024):
        self.link = ServerLink(addresses, most_info, most_apdu)
        self.answer = answer
        self.events = []

    def __call__(self, said, step=0):
        link = self.link
        sent = b""
        while True:
            event = link.next()
            if event == SEND:
                sent += bytes(link.to_send)
            elif event == REQUEST:
                self.events.append(bytes(link.request))
                answer = self.answer(self.events[-1])
                if answer is not None:
                    link.answer(answer)
            elif event:
                self.events.append(event)
            elif said:
                said = feed(link, said, step)
            elif link.wait_ms:
                link.silence()
            else:
                return sent


def opened(*arguments, **options):
    meter = Meter(*arguments, **options)
    assert meter(octets(SNRM)) == UA
    meter.events.clear()
    return meter


def test_session_of_the_sheet():
    for step in (0, 1, 5):
        replies = [octets(answer)[11:-3] for _, answer in SESSION[1:4]]
        meter = Meter(lambda _, replies=replies: replies.pop(0))
        for request, answer in SESSION:
            assert meter(b"\x00\xff" + octets(request), step) == octets(answer)
        requests = [octets(request)[11:-3] for request, _ in SESSION[1:4]]
        assert meter.events == [OPENED, requests[0], requests[1], requests[2], CLOSED]


def test_sizes_are_agreed():
    for asked, answered, sizes in (
        ("", "818012 050180 060180", (128, 128)),
        ("818013 0501EF 06020400 070400000001 080400000001", "818013 05020200 0601EF", (512, 239)),
        ("818006 050140 0601C8", "818012 0501C8 060140", (200, 64)),
        ("818008 050207D0 060207D0", "818014 05020200 06020200", (512, 512)),
    ):
        meter = Meter(None, most_info=512)
        ua = frame(b"\x03", b"\x03", 0x73, octets(answered + "070400000001080400000001"))
        assert meter(frame(b"\x03", b"\x03", 0x93, octets(asked))) == ua
        assert (meter.link.max_info_tx, meter.link.max_info_rx) == sizes


def test_answers_in_the_form_of_the_request():
    meter = Meter(lambda request: request, ((1, 17), (1, 0), (2, 17)))
    for server, called in (
        (b"\x02\x23", (1, 17)),
        (b"\x00\x02\x00\x23", (1, 17)),
        (b"\x03", (1, 0)),
        (b"\x02\x01", (1, 0)),
        (b"\x04\x23", (2, 17)),
    ):
        assert meter(frame(server, b"\x21", 0x93)) == frame(b"\x21", server, 0x73, UA[8:-3])
        assert meter(ask(0, 0, ASK, server=server, client=b"\x21")) == reply(0, 1, ASK, server=server, client=b"\x21")
        assert (meter.link.client, (meter.link.logical, meter.link.physical)) == (16, called)
    for server in (b"\x05", b"\x02\x25", b"\x02\xff", b"\xfe\xfe\xfe\xff"):
        assert meter(frame(server, b"\x21", 0x93)) == b""
    assert meter(b"\x7e\xa0\x07\x03\x03\x93\x8c\x12\x7e") == b""


def test_who_has_not_opened_it_is_told():
    meter = Meter(lambda _: b"")
    for said in (ask(0, 0, ASK), DISC, ready(0)):
        assert meter(said) == DM
    assert meter(frame(b"\x03", b"\x03", 0x13, b"\xe6\xe6\x00\x0f")) == b""
    assert not meter.events
    meter = opened(lambda _: b"ok")
    assert meter(ask(0, 0, ASK, client=b"\x21")) == b""  # another one while it is open
    assert meter(ask(0, 0, ASK)) == reply(0, 1, b"ok")
    assert meter(frame(b"\x03", b"\x21", 0x93)) == frame(b"\x21", b"\x03", 0x73, UA[8:-3])  # takes over
    assert meter.events == [ASK, OPENED] and meter.link.client == 16
    assert meter(DISC) == b""
    assert meter(frame(b"\x03", b"\x21", 0x53)) == frame(b"\x21", b"\x03", 0x73)
    assert meter.events[-1] == CLOSED and not meter.link.is_open


def test_what_was_lost_is_said_again():
    meter = opened(lambda _: bytes(range(200)))
    first = ask(0, 0, b"abc", True)
    rest = ask(1, 0, b"def", llc=b"")
    one = reply(0, 2, bytes(range(125)), True)
    two = reply(1, 2, bytes(range(125, 200)), llc=b"")
    for said, answer in (
        (first, ready(1)),
        (first, ready(1)),
        (rest, one),
        (rest, one),
        (ready(0), one),
        (ready(1), two),
        (ready(1), two),
        (ready(2), ready(2)),  # only asks whether it is there
        (ready(2), ready(2)),
        (ask(3, 2, b"wrong SSS"), b""),
        (ask(2, 1, b"wrong RRR"), b""),
    ):
        assert meter(said) == answer
    assert meter.events == [b"abcdef"]
    assert meter(frame(b"\x03", b"\x03", 0x55)) == ready(2)  # RNR
    assert meter(ask(2, 2, b"next")) == reply(2, 3, bytes(range(125)), True)


def test_answer_that_takes_its_time():
    meter = opened(lambda _: None)
    link = meter.link
    assert meter(ask(0, 0, ASK)) == b""
    assert meter(ask(0, 0, ASK)) == b"" and meter.events == [ASK]
    assert meter(ready(0)) == b""
    link.answer(b"late")
    assert meter(b"") == reply(0, 1, b"late")
    assert meter(ask(1, 1, ASK)) == b""
    assert meter(octets(SNRM)) == UA  # given up
    link.answer(b"too late")
    assert meter(b"") == b""
    assert meter(ask(0, 0, ASK)) == b""
    assert meter(DISC) == frame(b"\x03", b"\x03", 0x73)
    link.answer(b"too late")
    assert meter(b"") == b""


def test_requests_too_long_are_refused():
    meter = opened(lambda _: b"ok", most_apdu=300)
    assert meter(ask(0, 0, bytes(125), True)) == ready(1)
    assert meter(ask(1, 0, bytes(128), True, b"")) == ready(2)
    assert meter(ask(2, 0, bytes(48), True, b"")) == frame(b"\x03", b"\x03", 0x97)
    assert meter.events == [CLOSED]
    assert meter(ask(3, 0, b"x", False, b"")) == DM
    meter(octets(SNRM))
    assert meter(ask(0, 0, bytes(100))) == reply(0, 1, b"ok")
    assert len(meter.events[-1]) == 100


class Lossy:
    """A line to a meter that loses, cuts and spoils frames in both directions by the throw of dice."""

    def __init__(self, meter, rate, seed):
        self.meter = meter
        self.rate = rate  # of 256
        self.dice = noise(20000, seed)
        self.at = 0

    def throw(self):
        self.at = (self.at + 1) % len(self.dice)
        return self.dice[self.at]

    def passed(self, wire):
        if not wire or self.throw() >= self.rate:
            return wire
        how = self.throw() & 3
        place = self.throw() % len(wire)
        if how == 0:
            return b""
        if how == 1:
            return wire[:place]
        if how == 2:
            return wire[:place] + bytes((wire[place] ^ (self.throw() or 1),)) + wire[place + 1 :]
        return bytes([self.throw() for _ in range(place)]) + wire

    def __call__(self, said):
        return self.passed(self.meter(self.passed(said)))


def test_both_sides_over_a_bad_line():
    for seed in range(1, 7):
        meter = Meter(lambda request: request + request, most_info=256)
        line = Line(Link(256), Lossy(meter, 60, seed), (0, 1, 50)[seed % 3])
        line.link.address(1, 0, 1)
        pool = bytes(noise(1000, seed))
        good = bad = 0
        is_open = False
        for turn in range(150):
            apdu = b"\xc0" + pool[turn : turn + pool[turn] * 2]
            try:
                if not is_open:
                    line.open()
                is_open = True
                before = len(meter.events)
                assert line.ask(apdu) == apdu + apdu
                # whatever was repeated, it was asked once
                assert [event for event in meter.events[before:] if event not in (OPENED, CLOSED)] == [apdu]
                good += 1
            except FrameError:
                is_open = False
                bad += 1
        assert good > 100, (good, bad)


def test_garbage_breaks_nothing():
    dice = noise(30000, 5)
    meter = opened(lambda _: b"ok")
    kinds = b"\x93\x53\x10\x11\x15\x32\x97\x73\x13\x1f\x54\xb1"
    at = 0
    while at < 28000:
        size = dice[at] % 60
        body = bytes(dice[at + 4 : at + 4 + size])
        if dice[at + 1] & 1:
            body = frame(b"\x03", b"\x03", kinds[dice[at + 2] % len(kinds)], body, bool(dice[at + 3] & 1))
        meter(body, dice[at + 3] % 9)
        at += 4 + size
    assert meter(octets(SNRM)) == UA
    assert meter(ask(0, 0, ASK)) == reply(0, 1, b"ok")
