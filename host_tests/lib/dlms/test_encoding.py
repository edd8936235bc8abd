"""What is written is what the sheet's examples have on the wire; numbers too large and buffers too small are refused."""

from host_tests.lib.dlms.dlms_octets import raw
from lib.dlms.encoding import Writer
from lib.dlms.errors import FormatError


def written(calls, size=64):
    writer = Writer(bytearray(size))
    for name, *arguments in calls:
        getattr(writer, name)(*arguments)
    return bytes(writer.view)


def test_examples():
    assert written([("put_structure", 2), ("put_i8", 1), ("put_enum", 30)]) == raw("02020F01161E")
    assert written([("put_octets", raw("07E80501FF01000000000000"))]) == raw("090C07E80501FF01000000000000")
    entries = [("put_structure", 4), ("put_u32", 3), ("put_u32", 6), ("put_u16", 1), ("put_u16", 0)]
    assert written(entries) == raw("0204 06 00000003 06 00000006 12 0001 12 0000")
    assert written([("put_array", 0)]) == raw("0100")


def test_all_types():
    known = (
        (("put_null",), "00"),
        (("put_boolean", True), "0301"),
        (("put_bits", b"\xff\xc0", 10), "040AFFC0"),
        (("put_i32", -2), "05FFFFFFFE"),
        (("put_u32", 0xFFFFFFFF), "06FFFFFFFF"),
        (("put_text", b"AB"), "0A024142"),
        (("put_i8", -128), "0F80"),
        (("put_i16", -2), "10FFFE"),
        (("put_u8", 255), "11FF"),
        (("put_i64", -(1 << 63)), "148000000000000000"),
        (("put_u64", (1 << 64) - 1), "15FFFFFFFFFFFFFFFF"),
        (("put_time", raw("07E80502FF0A141E00FF4C00")), "1907E80502FF0A141E00FF4C00"),
        (("put_raw", b"\xc0\x01"), "C001"),
    )
    for call, octets in known:
        assert written([call]) == raw(octets), call


def test_lengths():
    for count, octets in ((0, "00"), (127, "7F"), (128, "8180"), (256, "820100"), (65536, "8400010000")):
        assert written([("put_length", count)]) == raw(octets)


def test_refusals_write_nothing():
    calls = (("put_u8", 256), ("put_u8", -1), ("put_i8", 128), ("put_i16", -32769), ("put_u32", 1 << 32), ("put_time", b"1"))
    calls += (("put_i64", 1 << 63), ("put_u64", -1), ("put_bits", b"\0", 9))
    for call in calls:
        writer = Writer(bytearray(16))
        writer.put_null()
        try:
            getattr(writer, call[0])(*call[1:])
        except FormatError as error:
            assert error.reason == "range"
        else:
            raise AssertionError(call)
        assert bytes(writer.view) == b"\0"
    writer = Writer(bytearray(4))
    try:
        writer.put_u32(1)
    except FormatError as error:
        assert error.reason == "no room"
    else:
        raise AssertionError("five octets in four")
    writer.restart()
    writer.put_i16(1)
    assert bytes(writer.view) == b"\x10\0\1"
