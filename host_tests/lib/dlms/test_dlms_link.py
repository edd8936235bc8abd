"""The link's client: what it sends byte for byte, what it takes for an answer, and what it does when none comes."""

from host_tests.lib.dlms.dlms_wire import (
    AARE,
    AARQ,
    SESSION,
    SNRM,
    UA,
    Line,
    capture,
    feed,
    frame,
    octets,
    plain_crc,
    ready,
    reply,
    script,
)
from lib.dlms.link import CLOSED, OPENED, PUSH, REPLY, SEND, Link

ASK = b"\xc0\x01\xc1\x00\x03\x01\x00\x01\x08\x00\xff\x02\x00"
DISC = frame(b"\x03", b"\x03", 0x53)
DM = frame(b"\x03", b"\x03", 0x1F)
FRMR = frame(b"\x03", b"\x03", 0x97)
OK = octets(UA)


def link(most_info=128, most_apdu=1024):
    made = Link(most_info, most_apdu)
    made.address(1, 0, 1)
    return made


def opened(*answers, most_info=128, most_apdu=1024, information=b"", step=0):
    """A line whose link is open, to a meter that then gives the answers."""
    line = Line(link(most_info, most_apdu), script(frame(b"\x03", b"\x03", 0x73, information), *answers), step)
    line.open().sent.clear()
    return line


def own(number, taken, apdu, more=False, llc=b"\xe6\xe6\x00"):
    return reply(number, taken, apdu, more, llc)


def test_session_of_the_sheet():
    for noise in (b"", b"\xff\x00\x7e", b"\x7e\xa0\x7f\x03"):
        for step in (0, 1, 3):
            holds_session(noise, step, False)
            holds_session(noise, step, True)


def holds_session(noise, step, has_echo):
    answers = [octets(answer) for _, answer in SESSION]
    sent = [octets(request) for request, _ in SESSION]
    line = Line(link(), lambda said: (said if has_echo else b"") + noise + answers.pop(0), step)
    line.link.open()
    assert line.run() is None and line.link.is_open
    assert line.ask(octets(AARQ)) == octets(AARE)
    assert line.ask(sent[2][11:-3]) == octets("C401C10002020F01161E")
    assert line.ask(memoryview(sent[3])[11:-3]) == octets("C401C100060001E240")
    line.link.close()
    assert line.run() is None and not line.link.is_open
    assert line.sent == sent and not line.events
    assert line.link.next() is None


def norax():
    """The exchanges of the capture: (what the reader sent, what the meter answered)."""
    pairs = []
    for way, wire in capture("dlms-norax.hex")[3:]:  # behind the association, whose request the capture leaves out
        if way == "TX":
            pairs.append([wire, b""])
        else:
            pairs[-1][1] += wire
    return pairs


def test_dialogue_of_a_meter_that_wants_rr_between_services():
    lines = capture("dlms-norax.hex")
    pairs = norax()
    answers = [lines[1][1], lines[2][1]] + [answer for _, answer in pairs]
    line = Line(link(), lambda _: answers.pop(0), 5).open()
    assert (line.link.max_info_tx, line.link.max_info_rx) == (128, 128)
    assert line.ask(octets(AARQ))[:1] == b"\x61"
    line.sent.clear()
    heard = []
    at = 0
    while at < len(pairs) - 1:
        wire = pairs[at][0]
        if wire[1:3] == b"\xa0\x07":
            line.link.keep_alive()
            assert line.run() is None
            at += 1
        else:
            heard.append(line.ask(wire[11:-3]))
            at += 1 + (pairs[at][1][1] >> 3 & 1)
    assert line.sent == [wire for wire, _ in pairs[:-1]]
    assert heard[0] == b"\xc4\x01\x87\x00\x09\x10APAnor3094481130"
    assert len(heard[-1]) == 128 + 25 - 3 and heard[-1][:6] == octets("C4018D000108")  # two segments
    assert heard[-1].endswith(octets("000080 0100FF0F02120000"))


def test_frames_as_meters_answered():
    line = Line(link(512), None)
    line.link.address(1, 17, 1, 4)
    line.meter = script(frame(b"\x03", b"\x00\x02\x00\x23", 0x73))
    line.open()
    assert line.sent[0][3:7] == b"\x00\x02\x00\x23"
    line.meter = script(frame(b"\x03", b"\x00\x02\x00\x23", 0x30, b"\xe6\xe7\x00a"), capture("dlms-itron-ace661.hex")[0][1])
    assert line.ask(ASK) == b"a"
    assert line.ask(ASK)[-16:] == b"ACE661MA84573548"
    blocks = [wire for way, wire in capture("dlms-profile-range-blocks.hex")]
    line.link.address(1, 16, 2)
    line.meter = script(frame(b"\x05", b"\x02\x21", 0x73), blocks[1])
    line.open().sent.clear()
    assert line.ask(blocks[0][12:-3]) == blocks[1][12:-3]
    assert line.sent == [blocks[0]]


def test_sizes_are_agreed():
    most = octets("818014 05020200 06020200 070400000001 080400000001")
    for most_info, information, asked, sizes in (
        (128, "", b"", (128, 128)),
        (512, "", most, (128, 128)),  # UA without information
        (512, "818014 05020200 06020200 070400000001 080400000001", most, (512, 512)),
        (512, "818013 0501EF 06020400 070400000001 080400000001", most, (512, 239)),
        (512, "818006 050140 0601C8", most, (200, 64)),
        (512, "818008 050207D0 060207D0", most, (512, 512)),
        (128, "818008 050207D0 060207D0", b"", (128, 128)),
    ):
        line = Line(link(most_info), script(frame(b"\x03", b"\x03", 0x73, octets(information)))).open()
        assert line.sent == [frame(b"\x03", b"\x03", 0x93, asked)]
        assert (line.link.max_info_tx, line.link.max_info_rx) == sizes, information


def test_opening_is_tried_again():
    first = frame(b"\x03", b"\x03", 0x93, octets("818014 05020200 06020200 070400000001 080400000001"))
    for answers, sent in (
        ((OK,), [first]),
        ((b"", OK), [first, first]),
        ((b"\x7e\xa0\x1e", OK), [first, first]),
        ((b"", b"", b"", OK), [first, first, DISC, octets(SNRM)]),
        ((DM, DM, OK), [first, DISC, octets(SNRM)]),  # left connected by somebody
        ((FRMR, OK, OK), [first, DISC, octets(SNRM)]),  # knows no parameters
        ((OK[:-4] + b"\x00" + OK[-3:], OK), [first, first]),
    ):
        line = Line(link(512), script(*answers)).open()
        assert line.sent == sent
        assert line.link.is_open
        assert (line.link.max_info_tx, line.link.max_info_rx) == (128, 128)
    for answers, reason in (
        ((), "no answer"),
        ((DM, DM, DM), "disconnected"),
        ((FRMR, OK, FRMR), "refused"),
        ((b"\x7e\xa0\x1e\x03",) * 4, "damaged"),
    ):
        line = Line(link(512), script(*answers))
        assert line.fails(line.link.open) == reason
        assert len(line.sent) <= 4 and not line.link.is_open
        assert line.link.next() is None


def test_long_requests_are_sent_in_segments():
    apdu = bytes(range(256)) + bytes(45)
    for most, parts in ((128, (125, 128, 48)), (64, (61, 64, 64, 64, 48)), (301 + 3, (301,)), (301 + 2, (300, 1))):
        sent = []
        answers = []
        at = 0
        for number, part in enumerate(parts):
            more = at + part < len(apdu)
            sent.append(own(number, 0, apdu[at : at + part], more, b"" if at else b"\xe6\xe6\x00"))
            answers.append(ready(number + 1) if more else reply(0, number + 1, b"\xc4"))
            at += part
        information = b"\x81\x80\x04\x06\x02" + bytes((most >> 8, most & 0xFF))
        for lost in range(2 * len(parts) + 1):
            line = opened(most_info=512, information=information)
            line.meter = Forgetful(answers, lost)
            assert line.ask(apdu) == b"\xc4"
            assert line.meter.heard == sent, (most, lost)
            assert len(line.sent) == len(sent) + (lost < 2 * len(parts))


class Forgetful:
    """A meter with one answer for each frame, and again that for one it knows. Of all frames one is lost."""

    def __init__(self, answers, lost):
        self.answers = answers
        self.heard = []
        self.left = lost

    def passes(self):
        self.left -= 1
        return self.left != -1

    def __call__(self, said):
        if not self.passes():
            return b""
        if said not in self.heard:
            self.heard.append(said)
        return self.answers[self.heard.index(said)] if self.passes() else b""


def test_long_answers_come_in_segments():
    apdu = bytes(range(250))
    parts = [apdu[at : at + 50] for at in range(0, 250, 50)]
    answers = [reply(at, 1, part, at < 4, b"" if at else b"\xe6\xe7\x00") for at, part in enumerate(parts)]
    asked = [own(0, 0, ASK)] + [ready(at) for at in range(1, 5)]
    for step in (0, 1):
        line = opened(*answers, step=step)
        assert line.ask(ASK) == apdu
        assert line.sent == asked
    for lost in range(5):
        line = opened(*answers[:lost], b"", *answers[lost:])
        assert line.ask(ASK) == apdu
        assert line.sent == asked[: lost + 1] + asked[lost:]
    for lost in range(5):  # cut, and then said again
        line = opened(*answers[:lost], answers[lost][:-9], *answers[lost:])
        assert line.ask(ASK) == apdu
    for twice in range(4):  # said twice: the second one has an old number
        line = opened(*answers[: twice + 1], answers[twice] + answers[twice + 1], *answers[twice + 2 :])
        assert line.ask(ASK) == apdu
        assert line.sent == asked
    tiny = [reply(at & 7, 1, bytes((byte,)), at < 5, b"") for at, byte in enumerate(b"\xe6\xe7\x00abc")]
    assert opened(*tiny).ask(ASK) == b"abc"  # LLC octets in segments of their own


def test_numbers_run_through_eight():
    answers = [reply(at & 7, at + 1 & 7, bytes((at,))) for at in range(20)]
    line = opened(*answers)
    for at in range(20):
        assert line.ask(ASK) == bytes((at,))
    assert [said[5] for said in line.sent[:10]] == [0x10, 0x32, 0x54, 0x76, 0x98, 0xBA, 0xDC, 0xFE, 0x10, 0x32]


def test_endless_segments_end():
    for most_apdu, asked in ((300, 6), (1024, 18)):
        line = opened(*[reply(number & 7, 1, bytes(60), True, b"") for number in range(30)], most_apdu=most_apdu)
        assert line.fails(line.link.exchange, ASK) == "endless"
        assert len(line.sent) == asked
        assert not line.link.is_open
    line = opened(*[frame(b"\x03", b"\x03", 0x30 | number << 1, b"", True) for number in range(9)])
    assert line.fails(line.link.exchange, ASK) == "no answer"  # segments of nothing
    fits = bytes(range(200))
    assert opened(reply(0, 1, fits[:100], True), reply(1, 1, fits[100:], llc=b""), most_apdu=200).ask(ASK) == fits
    line = opened(reply(0, 1, fits[:100], True), reply(1, 1, fits[99:], llc=b""), most_apdu=200)
    assert line.fails(line.link.exchange, ASK) == "endless"


def test_lost_answers_are_asked_for_again():
    answer = reply(0, 1, b"\xc4\x01")
    for lost in (b"", answer[:-1], answer[:5], answer[:9] + b"\x55" + answer[10:], b"\xff" * 300):
        for count in (0, 1, 2):
            line = opened(*[lost] * count, answer)
            assert line.ask(ASK) == b"\xc4\x01"
            assert line.sent == [own(0, 0, ASK)] * (count + 1)
        line = opened(*[lost] * 3, answer)
        assert line.fails(line.link.exchange, ASK) == ("damaged" if lost else "no answer")
        assert len(line.sent) == 3


def test_answers_to_others_and_of_before_are_dropped():
    answer = reply(0, 1, b"\xc4\x01")
    for other in (
        own(0, 0, ASK),  # the echo
        reply(1, 1, b"wrong SSS"),
        reply(7, 0, b"old"),
        reply(0, 0, b"acknowledges nothing"),
        reply(0, 2, b"acknowledges what was not sent"),
        reply(0, 1, b"another client", client=b"\x21"),
        reply(0, 1, b"another meter", server=b"\x05"),
        reply(0, 1, b"another meter", server=b"\x02\x23"),
        reply(0, 1, b"another meter", server=b"\x00\x02\x00\x23"),
        ready(0),  # RR between services
        OK,  # of an SNRM sent twice
        frame(b"\x03", b"\x03", 0x30),  # says nothing
        frame(b"\x03", b"\x03", 0x19),  # REJ
        frame(b"\x21", b"\x05", 0x1F),  # another meter's DM
        b"\x7e\x7e\x7e",
    ):
        line = opened(other + answer)
        assert line.ask(ASK) == b"\xc4\x01"
        assert len(line.sent) == 1 and not line.events
        line = opened(other, answer)
        assert line.ask(ASK) == b"\xc4\x01"
        assert line.sent == [own(0, 0, ASK)] * 2


def test_addresses_are_compared_by_value():
    for mine, size, theirs in (
        ((1, 17), 2, (b"\x02\x23", b"\x00\x02\x00\x23")),
        ((1, 17), 4, (b"\x02\x23", b"\x00\x02\x00\x23")),
        ((1, 0), 1, (b"\x03", b"\x02\x01", b"\x00\x02\x00\x01")),
        ((1, 0), 4, (b"\x03", b"\x02\x01")),
        ((1, 0x3FFE), 4, (b"\x02\x23", b"\x00\x02\x4e\x11")),  # calling whoever is there
        ((1, 0x7E), 2, (b"\x02\x23", b"\x02\xfd")),
    ):
        for server in theirs:
            line = Line(Link(), script(frame(b"\x21", server, 0x73), reply(0, 1, b"ok", client=b"\x21", server=server)))
            line.link.address(*mine, 16, size)
            assert line.open().ask(ASK) == b"ok"
            assert len(line.sent) == 2
    line = Line(Link(), script(*[frame(b"\x21", b"\x04\x23", 0x73)] * 4))
    line.link.address(1, 0x7E, 16, 2)
    assert line.fails(line.link.open) == "no answer"  # of another logical device
    try:
        line.link.address(1, 200, 16, 2)
        raise AssertionError
    except ValueError:
        pass


def test_meter_that_was_restarted_or_refuses():
    for answer, reason in ((DM, "disconnected"), (FRMR, "refused")):
        line = opened(reply(0, 1, b"one"), answer, OK, reply(0, 1, b"two"))
        assert line.ask(ASK) == b"one"
        assert line.fails(line.link.exchange, ASK) == reason
        assert line.fails(line.link.exchange, ASK) == "disconnected"
        assert line.fails(line.link.keep_alive) == "disconnected"
        assert line.open().ask(ASK) == b"two"  # numbers begin anew
        line = opened(reply(0, 1, bytes(100), True), answer)
        assert line.fails(line.link.exchange, ASK) == reason  # between segments
    line = Line(link(), script())
    assert line.fails(line.link.exchange, ASK) == "disconnected"


def test_meter_that_is_not_ready():
    taken, not_taken = frame(b"\x03", b"\x03", 0x35), frame(b"\x03", b"\x03", 0x15)
    answer = reply(0, 1, b"ok")
    rr = ready(0)
    mine = own(0, 0, ASK)
    for answers, sent in (
        ((taken, answer), [mine, rr]),
        ((taken, taken, answer), [mine, rr, rr]),
        ((not_taken, answer), [mine, mine]),
        ((not_taken, taken, answer), [mine, mine, rr]),
        ((ready(1), answer), [mine, rr]),  # has it, the answer is not ready
        ((ready(1) + answer,), [mine]),
        ((taken,) * 20 + (answer,), [mine] + [rr] * 20),  # noqa: RUF005
    ):
        line = opened(*answers)
        assert line.ask(ASK) == b"ok"
        assert line.sent == sent
    line = opened(*[taken] * 99)
    assert line.fails(line.link.exchange, ASK) == "busy"
    assert len(line.sent) < 30
    apdu = bytes(200)
    line = opened(frame(b"\x03", b"\x03", 0x35), ready(1), reply(0, 2, b"ok"))
    assert line.ask(apdu) == b"ok"
    assert [said[5] for said in line.sent] == [0x10, 0x11, 0x12]


def test_closing():
    for answers, count in (((frame(b"\x03", b"\x03", 0x73),), 1), ((DM,), 1), ((), 2), ((b"", DM), 2)):
        line = opened(*answers)
        line.link.close()
        assert line.run() is None
        assert line.sent == [DISC] * count and not line.link.is_open


def test_pushes_come_between():
    aidon, *_ = [wire for _, wire in capture("dlms-aidon-push.hex")]
    landis = [wire for _, wire in capture("dlms-landis-e450-push.hex")]
    line = opened(aidon + reply(0, 1, b"ok"), landis[0], landis[1] + reply(1, 2, b"ok"), most_info=1024)
    assert line.ask(ASK) == b"ok"
    assert line.link.source == (4, 65)
    assert line.ask(ASK) == b"ok"
    assert line.link.source == (1, 0)
    assert [event[:3] for event in line.events] == [b"\x0f\x40\x00", b"\xe0\x40\x00", b"\xe0\x40\x00"]
    assert line.events[0] == aidon[12:-3] and line.events[1] == landis[0][12:-3] and line.events[2] == landis[1][9:-3]


def heard(listener, data, step=0):
    """The pushes that an idle link hears."""
    found = []
    while True:
        event = listener.next()
        if event == PUSH:
            found.append(bytes(listener.reply))
        elif not data:
            assert event is None
            return found
        else:
            data = feed(listener, data, step)


def test_pushes_while_nothing_is_under_way():
    wires = [wire for _, wire in capture("dlms-landis-e450-push.hex")]
    for step in (0, 1):
        pushes = heard(Link(), b"\xff\x00".join(wires), step)
        assert [push[:4] for push in pushes] == [b"\xe0\x40\x00\x01", b"\xe0\x40\x00\x02", b"\xe0\xc0\x00\x03"]
    parts = [frame(b"\xce\xff", b"\x03", 0x13, part, part != b"c") for part in (b"\xe6\xe7\x00\x0fa", b"b", b"c")]
    listener = Link()
    assert heard(listener, b"".join(parts), 4) == [b"\x0fabc"]  # segments
    assert heard(listener, parts[2]) == [b"c"]
    long = [frame(b"\xce\xff", b"\x03", 0x13, bytes(400), part < 3) for part in range(4)]
    assert heard(listener, b"".join(long) + parts[2], 100) == [b"c"]  # too long: dropped to its end
    line = opened(parts[0] + parts[1] + reply(0, 1, b"ok"), parts[2] + reply(1, 2, b"ok"))
    assert line.ask(ASK) == b"ok" and line.ask(ASK) == b"ok" and not line.events  # no half of one
    line = opened(reply(0, 1, b"ok"))
    heard(line.link, parts[0])
    assert line.ask(ASK) == b"ok"
    assert heard(line.link, parts[1] + parts[2] + parts[2]) == [b"c"]


def test_echo_where_both_addresses_are_the_same():
    parts = [reply(0, 1, b"abc", True), reply(1, 1, b"def", llc=b"")]
    answers = [OK, ready(0)] + parts  # noqa: RUF005
    line = Line(link(), lambda said: said + answers.pop(0)).open()
    line.link.keep_alive()
    assert line.run() is None
    assert line.ask(ASK) == b"abcdef"
    assert not answers and len(line.sent) == 4
    answers = [b"", ready(1)]
    line.link.keep_alive()
    line.run()
    assert not answers  # its own RR was no answer


def test_waiting_times():
    made = link()
    made.reply_ms = 700
    made.open()
    assert made.next() == SEND
    assert made.next() is None and made.wait_ms == 700
    feed(made, b"\xff\xff\x7e")
    assert made.next() is None and made.wait_ms == 700  # noise begins no frame
    feed(made, b"\x7e\xa0\x07\x03")
    assert made.next() is None and made.wait_ms == 100
    made.silence()
    assert made.next() is None and made.wait_ms == 700  # it broke off, the answer may come
    made.silence()
    assert made.next() == SEND
    feed(made, OK)
    assert made.next() == OPENED
    assert made.next() is None


def test_line_that_is_never_silent():
    answers = iter((OK,))
    line = Line(link(), lambda _: next(answers)).open()
    line.link.exchange(ASK)
    sends = 0
    try:
        for turn in range(100000):
            event = line.link.next()
            if event == SEND:
                sends += 1
            else:
                feed(line.link, bytes((0x7E, 0xA0, turn & 0x7F, 3)))
    except Exception as error:
        assert error.reason == "damaged" and sends == 3 and turn < 20000
        return
    raise AssertionError


def test_every_flipped_bit_of_an_answer_costs_one_repeat():
    good = reply(0, 1, octets("C401C100060001E240"))
    for bit in range(8 * len(good)):
        bad = bytearray(good)
        bad[bit >> 3] ^= 1 << (bit & 7)
        line = opened(bytes(bad), good)
        assert line.ask(ASK) == octets("C401C100060001E240")
        assert len(line.sent) == 2, bit


def test_constants():
    assert len({SEND, OPENED, REPLY, PUSH, CLOSED}) == 5
    assert plain_crc(b"123456789") == b"\x6e\x90"
