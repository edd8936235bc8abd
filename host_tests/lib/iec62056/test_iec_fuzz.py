"""Damage of every kind, always the same: only the codec's own errors come out, nothing damaged counts, the next is read."""

from host_tests.lib.iec62056.iec_wire import ANSWERS, PLAIN, PROFILES, READ_OUTS, block, feed, framed
from lib.iec62056 import dialogue as talking
from lib.iec62056 import message_reader as reading
from lib.iec62056 import times, values
from lib.iec62056.dialogue import Dialogue
from lib.iec62056.errors import FormatError, FrameError, PeerError
from lib.iec62056.load_profile import LoadProfile
from lib.iec62056.message_reader import MessageReader

CONTROL = b"\x00\x01\x02\x03\x04\x06\x15\r\n()*!/\x7f\xff"


class Dice:
    def __init__(self, seed):
        self.state = seed

    def roll(self, count):
        self.state = (self.state * 75 + 74) % 65537
        return self.state % count


def mangled(data, dice):
    """One to four changes: a byte changed, lost, doubled or put in, a stretch lost, repeated or torn off."""
    data = bytearray(data)
    for _ in range(1 + dice.roll(4)):
        if not data:
            break
        at = dice.roll(len(data))
        kind = dice.roll(7)
        size = 1 + dice.roll(20)
        if kind == 0:
            data[at] = CONTROL[dice.roll(len(CONTROL))]
        elif kind == 1:
            data[at] ^= 1 << dice.roll(8)
        elif kind == 2:
            data = data[:at] + data[at + size :]
        elif kind == 3:
            data = data[:at] + data[at : at + size] + data[at:]
        elif kind == 4:
            data = data[:at] + bytes((CONTROL[dice.roll(len(CONTROL))],)) + data[at:]
        elif kind == 5:
            data = data[:at]
        else:
            data = data[:at] + bytes([dice.roll(256) for _ in range(size)]) + data[at:]
    return bytes(data)


def has_good_block(data):
    """Whether a message with a right block check is in the bytes: nothing else may make a value count."""
    for start in range(len(data)):
        if data[start] in b"\x01\x02":
            value = 0
            for at in range(start + 1, len(data) - 1):
                value ^= data[at]
                if data[at] in b"\x03\x04" and data[at + 1] == value:
                    return True
    return False


def decode(text):
    """Every decoder of values may be asked about every text."""
    for function in (values.number, times.date_time, times.date, times.clock, times.span):
        try:
            function(text)
        except FormatError:
            pass


def through(data, step, is_plain):
    """(values that count, whether an error came) of some bytes and the silence behind them; the reader is as in use."""
    reader = MessageReader(128)
    reader.tells_rows = True
    reader.expect(ANSWERS | reading.WANT_SOH | reading.WANT_ACK | reading.WANT_NAK, is_plain)
    profile = LoadProfile()
    pending = []
    counted = []
    errors = [0]

    def tell(event):
        if event == reading.VALUE:
            pending.append((reader.address, bytes(reader.text)))
            decode(reader.value)
        elif event in (reading.BLOCK, reading.PART):
            counted.extend(pending)
            pending.clear()
        try:
            profile.take(event, reader)
        except FormatError:
            pass

    at = 0
    while at < len(data):
        room = reader.room()
        count = min(len(room), step, len(data) - at)
        room[:count] = data[at : at + count]
        reader.filled(count)
        at += count
        while True:
            try:
                event = reader.next()
            except FrameError:
                errors[0] += 1
                pending.clear()
                continue
            if event is None:
                break
            tell(event)
    if reader.is_within:
        try:
            reader.silence()
        except FrameError:
            errors[0] += 1
    # Whatever came, the next message is read.
    found = []
    reader.expect(ANSWERS, is_plain)
    feed(reader, b"/ABC5x\r\n" + block(b"9.9.9(1*x)"), step, found.append)
    assert found == [reading.IDENTIFIED, reading.VALUE, reading.ROW, reading.BLOCK], found
    return counted, errors[0]


def test_mangled_captures():
    dice = Dice(1)
    refused = whole = 0
    for name in READ_OUTS + PROFILES:
        data = framed(name)[:1500] if name not in PLAIN else framed(name)
        if name not in PLAIN:
            data = block(data[1:] if data[:1] == b"\x02" else data[data.find(b"\x02") + 1 :].replace(b"\x03", b""))
        good = through(data, 64, name in PLAIN)[0]
        for turn in range(60):
            damaged = mangled(data, dice)
            counted, errors = through(damaged, (64, 1, 7)[turn % 3], name in PLAIN)
            refused += errors > 0
            whole += counted == good
            if name == "iskra-am550-p1.txt":
                assert counted in ([], good), turn
            elif name not in PLAIN and counted:
                assert has_good_block(damaged), (name, turn)
    assert refused > 300, refused
    assert whole < 200, whole


def test_noise_alone():
    dice = Dice(7)
    for turn in range(300):
        data = bytes([CONTROL[dice.roll(16)] if dice.roll(3) == 0 else dice.roll(256) for _ in range(200)])
        through(data, (64, 1)[turn & 1], bool(turn & 2))


def test_decoders():
    dice = Dice(3)
    letters = b"0123456789-:,;. SWz+*"
    for _ in range(4000):
        decode(bytes([letters[dice.roll(len(letters))] for _ in range(dice.roll(32))]))
    for _ in range(500):
        decode(bytes([dice.roll(256) for _ in range(dice.roll(20))]))


def test_dialogues_with_a_mad_meter():
    """Whatever a meter answers, a dialogue ends, by DONE or by one of its errors."""
    dice = Dice(5)
    answers = [b"/LGZ5x\r\n", b"/ABCEx\r\n", b"/KAM MC\r\n", b"\x06", b"\x15", b"", b"\x01B0\x03q", b"\x01P0\x02()\x03\x60"]
    answers += [block(b"1.8.0(1)\r\n!\r\n"), block(b"(ER01)"), block(b"P.01(1)", b"\x04"), block(b"1.8.0(1)")[:-1]]
    ends = {}
    for turn in range(1500):
        dialogue = Dialogue(MessageReader(128))
        dialogue.has_parity = turn % 5 == 0
        work = (
            lambda: dialogue.sign_on(what=(0, 1, 2, 6, None)[turn % 5]),  # noqa: B023 - called at once
            lambda: dialogue.password(b"1"),  # noqa: B023
            lambda: dialogue.command(b"R6", b"P.01(;)"),  # noqa: B023
            lambda: dialogue.command(b"W2", b"0.9.1(1)"),  # noqa: B023
            dialogue.break_off,
            dialogue.listen,  # noqa: B023
        )
        for start in (work[0], work[1 + turn % 5], work[1 + dice.roll(5)]):
            end = None
            start()
            coming = b""
            for _ in range(3000):
                try:
                    event = dialogue.next()
                except (FrameError, PeerError) as error:
                    end = error.args[0]
                    break
                if event == talking.DONE:
                    end = "done"
                    break
                if event == talking.SEND:
                    coming = answers[dice.roll(len(answers))]
                    if dice.roll(3) == 0:
                        coming = mangled(coming, dice)
                elif event is None:
                    assert dialogue.wait_ms > 0
                    if not coming:
                        dialogue.silence()
                    room = dialogue.reader.room()
                    count = min(len(room), len(coming))
                    room[:count] = coming[:count]
                    dialogue.reader.filled(count)
                    coming = coming[count:]
            assert end, turn
            ends[end] = ends.get(end, 0) + 1
    assert {"done", "no answer", "noise", "check", "other answer", "nak", "signed off", "mode"} <= set(ends), ends
