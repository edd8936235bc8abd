"""Dates and times in the forms of all makers; such that do not exist; on from a time; written."""

from lib.iec62056 import times
from lib.iec62056.errors import FormatError

DATE_TIMES = (
    (b"0191128152324", (2019, 11, 28, 15, 23, 24, 0)),  # NZR
    (b"1220823161500", (2022, 8, 23, 16, 15, 0, 1)),  # EMH
    (b"2220823161500", (2022, 8, 23, 16, 15, 0, 2)),
    (b"02405010000", (2024, 5, 1, 0, 0, 0, 0)),
    (b"2405010000", (2024, 5, 1, 0, 0, 0, None)),
    (b"240501000059", (2024, 5, 1, 0, 0, 59, None)),
    (b"180104231941W", (2018, 1, 4, 23, 19, 41, 0)),  # DSMR
    (b"170609063239S", (2017, 6, 9, 6, 32, 39, 1)),
    (b"18-12-13,17:15", (2018, 12, 13, 17, 15, 0, None)),  # Makel
    (b"26-02-04,19:59:11", (2026, 2, 4, 19, 59, 11, None)),
    (b"2019-07-04,00:00", (2019, 7, 4, 0, 0, 0, None)),  # Koehler
    (b"24-02-29,24:00", (2024, 3, 1, 0, 0, 0, None)),
    (b"0231231240000", (2024, 1, 1, 0, 0, 0, 0)),
    (b" 24-05-01,00:00 ", (2024, 5, 1, 0, 0, 0, None)),
    (b"00-00-00,00:00", None),
    (b"99-99-99,99:99", None),
    (b"00-00-00,00:00:00", None),
    (b"0000000000", None),
    (b"0000000000000", None),
)
NO_DATE_TIMES = (
    b"",
    b"24-13-01,00:00",
    b"24-02-30,00:00",
    b"23-02-29,00:00",
    b"24-04-31,00:00",
    b"24-00-10,00:00",
    b"24-01-00,00:00",
    b"24-01-01,24:01",
    b"24-01-01,25:00",
    b"24-01-01,10:60",
    b"24-01-01,10:10:60",
    b"24-01-01",
    b"24-01-01,",
    b"24-1-01,10:10",
    b"3220823161500",
    b"x220823161500",
    b"2408231615000",
    b"24082316150",
    b"240823161500X",
    b"24x823161500",
    b"240823",
    b"1924-01-01,00:00",
    b"24-01-01,1000",
    b"24-01-01;10:00",
    b"99-99-99",
    b"24-01-01,10:10:1",
    b"+4-01-01,10:10",
    b"24-01-01-02,10:10",
)


def refused(function, *arguments):
    try:
        raise AssertionError((arguments, function(*arguments)))
    except FormatError as error:
        assert error.reason == "date"


def test_date_times():
    for text, expected in DATE_TIMES:
        assert times.date_time(text) == expected, text
        assert times.date_time(memoryview(text)) == expected, text
    for text in NO_DATE_TIMES:
        refused(times.date_time, text)


def test_dates():
    for text, expected in (
        (b"19-05-10", (2019, 5, 10, None, None, None, None)),
        (b"190510", (2019, 5, 10, None, None, None, None)),
        (b"1220826", (2022, 8, 26, None, None, None, 1)),
        (b"00-00-00", None),
        (b"99-99-99", None),
        (b"000000", None),
    ):
        assert times.date(text) == expected, text
    for text in (b"", b"19-02-29", b"191310", b"5220826", b"22082", b"19-05-10,10:10", b"1x0510"):
        refused(times.date, text)


def test_clocks():
    for text, expected in (
        (b"10:29:26", (10, 29, 26, None)),
        (b"10:29", (10, 29, 0, None)),
        (b"1185411", (18, 54, 11, 1)),
        (b"0000000", (0, 0, 0, 0)),
        (b"235959", (23, 59, 59, None)),
    ):
        assert times.clock(text) == (None, None, None) + expected, text
    for text in (b"", b"24:00:00", b"10:60", b"1029", b"3185411", b"240000", b"10:29:2", b"1x:29:26", b"99:99:99"):
        refused(times.clock, text)


def test_spans():
    start = (2019, 5, 10, 10, 3, 0, None)
    assert times.span(b"19-05-10,10:03,19-05-10,10:14") == (start, (2019, 5, 10, 10, 14, 0, None))
    assert times.span(memoryview(b"19-05-10,10:03;00-00-00,00:00")) == (start, None)
    assert times.span(b"18-12-12,20:19,99-99-99,99:99")[1] is None
    assert times.span(b"00-00-00,00:00:00;00-00-00,00:00:00") == (None, None)
    for text in (b"", b"19-05-10,10:03", b"19-05-10,10:03;", b"19-02-30,10:03;19-05-10,10:14"):
        refused(times.span, text)


def test_later():
    start = (2023, 12, 31, 23, 45, 24, 0)
    assert times.later(start, 0) == start
    assert times.later(start, 15) == (2024, 1, 1, 0, 0, 24, 0)
    assert times.later((2024, 2, 28, 23, 45, 0, 1), 15) == (2024, 2, 29, 0, 0, 0, 1)
    assert times.later((2023, 2, 28, 23, 45, 0, None), 15) == (2023, 3, 1, 0, 0, 0, None)
    assert times.later((2024, 1, 1, 0, 0, 0, None), 366 * 24 * 60) == (2025, 1, 1, 0, 0, 0, None)


def test_written_as_each_maker_reads_it():
    time = (2024, 5, 1, 13, 30, 35, 1)
    for form, expected in (
        (b"zYYMMDDhhmm", b"12405011330"),
        (b"YYMMDDhhmm", b"2405011330"),
        (b"YY-MM-DD,hh:mm", b"24-05-01,13:30"),
        (b"YYYY-MM-DD,hh:mm", b"2024-05-01,13:30"),
        (b"hh:mm:ss", b"13:30:35"),
        (b"zhhmmss", b"1133035"),
        (b"YYMMDD", b"240501"),
    ):
        assert times.written(form, time) == expected, form
    assert times.written(b"zYYMMDDhhmmss", time[:6] + (None,)) == b"0240501133035"
    for text, expected in DATE_TIMES:
        if expected and len(text) == 13 and text[:1].isdigit() and b"24000" not in text and text[-1:].isdigit():
            assert times.written(b"zYYMMDDhhmmss", expected) == text
