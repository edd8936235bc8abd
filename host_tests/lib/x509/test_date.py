"""The dates of certificates: the two forms of RFC 5280, 4.1.2.5, and nothing else."""

from host_tests.lib.x509.x509_vectors import refusal
from lib.x509 import date

UTC, GENERALIZED = 0x17, 0x18

# Seconds by `date -u -d ... +%s` of GNU coreutils
DATES = (
    (UTC, b"700101000000Z", "1970-01-01 00:00:00", 0),
    (UTC, b"500101000000Z", "1950-01-01 00:00:00", -631152000),
    (UTC, b"491231235959Z", "2049-12-31 23:59:59", 2524607999),
    (UTC, b"000229120000Z", "2000-02-29 12:00:00", 951825600),
    (UTC, b"380119031408Z", "2038-01-19 03:14:08", 2147483648),
    (GENERALIZED, b"20500101000000Z", "2050-01-01 00:00:00", 2524608000),
    (GENERALIZED, b"21000228235959Z", "2100-02-28 23:59:59", 4107542399),
    (GENERALIZED, b"21000301000000Z", "2100-03-01 00:00:00", 4107542400),
    (GENERALIZED, b"99991231235959Z", "9999-12-31 23:59:59", 253402300799),
    (GENERALIZED, b"19000101000000Z", "1900-01-01 00:00:00", -2208988800),
    (GENERALIZED, b"00010101000000Z", "0001-01-01 00:00:00", -62135596800),
    (GENERALIZED, b"00000229000000Z", "0000-02-29 00:00:00", -62162121600),
)

NONE = (
    (UTC, b""),
    (UTC, b"Z"),
    (UTC, b"2001010000Z"),  # without seconds
    (UTC, b"200101000000+"),
    (UTC, b"2001010000+01"),
    (UTC, b"20200101000000Z"),
    (UTC, b"200001000000Z"),
    (UTC, b"201301000000Z"),
    (UTC, b"200100000000Z"),
    (UTC, b"200132000000Z"),
    (UTC, b"210229000000Z"),
    (UTC, b"200431000000Z"),
    (UTC, b"200101240000Z"),
    (UTC, b"200101006000Z"),
    (UTC, b"200101000060Z"),
    (UTC, b"2001010000 0Z"),
    (UTC, b"20010100000-Z"),
    (UTC, b"200101\xff0000Z"),
    (GENERALIZED, b"200101000000Z"),
    (GENERALIZED, b"21000229000000Z"),
    (GENERALIZED, b"20500101000000.5Z"),
    (GENERALIZED, b"205001010000Z"),
    (GENERALIZED, b"20500101000000z"),
    (0x0C, b"200101000000Z"),
    (0, b"20500101000000Z"),
)


def test_dates():
    for tag, form, words, seconds in DATES:
        found = date.text(b"xx" + form + b"xx", tag, 2, 2 + len(form))
        assert found == words and date.unix_s(found) == seconds, (form, found, date.unix_s(found))


def test_no_dates():
    for tag, form in NONE:
        assert refusal(date.text, form, tag, 0, len(form)) == "the content is damaged: a date that does not exist", form


def test_days_follow_each_other():
    """Four hundred years, day by day: the Gregorian calendar's whole cycle."""
    days = 0
    for year in range(1969, 2369):
        for month in range(1, 13):
            for day in range(1, 32):
                try:
                    found = date.unix_s(f"{year:04d}-{month:02d}-{day:02d} 00:00:00")
                except ValueError:
                    assert day > 28
                    continue
                assert found == (days - 365) * 86400, (year, month, day)
                days += 1
    assert days == 146097
