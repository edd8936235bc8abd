"""The viper kernels against plain Python."""

import random

from lib.http.kernels import is_utf8, line_end, put_bytes, put_digits, put_escaped, same, token_end

ALSO_ON = ("arm",)

_TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def test_line_end_finds_the_line_or_the_byte_that_does_not_belong():
    for wire, expected in (
        (b"abc\r\n", 4),
        (b"abc\n", 3),
        (b"a\tb\n", 3),
        (b"abc", -1),
        (b"abc\r", -1),
        (b"", -1),
        (b"a\rb\n", -2),
        (b"a\0b\n", -2),
        (b"a\x1fb\n", -2),
        (b"a\x7fb\n", -2),
        (b"\xc4\x8d\xff\n", 3),
        (b"one\ntwo\0", 3),
    ):
        assert line_end(wire, 0, len(wire)) == expected, wire


def test_token_characters_are_those_of_the_rfc():
    for byte in range(256):
        assert token_end(bytes([byte]), 0, 1) == (1 if byte in _TOKEN else 0), byte
    assert token_end(b"Content-Length: 3", 0, 17) == 14


def test_same_compares_with_and_without_case():
    for text, fold, expected in (("Host", 0, 1), ("hOST", 0, 0), ("hOST", 1, 1), ("Hosu", 1, 0), ("@ost", 1, 0)):
        assert same(b"x Host", 2, text, 4, fold) == expected, (text, fold)
    assert same(b"[{}]", 0, "{[]}", 4, 1) == 0  # only letters have a case


def test_utf8_in_its_shortest_form_only():
    for wire, expected in (
        (b"", 1),
        (b"plain", 1),
        ("čšž€\U0001f600".encode(), 1),
        (b"\xf4\x8f\xbf\xbf", 1),
        (b"\xed\x9f\xbf", 1),
        (b"\x80", 0),
        (b"\xc0\xaf", 0),  # overlong "/"
        (b"\xc1\xbf", 0),
        (b"\xe0\x80\xaf", 0),  # overlong "/"
        (b"\xf0\x80\x80\xaf", 0),
        (b"\xed\xa0\x80", 0),  # surrogate
        (b"\xf4\x90\x80\x80", 0),  # beyond U+10FFFF
        (b"\xf5\x80\x80\x80", 0),
        (b"\xff", 0),
        (b"\xc4", 0),
        (b"\xe2\x82", 0),
        (b"\xe2\x28\xa1", 0),
        (b"\xe2\x82\x28", 0),
    ):
        assert is_utf8(wire, 0, len(wire)) == expected, wire


def test_put_bytes_copies_all_kinds_and_stops_at_the_limit():
    for data in ("", "abc", "čšž", "\U0001f600x€", b"abc", b"\x80\x81", bytearray(b"xyz"), memoryview(b"012345")[2:4]):
        wanted = data.encode() if isinstance(data, str) else bytes(data)
        out = bytearray(b"#" * 32)
        end = put_bytes(out, 3, 32, data, len(data), isinstance(data, str))
        assert end == 3 + len(wanted) and out[3:end] == wanted, data
        assert out[:3] == b"###" and out[end:] == b"#" * (32 - end), data
        assert put_bytes(out, 3, 3 + len(wanted), data, len(data), isinstance(data, str)) == end, data
        if wanted:
            assert put_bytes(out, 3, 2 + len(wanted), data, len(data), isinstance(data, str)) == -1, data


def escaped(text):
    out = ""
    for character in text:
        if character in '"\\':
            out += "\\" + character
        elif character < " ":
            out += "\\u%04x" % ord(character)
        else:
            out += character
    return out.encode()


def test_put_escaped_agrees_with_plain_python():
    random.seed(1)
    alphabet = 'ab"\\\n\t\0\x1f\x7fčž€\U0001f600'
    for _ in range(300):
        text = "".join([random.choice(alphabet) for _ in range(random.randint(0, 9))])
        wanted = escaped(text)
        for data in (text, text.encode()):
            out = bytearray(b"#" * 64)
            end = put_escaped(out, 1, 64, data, len(data), isinstance(data, str))
            assert end == 1 + len(wanted) and out[1:end] == wanted, (text, bytes(out))
            assert out[end:] == b"#" * (64 - end), text
            if wanted:
                assert put_escaped(out, 1, len(wanted), data, len(data), isinstance(data, str)) == -1, text


def test_put_digits():
    out = bytearray(16)
    for number in (0, 1, 9, 10, 99, 100, 123456, 999999999, 2**30 - 1):
        for width in (0, 1, 5, 10):
            wanted = str(number)
            wanted = "0" * (width - len(wanted)) + wanted
            end = put_digits(out, 2, 16, number, width)
            assert out[2:end] == wanted.encode(), (number, width)
            assert put_digits(out, 2, 1 + len(wanted), number, width) == -1, (number, width)
