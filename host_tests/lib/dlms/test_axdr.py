"""Data of all types, in compact arrays too, whole and in pieces; what lies about its size or depth is refused."""

import random
from array import array

import micropython

from host_tests.lib.dlms.dlms_octets import events, flipped, raw
from lib.dlms import axdr
from lib.dlms.axdr import Decoder
from lib.dlms.elements import BEGIN_ARRAY, BITS, DELTA, END, FLOAT, INTEGER, NULL, OCTETS, TEXT, TIME
from lib.dlms.errors import FormatError

SIMPLE = (
    # tag, contents without it, event
    ("00", "", (NULL, None)),
    ("03", "01", (INTEGER, 1)),
    ("04", "0A FFC0", (BITS, (b"\xff\xc0", 10))),
    ("05", "80000000", (INTEGER, -0x80000000)),
    ("05", "7FFFFFFF", (INTEGER, 0x7FFFFFFF)),
    ("06", "FFFFFFFE", (INTEGER, 0xFFFFFFFE)),
    ("06", "40000000", (INTEGER, 0x40000000)),
    ("09", "03 010203", (OCTETS, b"\1\2\3")),
    ("09", "00", (OCTETS, b"")),
    ("0A", "02 4142", (TEXT, b"AB")),
    ("0C", "81 03 E282AC", (TEXT, b"\xe2\x82\xac")),
    ("0D", "25", (INTEGER, 0x25)),
    ("0F", "FF", (INTEGER, -1)),
    ("10", "8000", (INTEGER, -0x8000)),
    ("11", "FF", (INTEGER, 255)),
    ("12", "FFFE", (INTEGER, 0xFFFE)),
    ("14", "8000000000000000", (INTEGER, -(1 << 63))),
    ("14", "FFFFFFFFFFFFFFFE", (INTEGER, -2)),
    ("15", "FFFFFFFFFFFFFFFF", (INTEGER, (1 << 64) - 1)),
    ("15", "00000000FFFFFFFF", (INTEGER, 0xFFFFFFFF)),
    ("16", "1E", (INTEGER, 30)),
    ("17", "4366199A", (FLOAT, (2301, -1))),
    ("17", "CB7FFFFF", (FLOAT, (-16777215, 0))),
    ("17", "7FC00000", (FLOAT, None)),
    ("17", "FF800000", (FLOAT, None)),
    ("18", "419D6F3454000000", (FLOAT, (123456789, 0))),
    ("18", "3FB999999999999A", (FLOAT, (1, -1))),
    ("19", "07E80502FF0A141E00FF4C00", (TIME, raw("07E80502FF0A141E00FF4C00"))),
    ("1A", "07E80502FF", (OCTETS, raw("07E80502FF"))),
    ("1B", "0A141E00", (OCTETS, raw("0A141E00"))),
    ("1C", "FE", (DELTA, -2)),
    ("1D", "FFFE", (DELTA, -2)),
    ("1E", "FFFFFFFE", (DELTA, -2)),
    ("1F", "FE", (DELTA, 0xFE)),
    ("20", "FFFE", (DELTA, 0xFFFE)),
    ("21", "FFFFFFFE", (DELTA, 0xFFFFFFFE)),
    ("FF", "", (NULL, None)),
)
REFUSED = (
    ("an unknown tag", "07 00000000", "tag"),
    ("another", "22", "tag"),
    ("more than one value", "11 01 11", "trailing octets"),
    ("the same, cut", "11 01 00", "trailing octets"),
    ("a length of no octets", "09 80", "length"),
    ("a length of five", "09 85 0000000001", "length"),
    ("a length beyond reason", "09 84 FFFFFFFF", "length"),
    ("a string beyond reason", "09 82 0801", "length"),
    ("bits beyond reason", "04 82 4001", "length"),
    ("a count beyond reason", "01 84 00010000", "length"),
    ("nested too deep", "01 01" * 9, "depth"),
    ("the same of structures", "02 02" * 9, "depth"),
    ("a compact array in a compact array", "13 13 06 00", "tag"),
    ("of an unknown type", "13 07 00", "tag"),
    ("of nothing, with contents", "13 00 01 00", "compact array"),
    ("of empty structures", "13 02 00 01 00", "compact array"),
    ("of arrays of nothing, that have no end", "13 01 FFFF 01 FFFF 00 01 00", "compact array"),
    ("of structures of such", "13 02 02 11 01 FFFF 00 01 00", "compact array"),
    ("with half an element", "13 12 03 000102", "compact array"),
    ("with a string behind its end", "13 09 03 05 4142", "compact array"),
    ("with a structure behind its end", "13 02 02 09 09 03 01 41 02", "compact array"),
    ("nested too deep in its description", "13" + "01 0001" * 10 + "11 01 00", "depth"),
    ("nested too deep with what it is in", "01 01" * 7 + "13 01 0001 11 01 00", "depth"),
    ("a description that never ends", "13" + "02 7F" * 70, "compact array depth"),
    ("contents beyond reason", "13 11 84 01000000", "length"),
)


def test_every_simple_type():
    for tag, contents, event in SIMPLE:
        data = raw(tag + contents)
        for step in range(1, len(data) + 1):
            assert events(data, step) == [event, True], (tag, contents, step)
            assert events(data, step, True) == [event, True], (tag, contents, step)


def test_compact_arrays_of_every_simple_type():
    for tag, contents, event in SIMPLE:
        if not contents:
            continue
        count = 1 + 3 * (len(raw(contents)) < 9)
        size = len(raw(contents)) * count
        data = raw("13 %s %02X %s" % (tag, size, contents * count))
        is_counted = tag in ("04", "09", "0A", "0C")
        expected = [(BEGIN_ARRAY, None if is_counted else count)] + [event] * count + [(END, None), True]
        for step in range(1, len(data) + 1):
            assert events(data, step) == expected, (tag, contents, step)


def test_compact_arrays_are_as_plain_ones():
    pairs = (
        ("13 02 02 06 12 0C 000003E8 0001 000003E9 0002", "01 02 0202 06000003E8 120001 0202 06000003E9 120002"),
        ("13 06 08 00000001 00000002", "01 02 0600000001 0600000002"),
        ("13 06 00", "01 00"),
        ("13 02 03 00 11 FF 02 07 08", "01 02 0203 00 1107 FF 0203 00 1108 FF"),
        ("13 01 0002 12 08 0001 0002 0003 0004", "01 02 0102 120001 120002 0102 120003 120004"),
        ("13 02 02 01 0000 12 11 02 09 0A", "01 02 0202 0100 1109 0202 0100 110A"),
        ("0202 13 11 02 0506 1107", "0202 01 02 1105 1106 1107"),
        ("01 02 13 11 01 05 13 11 00", "01 02 01 01 1105 01 00"),
        (
            "13 02 02 11 02 02 12 01 0002 11 0A 01 0002 03 04 05 0006 07 08",
            "01 02 0202 1101 0202 120002 0102 1103 11040202 1105 0202 120006 0102 1107 1108",
        ),
    )
    for compact, plain in pairs:
        expected = events(raw(plain))
        assert expected[-1] is True
        for step in range(1, len(raw(compact)) + 1):
            assert events(raw(compact), step) == expected, (compact, step)
    # Strings have no common length: how many elements there are is not known beforehand.
    assert axdr.whole(raw("13 01 0002 09 08 01 41 00 02 4243 01 44")) == [[b"A", b""], [b"BC", b"D"]]
    assert axdr.whole(raw("13 04 05 09 FF80 01 80")) == [(b"\xff\x80", 9), (b"\x80", 1)]


def test_what_lies_is_refused():
    for what, data, reason in REFUSED:
        for step in (1, 2, 3, 300):
            told = events(raw(data), step)
            assert told in reason.split(" ") or told == reason, (what, step, told)


def test_counts_that_lie_are_never_whole():
    for data in ("01 82 FFFF 1101 1102", "02 05 1101", "09 7F 41", "01 01", "13 11 05 01 02", "13", "13 02 02 06", "04 09 FF"):
        told = events(raw(data))
        assert told[-1] is False, data
        try:
            axdr.whole(raw(data))
        except FormatError as error:
            assert error.reason == "truncated"
        else:
            raise AssertionError(data)


def test_trees_are_bounded():
    try:
        axdr.whole(raw("01 82 FFFF") + bytes(0xFFFF))
    except FormatError as error:
        assert error.reason == "too large"
    else:
        raise AssertionError("a tree of 65535")


def test_flipped_bits_of_compact_arrays():
    data = raw("13 02 03 06 01 0002 12 09 18 000003E8 0001 0002 02 4142 000003E9 0003 0004 04 43444546")
    assert events(data)[-1] is True
    for other in flipped(data):
        told = events(other)
        assert told == events(other, 1)
        assert isinstance(told, str) or told[-1] in (True, False)


def test_noise():
    """What is made of the tags of all types, mostly, is a value or refused; in pieces as at once."""
    random.seed(1)
    tags = raw("0001020304050609 0A0C0D0F10111213 1415161718191A1B 1C1D1E1F2021FF07 0102130102130102")
    for _ in range(4000):
        data = bytes([tags[random.getrandbits(8) % len(tags)] for _ in range(1 + random.getrandbits(5))])
        told = events(data)
        assert isinstance(told, str) or told[-1] in (True, False)
        assert events(data, 1 + random.getrandbits(2)) == told, data


def test_a_long_string_in_pieces():
    text = bytes(range(256)) * 8
    data = b"\x02\x02\x09\x82\x08\x00" + text + b"\x11\x05"
    for step in (1, 13, 255, 2048):
        assert events(data, step)[1:3] == [(OCTETS, text), (INTEGER, 5)]


def test_begins_again():
    seen = []
    decoder = Decoder(lambda event, value: seen.append(value))
    decoder.feed(raw("0202 0904 4142"))
    decoder.restart()
    decoder.feed(raw("13 02 01 11 02"))
    decoder.restart()
    decoder.feed(raw("12 0001"))
    assert decoder.is_whole
    assert seen[-1] == 1


def test_nothing_is_allocated_for_numbers_and_short_strings():
    row = raw("0206 090C07E80502FF0A141E00FF4C00 1106 0600010203 0600010204 120005 0A024142")
    sums = array("i", (0, 0))

    def take(event, value):
        sums[0] += event
        if event == OCTETS:
            sums[1] += value[0]

    decoder = Decoder(take, True)
    view = memoryview(b"\x01\x03" + row * 3)
    head, rest = view[:23], view[23:]  # inside of a number: a string that is cut gets a buffer of its own
    decoder.feed(memoryview(raw("0A024142")))  # the first string of a length makes the buffer for all
    decoder.restart()
    micropython.heap_lock()
    try:
        decoder.feed(head)
        decoder.feed(rest)
    finally:
        micropython.heap_unlock()
    assert decoder.is_whole
    assert sums[1] == 3 * 7
