"""Date-times: worked examples of the sheet and real meters, what is not said, what does not exist, and the way back."""

from host_tests.lib.dlms.dlms_octets import raw
from lib.clock import calendar
from lib.dlms import times
from lib.dlms.errors import FormatError

TURKEY = raw("07E80502FF0A141E00FF4C00")  # 2024-05-02 10:20:30 +03:00


def test_fields():
    assert times.decode(TURKEY) == (2024, 5, 2, None, 10, 20, 30, -180, 0)
    assert times.decode(raw("FFFFFFFFFFFFFFFFFF8000FF")) == (None,) * 9
    # The end of summer time: the last Sunday of October, 03:00, any year
    assert times.decode(raw("FFFF0AFE070300FFFFFFC480")) == (None, 10, 0xFE, 7, 3, 0, None, -60, times.SUMMER_TIME)


def test_moments():
    known = (
        # octets, offset, reversed, Unix seconds (of `date -d`)
        ("07E80502FF0A141E00FF4C00", 0, False, 1714634430),
        ("07E80502FF0A141EFFFF4CFF", 0, False, 1714634430),
        ("07E80502FF0A141E0000B400", 0, True, 1714634430),
        ("07E80502FF0A141E00800000", 180, False, 1714634430),
        ("07E80502FF0A141E00800000", 180, True, 1714634430),
        ("07E80502FF0A14FF00800000", 180, False, 1714634400),
        ("07E80502FF0A141E00000000", 180, False, 1714645230),  # a deviation of 0 is one
        ("07B20101FF00000100000000", 0, False, 1),
        ("07E8021DFF00000000000000", 0, False, 1709164800),
        ("08390C1FFF173B3B00000000", 0, False, 4291747199),
    )
    for octets, offset, is_reversed, expected in known:
        assert times.utc(raw(octets), offset, is_reversed) == expected, octets


def test_no_moments():
    for octets in (
        "FFFF0502FF0A141E00FF4C00",
        "07E8FF02FF0A141E00FF4C00",
        "07E805FFFF0A141E00FF4C00",
        "07E80502FFFF141E00FF4C00",
        "07E80502FF0AFF1E00FF4C00",
        "07E8FE02FF0A141E00FF4C00",
        "07E80D02FF0A141E00FF4C00",
        "07E80500FF0A141E00FF4C00",
        "07E7021DFF0A141E00FF4C00",  # no leap year
        "07E8061FFF0A141E00FF4C00",
        "07E80502FF18141E00FF4C00",
        "07E80502FF0A3C1E00FF4C00",
        "07E80502FF0A143C00FF4C00",
        "07B10502FF0A141E00FF4C00",
        "07B20101FF00000000FF4C00",  # before 1970
        "07E80502",
        "",
    ):
        assert times.utc(raw(octets), 0) is None, octets


def test_every_day_is_the_calendars():
    for day in range(0, 49672, 7):
        year, month, date = calendar.date(day)
        octets = bytes((year >> 8, year & 0xFF, month, date, 0xFF, 12, 0, 0, 0, 0, 0, 0))
        assert times.utc(octets, 0) == day * 86400 + 43200, (year, month, date)


def test_written_ones_are_read():
    assert times.encode(1714634430, 180) == raw("07E80502040A141E00FF4C00")
    assert times.encode(1714634430, 180, True) == raw("07E80502040A141E0000B400")
    assert times.encode(1714634430, 180, is_told=False) == raw("07E80502040A141E00800000")
    for utc in range(1700000000, 1800000000, 7654321):
        for offset in (-720, 0, 60, 345):
            assert times.utc(times.encode(utc, offset), 0) == utc
            assert times.utc(times.encode(utc, offset, True), 0, True) == utc
            assert times.utc(times.encode(utc, offset, is_told=False), offset) == utc


def test_times_that_are_none():
    for octets in ("07E80502", "07E80D02FF0A141E00FF4C00", "07E80502FF19141E00FF4C00", "07E80502FF0A141E00200000"):
        try:
            times.decode(raw(octets))
        except FormatError as error:
            assert error.reason == "time"
        else:
            raise AssertionError(octets)
