"""Read-outs of real meters: whole, in pieces, behind noise, cut short at every byte, damaged, endless, too long."""

import gc

from host_tests.lib.iec62056.iec_wire import (
    ANSWERS,
    PLAIN,
    PROFILES,
    READ_OUTS,
    SWITCH_ON,
    Player,
    block,
    capture,
    compared,
    feed,
    framed,
    outcome,
    plain_values,
)
from lib.iec62056 import message_reader as reading
from lib.iec62056.errors import FrameError, LocalError
from lib.iec62056.message_reader import MessageReader
from modbus_oracle import noise

MAS = "mas-gen3-full.bin"
KAMSTRUP = "kamstrup-mc66.bin"

# Values that the notes on the captures name, and such as are odd in form
KNOWN = (
    # file, address, index, value, unit
    ("makel-c500.txt", b"0.0.0", 0, b"80099921", b""),
    ("makel-c500.txt", b"0.8.0", 0, b"15", b"min"),
    ("makel-c500.txt", b"1.6.0", 0, b"000.060", b"kW"),
    ("makel-c500.txt", b"1.6.0", 1, b"18-12-13,17:15", b""),
    ("makel-c500.txt", b"52.7.0", 0, b"001.46", b"V"),
    ("makel-c500.txt", b"72.7.0", 0, b"001.49", b"V"),
    ("makel-c500.txt", b"96.77.2*1", 0, b"18-12-12,20:19,99-99-99,99:99", b""),
    ("makel-c500.txt", b"96.71*1", 1, b"00", b""),
    ("viko-vemm.txt", b"0.0.0", 0, b"01405959", b""),
    ("viko-vemm.txt", b"32.7.0", 0, b"00218.837", b"V"),
    ("viko-vemm.txt", b"33.7.0", 0, b"00000.396", b""),
    ("viko-vemm.txt", b"96.60", 0, b"12399999", b""),
    ("viko-vemm.txt", b"1.8.3*12", 0, b"00000.000", b"kWh"),
    ("landis-zmd120.txt", b"0.0.0", 0, b" 20000", b""),
    ("landis-zmd120.txt", b"F.F", 0, b"00000000", b""),
    ("landis-zmd120.txt", b"2.8.0", 0, b"004329.6", b"kWh"),
    ("landis-zmr120-k76.txt", b"C.1.0", 0, b"30863358", b""),
    ("landis-zmr120-k76.txt", b"C.1.1", 0, b"        ", b""),
    ("landis-zmr120-k76.txt", b"0.0.2", 0, b"  978880", b""),
    ("landis-zmr120-k76.txt", b"C.5.0", 0, b"0004E0F0", b""),
    ("landis-zmr120-k76.txt", b"2.8.0", 0, b"014605.516", b"kWh"),
    ("emh-lzqj-table4.txt", b"0.9.1", 0, b"1185411", b""),
    ("emh-lzqj-table4.txt", b"13.25", 0, b"0.83", b"P/S"),
    ("emh-lzqj-table4.txt", b"43.25", 0, b"0.006", b"kvar"),
    ("iskra-am550-p1.txt", b"1-0:99.97.0", 3, b"0000000267", b"s"),
    ("iskra-am550-p1.txt", b"1-0:99.97.0", 4, b"170611001706S", b""),
    ("iskra-am550-p1.txt", b"0-1:24.2.1", 1, b"00212.529", b"m3"),
    ("iskra-am550-p1.txt", b"0-0:96.13.0", 0, b"", b""),
    (MAS, b"0.0.0", 0, b"510095849", b""),
    (MAS, b"32.7.0", 0, b"220.86", b""),
    (MAS, b"96.20.6*24", 0, b"00-00-00,00:00;00-00-00,00:00", b""),
    (MAS, b"96.7.13*200", 0, b"00-00-00,00:00:00;00-00-00,00:00:00", b""),
    (MAS, b"F.F.0", 0, b"0000000000000110000000000000000000000010000000000000000000100000", b""),
    (MAS, b"97.1.0", 0, b"1.8.0", b"kWh"),
)


def test_captures_whole_in_pieces_and_behind_noise():
    for name in READ_OUTS + PROFILES + (MAS,):  # noqa: RUF005 - MicroPython has no stars in a tuple
        data = framed(name)
        expected = plain_values(data)
        junk = bytes([byte for byte in noise(300) if byte not in b"\x01\x02/"])
        fronts = (b"", SWITCH_ON) if name == MAS else (b"", SWITCH_ON, junk, b"/?!\r\n", b"/12/", b"\x02 a 1", b"\x02 a 1(")
        for front in fronts:
            if name in PLAIN and b"\x02" in front:
                continue  # where no STX comes, one in the noise begins a block that never ends
            for step in (512, 1, 7):
                count, told = compared(front + data, step, expected, is_plain=name in PLAIN)
                assert count == len(expected) and told[-1] == reading.BLOCK, (name, front, step)


def test_a_start_in_the_noise():
    data = block(b"1.8.0(1)\r\n")
    for front in (b"\x02", b"\x02 12", b"\x02 12(34", b"\x01\x02", b"\x01R\x02", b"\x01\x01", b"\x02/"):
        for step in (64, 1):
            assert outcome(front + data, step) == ([(b"1.8.0", 0, 0, b"1", b"")], [reading.BLOCK], None), front
    # What was told of the noise is void with all that follows.
    for front in (b"\x02 12(34)", b"\x02 12\r\n"):
        assert outcome(front + data)[2] == "format", front


def test_whether_a_read_out_was_checked():
    for name, is_checked in (("landis-zmd120.txt", False), ("iskra-am550-p1.txt", True), ("viko-vemm.txt", True)):
        assert Player(is_plain=name in PLAIN).play(framed(name)).reader.is_checked == is_checked, name


def test_known_values():
    players = {}
    for name, address, index, value, unit in KNOWN:
        if name not in players:
            players[name] = Player(is_plain=name in PLAIN).play(framed(name))
        assert (address, index, 0, value, unit) in players[name].values, (name, address)
    assert len(players[MAS].values) == 1078
    assert [values[3:] for values in players["makel-c500.txt"].values if values[0] == b"1.8.0"] == [(b"000000.015", b"kWh")]


def test_mode_a_without_line_end_behind_the_exclamation_mark():
    data = capture(KAMSTRUP)
    values, told, reason = outcome(data)
    assert reason == "check" and told == [(reading.IDENTIFIED, b"/KAM MC\r\n")]  # its values were edited, as its note says
    values, told, reason = outcome(data[:-1] + b"\x3d", 1)
    assert reason is None and told[-1] == reading.BLOCK
    assert values == [
        (b"0.0", 0, 0, b"00005077354", b""),
        (b"6.8", 0, 0, b"00433.65", b"GJ"),
        (b"6.26", 0, 0, b"03052.95", b"m3"),
        (b"6.31", 0, 0, b"0109868", b"h"),
    ]


def test_cut_at_every_byte():
    for name in READ_OUTS + PROFILES:
        data = framed(name)
        is_plain = name in PLAIN
        expected = Player(is_plain=is_plain).play(data).values
        for size in range(len(data)):
            values, told, reason = outcome(data[:size], 512, is_plain=is_plain)
            assert reason in ("truncated", "noise", "no answer"), (name, size, reason)
            assert reading.BLOCK not in told, (name, size)
            assert values == expected[: len(values)], (name, size)


def test_the_longest_cut_short():
    # All 48 KB once byte by byte, looked at after each; and some cuts with the silence behind them.
    data = capture(MAS)
    expected = plain_values(data)
    assert compared(data[:-1], 1, expected) == (len(expected), [])
    expected = Player().play(data).values
    for size in list(range(1, len(data), 4999)) + list(range(len(data) - 30, len(data))):
        values, told, reason = outcome(data[:size], 512)
        assert reason == "truncated" and reading.BLOCK not in told, (size, reason)
        assert values == expected[: len(values)], size
        values = told = None
        gc.collect()


def test_one_flipped_bit_anywhere():
    for name in ("landis-zmr120-k76.txt", "nzr-p01.txt", "emh-lzqj-table4.txt"):
        data = framed(name)
        start = data.find(b"\x02")
        whole = len(Player().play(data).values)
        for at in range(start, len(data)):
            for bit in range(8):
                damaged = bytearray(data)
                damaged[at] ^= 1 << bit
                values, told, reason = outcome(bytes(damaged), 512)
                assert reason in ("check", "parity", "format", "truncated", "noise"), (name, at, bit, reason)
                assert reading.BLOCK not in told and reading.PART not in told, (name, at, bit)
                assert len(values) <= whole + 1
    # DSMR has a CRC: every flip behind the identification is noticed, and most in it.
    data = capture("iskra-am550-p1.txt")
    for at in range(18, len(data) - 6):
        damaged = bytearray(data)
        damaged[at] ^= 1 << at % 7
        _, told, reason = outcome(bytes(damaged), 512, is_plain=True)
        assert reason and reading.BLOCK not in told, (at, reason)


def test_block_checks_of_the_sheet():
    for text, check in (
        (b"0.0.0(00000002)", 0x30),
        (b"0.9.2(13-12-12)", 0x3B),
        (b"AEL12345678", 0x43),
        (b"\x06AEL12345678", 0x45),
        (b"\x06AEL123456789(120)", 0x4E),
    ):
        data = b"\x02" + text + b"\x03" + bytes((check,))
        values, told, reason = outcome(data)
        assert reason == ("format" if text[0] == 6 else None), (text, reason)  # no meter sends an acknowledgement in a block
        values, told, reason = outcome(data[:-1] + bytes((check ^ 1,)))
        assert reason in ("check", "format"), text
    assert outcome(b"\x02AEL12345678\x03C")[1] == [(reading.TEXT, b"AEL12345678"), reading.BLOCK]


def test_every_block_check_character_is_read_as_such():
    # Whatever its value, CR, ETX, `/` or STX among them
    seen = set()
    for first in range(0x20, 0x7F):
        for second in range(0x20, 0x7F, 7):
            text = bytes((0x41, first, 0x42, second))
            if any([byte in b"()/!*" for byte in text]):
                continue
            data = block(b"1(" + text + b")")
            seen.add(data[-1])
            values, told, reason = outcome(data + block(b"2(3)"), 1)
            assert reason is None and told == [reading.BLOCK] * 2 and values[1][3] == b"3", text
    assert {2, 3, 4, 6, 10, 13, 0x2F} <= seen


def test_energomera_sums():
    player = Player(wanted=reading.WANT_SOH)
    player.reader.is_summed = True
    player.play(b"\x01P0\x02(777777)\x03\x20")
    assert player.told == [reading.BLOCK] and player.reader.command == b"P0"
    player = Player(wanted=reading.WANT_SOH)
    try:
        player.play(b"\x01P0\x02(777777)\x03\x20")
        raise AssertionError("an exclusive or was expected")
    except FrameError as error:
        assert error.reason == "check"


def test_parity_done_here():
    data = framed("emh-lzqj-table4.txt")
    with_parity = bytes([byte | (bin(byte).count("1") & 1) << 7 for byte in data])
    player = Player()
    player.reader.has_parity = True
    assert player.play(SWITCH_ON + with_parity, 3).is_done
    assert player.values == Player().play(data).values
    for at in range(1, len(data) - 1):
        damaged = bytearray(with_parity)
        damaged[at] ^= 0x80
        player = Player()
        player.reader.has_parity = True
        try:
            player.play(bytes(damaged))
            player.reader.silence()
        except FrameError as error:
            assert error.reason in ("parity", "check", "truncated"), (at, error.reason)
        assert not player.is_done
    # Two characters damaged so that the block check fits all the same
    damaged = bytearray(with_parity)
    damaged[5] ^= 0x80
    damaged[8] ^= 0x80
    player = Player()
    player.reader.has_parity = True
    try:
        player.play(bytes(damaged))
        raise AssertionError("parity")
    except FrameError as error:
        assert error.reason == "parity"


def test_reasons():
    for what, data, reason in (
        ("silence", b"", "no answer"),
        ("noise alone", b"\x00\x55\xff", "noise"),
        ("group in a group", block(b"1.8.0(1(2)"), "format"),
        ("line end in a group", block(b"1.8.0(1\r\n1.8.1(2)\r\n"), "format"),
        ("bracket closed twice", block(b"1.8.0(1))\r\n"), "format"),
        ("ETX in a group", block(b"1.8.0(1"), "format"),
        ("NUL in a group", block(b"1.8.0(1\x002)"), "format"),
        ("values behind the end", block(b"1.8.0(1)\r\n!\r\n1.8.1(2)"), "format"),
        ("an address of 33 characters", block(b"1" * 33 + b"(1)"), "format"),
        ("check wrong", block(b"1.8.0(1)")[:-1] + b"\x00", "check"),
        ("identification alone", b"/LGZ4ZMR120AC.K76\r", "truncated"),
    ):
        assert outcome(data)[2] == reason, what


def test_forms_of_lines():
    for text, expected in (
        (b"1.8.0(1)\r\n!\r\n", [(b"1.8.0", 0, 0, b"1", b"")]),
        (b"1.8.0(1)", [(b"1.8.0", 0, 0, b"1", b"")]),
        (b"(1*kWh)\r\n", [(b"", 0, 1, b"1", b"kWh")]),
        (b"  1.8.0  (1)  \r\n", [(b"1.8.0", 0, 0, b"1", b"")]),
        (b"C.1.0(7)P.01(8)(9)\r\n", [(b"C.1.0", 0, 0, b"7", b""), (b"P.01", 0, 0, b"8", b""), (b"P.01", 1, 0, b"9", b"")]),
        (b"1.8.0*01(1)\r\n1.8.0&12(2)\r\n", [(b"1.8.0*01", 0, 0, b"1", b""), (b"1.8.0&12", 0, 0, b"2", b"")]),
        (
            b"0-1:24.3.0(090212160000)(00)(m3)\r\n(00001.001)\r\n",
            [
                (b"0-1:24.3.0", 0, 0, b"090212160000", b""),
                (b"0-1:24.3.0", 1, 0, b"00", b""),
                (b"0-1:24.3.0", 2, 0, b"m3", b""),
                (b"0-1:24.3.0", 0, 1, b"00001.001", b""),
            ],
        ),
    ):
        for step in (64, 1):
            values, told, reason = outcome(block(text), step)
            assert values == expected and told == [reading.BLOCK] and reason is None, text


def test_long_values_are_cut_and_said_to_be():
    digits = b"".join([b"%05d" % number for number in range(1000)])
    for size, before, behind in ((128, 300, 3), (512, 2048, 3), (512, 5000, 3), (128, 100, 100), (128, 40, 300)):
        value = digits[:before] + b"*" + digits[:behind]
        text = b"96.13.0(" + value + b")\r\n1.8.0(" + b"5" * 20 + b"*kWh)\r\n" + digits[:before] + b"L" * size + b"\r\n"
        for step in (1, 64):
            reader = MessageReader(size)
            reader.expect(ANSWERS)
            told = []

            def tell(event, reader=reader, told=told):
                if event != reading.BLOCK:
                    told.append((event, bytes(reader.text), bytes(reader.unit), reader.is_cut))
                else:
                    told.append(event)

            feed(reader, block(text), step, tell)
            long, short, line, end = told
            half = size // 2
            assert long == (reading.VALUE, value[:half], value[before + 1 : half] if before < half else b"", True)
            assert short == (reading.VALUE, b"5" * 20 + b"*kWh", b"kWh", False)
            assert line[0] == reading.TEXT and line[3] and line[1] == (digits[:before] + b"L" * size)[:half]
            assert end == reading.BLOCK


def test_lines_of_any_length_need_no_room():
    row = b"P.01" + b"(000123.456)" * 3000 + b"\r\n"
    player = Player(size=128, rows=True).play(block(row), 100)
    assert len(player.values) == 3000 and player.told == [reading.ROW, reading.BLOCK]
    assert player.values[2999] == (b"P.01", 2999, 0, b"000123.456", b"")


def test_endless():
    reader = MessageReader(most_bytes=5000)
    reader.expect(ANSWERS)
    told = []
    try:
        feed(reader, b"\x02" + b"1.8.0(1)\r\n" * 1000, 64, told.append)
        raise AssertionError("read on")
    except FrameError as error:
        assert error.reason == "endless" and len(told) <= 520
    # Many blocks of ordinary length are not one endless one.
    reader.expect(ANSWERS)
    feed(reader, block(b"1.8.0(1)\r\n" * 100) * 10, 64, told.append)
    assert told.count(reading.BLOCK) == 10


def test_unasked_read_outs_one_after_the_other():
    data = capture("iskra-am550-p1.txt")
    player = Player(is_plain=True).play(data + data + b"\xff" + data, 100)
    assert player.told.count(reading.BLOCK) == 3 and len(player.values) == 3 * 41
    # One is cut short between its lines, the next is read.
    player = Player(is_plain=True)
    errors = []
    for byte in data[: data.find(b"1-0:32.32.0")] + data:
        try:
            player.play(bytes((byte,)))
        except FrameError as error:
            errors.append(error.reason)
    assert errors == ["truncated"] and player.is_done
    assert player.values[-41:] == Player(is_plain=True).play(data).values


def test_unasked_read_outs_with_block_check():
    data = b"/ABC3x\r\n" + block(b"1.8.0(1)\r\n!\r\n")
    values, told, reason = outcome(data, 1, is_plain=True)
    assert values == [(b"1.8.0", 0, 0, b"1", b"")] and reason is None
    assert outcome(data[:-1] + b"\x00", is_plain=True)[2] == "check"


def test_crc_behind_the_exclamation_mark():
    data = capture("iskra-am550-p1.txt")
    at = data.find(b"!")
    for tail, reason in (
        (b"!D82C\r\n", None),
        (b"!d82c\r\n", None),
        (b"!D82D\r\n", "check"),
        (b"!D82\r\n", "check"),
        (b"!XYZZ\r\n", "check"),
        (b"!D82C1234\r\n", "format"),
    ):
        assert outcome(data[:at] + tail, is_plain=True)[2] == reason, tail


def test_echo():
    request = b"/?80099921!\r\n"
    answer = b"/MSY5<1>C500.KMY.2556\r\n"
    for front, is_echoed in ((request, True), (SWITCH_ON + request, True), (b"", False), (SWITCH_ON, False)):
        for step in (64, 1):
            player = Player()
            player.reader.expect(reading.WANT_IDENTIFICATION, echo=request)
            player.play(front + answer, step)
            assert player.told == [(reading.IDENTIFIED, answer)] and player.reader.is_echoed == is_echoed, (front, step)
    command = b"\x01R5\x021.8.0()\x03\x5b"
    for front in (command, b""):
        for step in (64, 1):
            player = Player()
            player.reader.expect(reading.WANT_STX | reading.WANT_SOH | reading.WANT_NAK, echo=command)
            player.play(front + b"\x15", step)
            assert player.told == [reading.NAK]
    player.reader.expect(reading.WANT_STX, echo=command)
    player.play(command)
    try:
        player.reader.silence()
        raise AssertionError("an echo is no answer")
    except FrameError as error:
        assert error.reason == "no answer"
    # An answer that begins as the echo would
    player = Player()
    player.reader.expect(reading.WANT_SOH, echo=b"\x01P1\x02(1)\x03\x00")
    assert player.play(b"\x01B0\x03q", 1).is_done and player.reader.command == b"B0"
    player.reader.expect(reading.WANT_SOH, echo=command)
    player.play(command[:5], 1)
    try:
        player.reader.silence()
        raise AssertionError("half an echo is no answer")
    except FrameError as error:
        assert error.reason in ("no answer", "noise")


def test_more_filled_than_room():
    reader = MessageReader(128)
    for count in (129, -1):
        try:
            reader.filled(count)
            raise AssertionError(count)
        except LocalError:
            pass
    reader.filled(None)
    reader.filled(0)
    assert reader.received == 0


def test_constant_memory():
    line = b"1.8.0*01(000123.456*kWh)(24-05-01,00:00)\r\n"
    reader = MessageReader()

    def run(lines):
        """Heap in use after a read-out, garbage collected, and the most of it on the way."""
        reader.expect(ANSWERS)
        gc.collect()
        before = gc.mem_alloc()
        most = 0
        for count in range(lines + 2):
            part = line if 0 < count <= lines else b"!\r\n" if count else b"\x02"
            room = reader.room()
            room[: len(part)] = part
            reader.filled(len(part))
            while reader.next() is not None:
                pass
            room = None
            gc.collect()
            most = max(most, gc.mem_alloc() - before)
        assert reader.received == len(line) * lines + 4
        return most

    run(10)
    short, long = run(10), run(2600)  # 109 kB
    assert long <= short + 64, (short, long)
