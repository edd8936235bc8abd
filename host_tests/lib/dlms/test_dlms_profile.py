"""Rows of profiles: clocks of all kinds, null-data, columns of one name, rows that are none."""

import micropython

from host_tests.lib.dlms.dlms_octets import raw
from lib.dlms.columns import NO_UNIT, Columns
from lib.dlms.errors import FormatError
from lib.dlms.profile import Rows, capture_objects

CLOCK = (8, raw("0000010000ff"), 2, 0)
STATUS = (1, raw("0000600a01ff"), 2, 0)
ENERGY = (3, raw("0100010800ff"), 2, 0)
MAXIMUM = (4, raw("0100010600ff"), 2, 0)
ITS_TIME = (4, raw("0100010600ff"), 5, 0)
NOON = "090C 07E80502040C000000FF4C00"  # 2024-05-02 12:00 in Turkey
AT_NOON = 1714640400


def rows(columns, data, period_s=900, offset=0, is_reversed=False):
    """(time, status, values) of each row, then the reason of a refusal."""
    found = []

    def take(time, status, values):
        found.append((time, status, list(values)))

    decoder = Rows(columns, period_s, offset, take, is_reversed)
    try:
        decoder.feed(raw(data))
        assert decoder.is_whole
    except FormatError as error:
        found.append(error.reason)
    return found


def test_clocks_of_all_kinds():
    clocks = (
        (NOON, AT_NOON),
        ("19 07E80502040C000000FF4C00", AT_NOON),
        ("06 663356D0", 0x663356D0),  # Unix seconds
        ("06 00000000", None),
        ("090C 07E80502040C000000800000", AT_NOON),  # no deviation: the offset of the meter
        ("090C 07E80501031800000 0FF4C00", AT_NOON - 12 * 3600),  # 24:00 of the day before
        ("090C FFFFFFFFFFFFFFFFFF800000", None),
        ("0904 07E80502", None),
        ("0400", None),
        ("17 00000000", None),
    )
    for clock, time in clocks:
        assert rows((CLOCK, ENERGY), "01 01 0202 " + clock + "0600000005", 900, 180) == [(time, None, [None, 5])], clock


def test_a_deviation_of_the_other_sign():
    data = "01 01 0202 090C 07E80502040C00000000B400 1105"
    assert rows((CLOCK, ENERGY), data, is_reversed=True)[0][0] == AT_NOON
    assert rows((CLOCK, ENERGY), data)[0][0] == AT_NOON + 6 * 3600


def test_null_data_is_as_before():
    data = "01 04 0203 00 00 00 0203 " + NOON + "1108 0600000005 0203 00 00 0600000006 0203 00 1100 00"
    columns = (CLOCK, STATUS, ENERGY)
    assert rows(columns, data) == [
        (None, None, [None, None, None]),
        (AT_NOON, 8, [None, 8, 5]),
        (AT_NOON + 900, 8, [None, 8, 6]),
        (AT_NOON + 1800, 0, [None, 0, 6]),
    ]
    assert [row[0] for row in rows(columns, data, -900)] == [None, AT_NOON, AT_NOON - 900, AT_NOON - 1800]
    assert [row[0] for row in rows(columns, data, 0)] == [None, AT_NOON, None, None]


def test_deltas_are_added_to_the_row_before():
    data = "01 04 0202 " + NOON + "06FFFFFFFF 0202 00 1F05 0202 00 1CFF 0202 00 00"
    assert [row[2][1] for row in rows((CLOCK, ENERGY), data)] == [0xFFFFFFFF, 0x100000004, 0x100000003, 0x100000003]
    assert rows((CLOCK, ENERGY), "01 01 0202 00 1F05") == [(None, None, [None, None])]


def test_a_compact_array():
    data = "13 02 03 06 11 12 0E 663356D0 00 0001 66335A54 01 0002"
    assert rows((CLOCK, STATUS, ENERGY), data) == [(0x663356D0, 0, [None, 0, 1]), (0x66335A54, 1, [None, 1, 2])]


def test_columns_of_one_name_differ_by_all_four_numbers():
    objects = "01 04 0204 120008 09060000010000FF 0F02 120000 0204 120004 09060100010600FF 0F02 120000"
    objects += "0204 120004 09060100010600FF 0F05 120000 0204 120007 09060100620100FF 0F02 120003"
    columns = capture_objects(raw(objects))
    assert list(columns) == [column + (0, NO_UNIT) for column in (CLOCK, MAXIMUM, ITS_TIME, (7, raw("0100620100ff"), 2, 3))]
    data = "01 01 0204 " + NOON + "0600000005" + NOON + "0202 1101 1102"
    assert rows(columns, data) == [(AT_NOON, None, [None, 5, raw(NOON)[2:], None])]


def test_values_of_all_kinds():
    columns = (CLOCK,) + (ENERGY,) * 4
    data = "01 01 0205 " + NOON + "17 4366199A 0A 02 4142 04 03 A0 14 FFFFFFFFFFFFFFFF"
    assert rows(columns, data) == [(AT_NOON, None, [None, (2301, -1), b"AB", b"\xa0", -1])]


def test_a_float_that_is_no_number_is_no_value():
    data = "01 02 0202 " + NOON + "17 4366199A 0202 00 17 7FC00000"
    assert [row[2][1] for row in rows((CLOCK, ENERGY), data)] == [(2301, -1), None]


def test_a_second_clock_and_a_profile_without_one():
    assert rows((CLOCK, CLOCK), "01 01 0202 " + NOON + "06 00000007") == [(AT_NOON, None, [None, 7])]
    assert rows((ENERGY,), "01 01 0201 1105") == [(None, None, [5])]


def test_what_is_no_row_is_refused_and_the_rows_before_are_good():
    good = (AT_NOON, None, [None, 5])
    begin = "01 02 0202 " + NOON + "1105"
    assert rows((CLOCK, ENERGY), begin + "0201 1106") == [good, "row"]
    assert rows((CLOCK, ENERGY), begin + "1106") == [good, "row"]
    assert rows((CLOCK, ENERGY), "1106") == ["row"]
    assert rows((CLOCK, ENERGY), begin + "07") == [good, "tag"]
    assert rows((CLOCK, ENERGY), "0100") == []


def test_capture_objects_that_are_none():
    good = "120008 09060000010000FF 0F02 120000"
    for data in (
        "00",
        "1105",
        "01 01 1105",
        "01 01 00",
        "01 01 0200",
        "01 01 0201 1105",
        "01 01 0203 120008 09060000010000FF 0F02",
        "01 01 0204 120008 09050000010000 0F02 120000",
        "01 01 0204 00 09060000010000FF 0F02 120000",
        "01 01 0204 0201 1108 09060000010000FF 0F02 120000",
        "01 01 0204 0600010000 09060000010000FF 0F02 120000",
        "01 02 0204 " + good + "1105",
        "01 41" + 65 * (" 0204 " + good),
    ):
        try:
            capture_objects(raw(data))
        except FormatError as error:
            assert error.reason == "columns"
        else:
            raise AssertionError(data)
    try:
        capture_objects(raw("01 02 0204" + good))
    except FormatError as error:
        assert error.reason == "truncated"
    else:
        raise AssertionError
    assert not len(capture_objects(raw("0100"))) and len(capture_objects(raw("01 40" + 64 * (" 0204 " + good)))) == 64
    # Newer versions of the class tell more of a column.
    assert capture_objects(raw("01 01 0205" + good + "0202 1600 00"))[0][:4] == CLOCK


def test_columns_are_packed_and_come_back_as_they_were():
    columns = Columns()
    for column in ((8, CLOCK[1], 2), (3, ENERGY[1], 2, 0, -3, 30), (0xFFFF, b"\xff" * 6, -128, 0xFFFF, 127, 254)):
        columns.append(*column)
    columns.tell(0, -128, 7)
    wanted = [(8, CLOCK[1], 2, 0, -128, 7), (3, ENERGY[1], 2, 0, -3, 30), (0xFFFF, b"\xff" * 6, -128, 0xFFFF, 127, 254)]
    assert list(columns) == wanted and len(columns) == 3 and columns[2] == wanted[2]
    for place in (-1, 3):
        try:
            columns[place]
        except IndexError:
            continue
        raise AssertionError(place)


def test_rows_allocate_nothing_but_large_numbers():
    count = [0]

    def take(time, status, values):
        count[0] += status + values[2]

    decoder = Rows((CLOCK, STATUS, ENERGY, ENERGY), 900, 0, take)
    row = "0204 090C 07CF0502040C000000FF4C00 1106 0600010203 120005"  # 1999: a small integer everywhere
    view = memoryview(raw("01 04 " + row * 4))
    parts = [view[:19], view[19:40], view[40:]]
    micropython.heap_lock()
    try:
        for part in parts:
            decoder.feed(part)
    finally:
        micropython.heap_unlock()
    assert decoder.is_whole
    assert count[0] == 4 * (6 + 0x10203)
