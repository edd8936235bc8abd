"""Frames: as the sheet and meters write them, and found again whatever stands around them."""

from host_tests.lib.dlms.dlms_wire import SESSION, SNRM, UA, capture, feed, frame, octets
from lib.dlms import frames
from lib.dlms.frame_reader import FrameReader
from modbus_oracle import noise

CAPTURES = ("norax", "aidon-push", "itron-ace661", "landis-e450-push", "profile-range-blocks")


def read(reader, data, step=0):
    """(control, information) of all good frames in `data`, at most `step` bytes at a time; then the line is silent."""
    found = []
    while True:
        while reader.next():
            found.append((reader.control, bytes(reader.information)))
        if data:
            data = feed(reader, data, step)
        elif reader.is_within:
            reader.silence()
        else:
            return found


def fields(data):
    reader = FrameReader(1024)
    feed(reader, data)
    assert reader.next(), data
    return reader


def test_frames_of_the_sheet_and_of_meters_are_made_the_same():
    wires = [octets(wire) for exchange in SESSION for wire in exchange]
    for name in CAPTURES:
        wires += [wire for _, wire in capture("dlms-" + name + ".hex")]
    out = bytearray(1024 + frames.OVERHEAD)
    assert len(wires) > 50
    for wire in wires:
        reader = fields(wire)
        here = 3
        for _ in range(2):
            *_, here = frames.address_at(wire, here)
        size = frames.make(out, wire[3:here], reader.control, b"", reader.information, reader.has_more)
        assert out[:size] == wire


def test_fields_of_frames():
    segment = [wire for _, wire in capture("dlms-norax.hex") if wire[1] & 8][0]
    pushed = capture("dlms-landis-e450-push.hex")[0][1]
    itron = capture("dlms-itron-ace661.hex")[0][1]
    blocks = capture("dlms-profile-range-blocks.hex")
    for wire, control, destination, source, size, has_more, length in (
        (octets(SNRM), 0x93, (1, 0), (1, 0), 1, False, 0),
        (octets(UA), 0x73, (1, 0), (1, 0), 1, False, 21),
        (segment, 0x1E, (1, 0), (1, 0), 1, True, 128),
        (itron, 0x52, (1, 0), (1, 17), 1, False, 25),
        (blocks[0][1], 0x10, (1, 16), (2, 0), 2, False, 103),
        (blocks[1][1], 0x30, (2, 0), (1, 16), 1, False, 137),
        (pushed, 0x13, (103, 127), (1, 0), 2, False, 122),
        (frame(b"\x02\x00\x4e\x11", b"\x21", 0x53), 0x53, (128, 5000), (16, 0), 4, False, 0),
    ):
        reader = fields(wire)
        assert (reader.control, reader.destination, reader.source, reader.size) == (control, destination, source, size)
        assert (reader.has_more, len(reader.information)) == (has_more, length), wire


def test_kinds():
    for kind, controls in (
        (frames.I, b"\x10\x32\x54\xfe\x00"),
        (frames.RR, b"\x11\x31\xf1\x01"),
        (frames.RNR, b"\x15\x35\x05"),
        (frames.SNRM, b"\x93"),
        (frames.DISC, b"\x53"),
        (frames.UA, b"\x73\x63"),
        (frames.DM, b"\x1f\x0f"),
        (frames.FRMR, b"\x97"),
        (frames.UI, b"\x13\x03"),
    ):
        for control in controls:
            assert frames.kind(control) == kind, hex(control)


def test_addresses():
    for logical, physical, size, wire in (
        (1, 0, 0, "03"),
        (16, 0, 0, "21"),
        (1, 17, 0, "0223"),
        (1, 0, 2, "0201"),
        (1, 17, 4, "00020023"),
        (1, 0x7F, 0, "02FF"),
        (1, 5000, 0, "00024E11"),
        (0x3FFF, 0x3FFF, 0, "FEFEFEFF"),
        (128, 0, 0, "02000001"),
    ):
        assert frames.address(logical, physical, size) == octets(wire)
        assert frames.address_at(octets(wire), 0) == (logical, physical, len(wire) // 2)
    for wrong in ((1, 17, 1), (128, 0, 1), (1, 128, 2), (1, 0x4000, 4), (0x4000, 0, 0), (-1, 0, 0), (1, -1, 2), (1, 1, 3)):
        try:
            frames.address(*wrong)
            raise AssertionError(wrong)
        except ValueError:
            pass


def test_parameters():
    assert frames.parameters(128, 128) == octets("81801205018006018007040000000108040000 0001")
    assert frames.parameters(512, 239) == octets("81801305020200 0601EF 070400000001 080400000001")
    for information, sizes in (
        ("", [128, 128]),
        ("8180", [128, 128]),
        ("818000", [128, 128]),
        ("8180120501800601800704000000010804000000 01", [128, 128]),
        ("818014 05020080 06020080 070400000001 080400000001", [128, 128]),
        ("818013 0501EF 06020400 070400000001 080400000001", [239, 1024]),  # a meter of SPODES
        ("818006 06027FFF 0500", [128, 0x7FFF]),
        ("818003 060140", [128, 64]),
        ("818007 07010105020200", [512, 128]),
        ("818004 05020200 06020200", [512, 128]),  # the group ends before
        ("8180FF 05020200 0602", [512, 128]),  # lengths that lie
        ("818007 05FF020006020200", [128, 128]),
        ("818003 050100", [128, 128]),  # no size to work with
        ("818103 0501FF", [128, 128]),  # another group
    ):
        assert frames.agreed(memoryview(octets(information))) == sizes, information


def test_every_truncation_loses_nothing_else():
    reader = FrameReader(128)
    for good in (octets(SNRM), octets(UA), octets(SESSION[2][1])):
        whole = (good[5], fields(good).information)
        assert read(reader, good[:-1] + good) == [whole, whole]  # one flag closes and opens
        for end in range(len(good) - 1):
            reader.clear()
            cut = good[:end]
            assert read(reader, cut + good) == [whole], end  # behind it at once
            assert reader.is_damaged == (end > 1)
            reader.clear()
            assert read(reader, cut, 3) + read(reader, good, 3) == [whole]  # after a pause


def test_every_bit_flipped():
    for good in (octets(SESSION[1][1]), octets(SESSION[2][0])):
        whole = (good[5], bytes(fields(good).information))
        for bit in range(8 * len(good)):
            bad = bytearray(good)
            bad[bit >> 3] ^= 1 << (bit & 7)
            got = read(FrameReader(512), bytes(bad) + good)
            assert got == [whole], bit  # the second one only


def test_frames_among_noise():
    dice = noise(60000)
    at = 0
    good = [frame(b"\x03", b"\x02\x23", 0x10 | turn % 8 << 5, bytes(dice[turn : turn + turn * 9 % 129])) for turn in range(40)]
    expected = [(wire[6], bytes(fields(wire).information)) for wire in good]
    for turn in range(24):
        data = b""
        for wire in good:
            length = dice[at] % 40
            at += 1
            piece = dice[at : at + length]
            at += length
            for index in range(length):
                if piece[index] < 40:
                    piece[index] = (0x7E, 0xA0, 0xA1)[piece[index] % 3]
            data += bytes(piece) + wire
        at %= 50000
        # A frame is found behind any noise, at the latest when the line is silent
        got = read(FrameReader(128), data, (0, 1, 7, 64)[turn & 3])
        assert got == expected, turn


def test_flags_between_frames():
    one, two = octets(SNRM), octets(UA)
    expected = [(0x93, b""), (0x73, bytes(fields(two).information))]
    for data in (one + two, one[:-1] + two, b"\x7e" * 9 + one + b"\x7e" * 700 + two + b"\x7e\x7e"):
        for step in (0, 1, 5):
            reader = FrameReader(128)
            assert read(reader, data, step) == expected
            assert not reader.is_damaged and not reader.is_within


def test_frames_too_long_are_noise():
    good = octets(SESSION[2][1])
    for length in (128, 129, 136, 137, 2030):
        wire = frame(b"\x02\x23\x03"[:2], b"\x03", 0x30, bytes(length))
        got = read(FrameReader(128), wire + good)
        assert len(got) == 1 + (length <= 137 - 3), length
        assert got[-1][0] == 0x52
    assert [len(info) for _, info in read(FrameReader(2030), frame(b"\x03", b"\x03", 0x30, bytes(2030)))] == [2030]


def test_worst_noise_is_passed():
    reader = FrameReader(2030)
    heads = frame(b"\x03", b"\x03", 0x10, bytes(1500))[:8]  # good heads of long frames, one in the other
    good = octets(SNRM)
    for pieces in (b"\x7e" * 2040, b"\x7e\xa0" * 1000, b"\x7e\xa7\xf0" * 680, heads * 250):
        assert read(reader, pieces + good) == [(0x93, b"")]
