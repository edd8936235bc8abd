"""Meters that say anything: nothing but a FrameError comes of it, in a bounded number of frames, and the link opens again."""

from host_tests.lib.dlms.dlms_wire import SESSION, Line, frame, octets, ready, reply
from lib.dlms.errors import FrameError
from lib.dlms.link import Link
from modbus_oracle import noise

ASK = b"\xc0\x01\xc1\x00\x03\x01\x00\x01\x08\x00\xff\x02\x00"
UA = octets(SESSION[0][1])
REASONS = ("no answer", "damaged", "busy", "disconnected", "refused", "endless")
KINDS = b"\x93\x53\x73\x1f\x97\x13\x03\x15\x19\x63"


class Dice:
    def __init__(self, seed):
        self.pool = noise(65000, seed)
        self.at = 0
        self.taken = 0  # what the meter of anything() has taken

    def throw(self, most):
        """A number below `most`."""
        self.at = (self.at + 1) % len(self.pool)
        return self.pool[self.at] % most

    def octets(self, count):
        return bytes([self.throw(256) for _ in range(count)])


def anything(dice, said):
    """What such a meter answers to a frame: it knows numbers and addresses, and seldom what is due."""
    control = said[-4] if len(said) < 10 else said[5]
    sent = control >> 5
    if not control & 1:
        dice.taken = (control >> 1 & 7) + 1 & 7
    taken = dice.taken
    data = b""
    for _ in range(dice.throw(4)):
        how = dice.throw(10)
        more = not dice.throw(2)
        if how < 4:
            piece = reply(sent, taken, dice.octets(dice.throw(120)), more, b"\xe6\xe7\x00" if how & 1 else b"")
        elif how == 4:
            piece = reply(dice.throw(8), dice.throw(8), dice.octets(dice.throw(120)), more)
        elif how == 5:
            piece = ready(dice.throw(8))
        elif how == 6:
            piece = frame(b"\x03", b"\x03", KINDS[dice.throw(len(KINDS))], dice.octets(dice.throw(20)), more)
        elif how == 7:
            piece = said
        else:
            piece = dice.octets(dice.throw(40))
        if not dice.throw(4):
            place = dice.throw(len(piece) or 1)
            piece = piece[:place] + dice.octets(dice.throw(3)) + piece[place + dice.throw(3) :]
        data += piece
    return data


def test_meters_that_say_anything():
    ended = {}
    for seed in range(1, 9):
        dice = Dice(seed)
        line = Line(Link(128, 200), lambda said, dice=dice: anything(dice, said), (0, 1, 7, 100)[seed & 3])
        line.link.address(1, 0, 1)
        for _ in range(60):
            line.coming = b""
            line.meter, meter = lambda _: UA, line.meter
            line.open().sent.clear()
            line.meter = meter
            try:
                for _ in range(20):
                    line.ask(ASK + dice.octets(dice.throw(200)))
                    ended["answered"] = ended.get("answered", 0) + 1
                    assert len(line.link.reply) <= 203
            except FrameError as error:
                assert error.reason in REASONS
                ended[error.reason] = ended.get(error.reason, 0) + 1
                assert not line.link.is_open
            assert len(line.sent) < 1500
    assert all(reason in ended for reason in REASONS if reason != "busy"), ended


def test_sessions_with_every_answer_cut_or_spoilt():
    answers = [octets(answer) for _, answer in SESSION]
    for which in range(1, 4):
        good = answers[which]
        for place in range(min(64, 8 * len(good))):
            spoilt = bytearray(good)
            spoilt[place >> 3] ^= 1 << (place & 7)
            cut = good[: min(place, len(good) - 1)]
            for bad in (bytes(spoilt), cut, b"\x7e\xa0\x60" + cut):
                given = answers[:which] + [bad] + answers[which:]
                line = Line(Link(128), lambda _, given=given: given.pop(0), (0, 5)[place & 1])
                line.link.address(1, 0, 1)
                line.open()
                heard = [line.ask(octets(request)[11:-3]) for request, _ in SESSION[1:4]]
                assert heard == [answer[11:-3] for answer in answers[1:4]], (which, place)
                assert not line.events
                assert len(line.sent) == 5
