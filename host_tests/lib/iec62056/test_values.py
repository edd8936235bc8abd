"""Numbers with all their digits, lists, tags, meter numbers."""

from lib.iec62056.errors import FormatError
from lib.iec62056.meter_numbers import is_same_number
from lib.iec62056.values import is_error, items, number, split_tag

NUMBERS = (
    (b"001846.0", (18460, -1)),
    (b"000000.015", (15, -3)),
    (b"123456789.123456789", (123456789123456789, -9)),
    (b"999999999999999999", (999999999999999999, 0)),
    (b"-99999999.999", (-99999999999, -3)),
    (b"00000000000000000000000000000001", (1, 0)),
    (b"1000000000", (1000000000, 0)),
    (b"999999999", (999999999, 0)),
    (b"00000001", (1, 0)),
    (b"( 0.00)"[1:-1], (0, -2)),
    (b"+1.00", (100, -2)),
    (b"-1.000", (-1000, -3)),
    (b"- 0.5", (-5, -1)),
    (b"  42  ", (42, 0)),
    (b"5.", (5, 0)),
    (b".5", (5, -1)),
    (b"0.000327", (327, -6)),
    (b"", None),
    (b"        ", None),
    (b"-", None),
    (b"?", None),
)
NO_NUMBERS = (
    b"1.2.3",
    b"1,5",
    b"0x10",
    b"ERROR",
    b"K76-0-9",
    b"1 2",
    b"--1",
    b"1e3",
    b".",
    b"+",
    b"1-",
    b"1" * 33,
    b"\xb2",
    b"1_0",
)


def test_numbers():
    for text, expected in NUMBERS:
        assert number(text) == expected, text
        assert number(memoryview(text)) == expected, text
    for text in NO_NUMBERS:
        try:
            raise AssertionError((text, number(text)))
        except FormatError as error:
            assert error.reason == "number"


def test_numbers_of_every_length():
    digits = "918273645546372819"
    for size in range(1, 19):
        for decimals in range(size + 1):
            text = digits[: size - decimals] + "." + digits[size - decimals : size]
            assert number(text.encode()) == (int(digits[:size]), -decimals), text


def test_lists():
    assert [bytes(item) for item in items(b"1,,3;4")] == [b"1", b"", b"3", b"4"]
    assert [bytes(item) for item in items(memoryview(b"1;2"), b",")] == [b"1;2"]
    assert [bytes(item) for item in items(b"")] == [b""]


def test_tags():
    for address, expected in (
        (b"1.8.0", (b"1.8.0", b"")),
        (b"1.8.0*01", (b"1.8.0", b"*01")),
        (b"1.8.0&12", (b"1.8.0", b"&12")),
        (b"1-0:1.8.0*255", (b"1-0:1.8.0", b"*255")),
    ):
        assert split_tag(address) == expected


def test_meter_numbers():
    for one, other in (
        (b"80099921", b"MSY80099921"),
        (b" 20000", b"00020000"),
        (b"0000", b"0"),
        (memoryview(b"30863358"), b"30863358"),
    ):
        assert is_same_number(one, other), (one, other)
    for one, other in ((b"80099921", b"80099922"), (b"1", b"10"), (b"MSYABC", b"ABC"), (b"0", b"1")):
        assert not is_same_number(one, other), (one, other)


def test_errors_of_meters():
    assert is_error(b"ERROR") and is_error(memoryview(b"ER05"))
    assert not is_error(b"") and not is_error(b"E") and not is_error(b"0001")
