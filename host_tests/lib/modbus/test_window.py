"""What a request asks for of a map, and texts in registers."""

from lib.modbus.window import Window, text_bytes


def test_a_value_lands_wherever_the_window_lies():
    for first in range(6, 20):
        for count in (1, 2, 3, 9):
            data = bytearray(2 * count)
            window = Window(memoryview(data), first, count)
            window.put(10, b"abcdef")
            expected = (b"\0" * 20 + b"abcdef" + b"\0" * 40)[2 * first : 2 * (first + count)]
            assert data == expected, (first, count)
            assert window.overlaps(10, 3) == any(data), (first, count)


def test_blocks():
    blocks = ((10, 5), (20, 1))
    for first, count, is_within in ((10, 5, True), (12, 1, True), (20, 1, True), (9, 2, False), (14, 2, False), (15, 1, False)):
        assert Window(bytearray(2 * count), first, count).is_within(blocks) == is_within, (first, count)


def test_texts():
    for text, size, expected in (
        ("ab", 4, b"ab  "),
        ("", 2, b"  "),
        ("abcd", 4, b"abcd"),
        ("abcde", 4, b"abcd"),
        ("abcé", 4, b"abc "),
        ("abé", 4, "abé".encode()),
        ("a€", 3, b"a  "),
        ("é", 1, b" "),
    ):
        assert text_bytes(text, size) == expected, (text, size)
    assert text_bytes("a", 4, b"\0") == b"a\0\0\0"
