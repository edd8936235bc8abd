"""Where values end, whatever the pieces they come in."""

from host_tests.lib.dlms.dlms_script import raised
from lib.dlms.extent import Extent

VALUES = (
    "00",
    "FF",
    "0301",
    "0600000001",
    "14FFFFFFFFFFFFFFFF",
    "0903414243",
    "0900",
    "0A8103414243",
    "09820003414243",
    "0409FF80",
    "0400",
    "0100",
    "0200",
    "0102010200020000",
    "0102" + "0202090C07E80501FF01000000FF4C0006000003EB" * 2,
    "1907E80502FF0A141E00FF4C00",
    "1A07E80502FF",
    "1B0A141E00",
    "1C01",
    "2100000001",
    "0203" + "010116 01" + "0F02" + "00",
    "13 020206 12 0C 000003E80001 000003E90002",
    "13 06 08 0000000100000002",
    "13 01000212 04 00010002",
    "13 0202 01000311 06 07 01020300000001",
)


def test_ends():
    for value in VALUES:
        octets = bytes.fromhex(value.replace(" ", ""))
        for step in (1, 2, 3, 5, 100):
            extent = Extent()
            at = 0
            whole = octets + b"\x0f\x01"
            while not extent.is_whole:
                assert at < len(octets), value
                at += extent.feed(memoryview(whole)[at : at + step])
            assert at == len(octets), (value, step)


def test_not_before():
    for value in VALUES:
        octets = bytes.fromhex(value.replace(" ", ""))
        extent = Extent()
        assert extent.feed(octets[:-1]) == len(octets) - 1
        assert not extent.is_whole, value


def test_no_values():
    for value, reason in (
        ("07", "tag"),
        ("22", "tag"),
        ("0980", "length"),
        ("0985", "length"),
        ("0101" * 9, "depth"),
        ("1313", "tag"),
        ("1307", "tag"),
    ):
        assert raised(Extent().feed, bytes.fromhex(value)) == ("FormatError", reason)
    extent = Extent()
    extent.feed(b"\1\1" * 8 + b"\0")  # eight are allowed
    assert extent.is_whole
