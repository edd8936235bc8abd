"""Names of networks as text: every name has one text, and comes back from it."""

from lib.text.ssid import checked, to_bytes, to_text

NAMES = (
    (b"", ""),
    (b"Urbancic", "Urbancic"),
    (b"a b", "a b"),
    ("Omrežje pri žagi".encode(), "Omrežje pri žagi"),
    ("家 🏠".encode(), "家 🏠"),
    (b"back\\slash", "back\\\\slash"),
    (b"\\\\", "\\\\\\\\"),
    (b"\\x41", "\\\\x41"),
    (b"\0\x01\x1f\x7f", "\\x00\\x01\\x1f\\x7f"),
    (b"caf\xe9", "caf\\xe9"),  # Latin-1
    (b"\xff\xfe", "\\xff\\xfe"),
    (b"\xc3", "\\xc3"),  # the beginning of a character
    (b"\xc3x", "\\xc3x"),
    (b"\xa9", "\\xa9"),  # its end
    (b"\xc0\x80", "\\xc0\\x80"),  # longer than need be
    (b"\xe0\x80\x80", "\\xe0\\x80\\x80"),
    (b"\xf0\x80\x80\x80", "\\xf0\\x80\\x80\\x80"),
    (b"\xed\xa0\x80", "\\xed\\xa0\\x80"),  # a surrogate
    (b"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"),  # beyond Unicode
    (b"\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80"),
    (b"\xc2\x85", "\\xc2\\x85"),  # a control character
    (b"\xe2\x80\xae", "\\xe2\\x80\\xae"),  # turns the direction of what follows
    (b"x" * 32, "x" * 32),
    (b"\xff" * 32, "\\xff" * 32),
)
WRONG = (
    "\\",
    "a\\",
    "\\y41",
    "\\x",
    "\\x4",
    "\\xg1",
    "\\x4g",
    "\\\\\\",
    "\\x4\\x41",
    "x" * 33,
    "\\xff" * 33,
    "é" * 17,
    "é" * 16 + "\\x41",
)


def test_names_and_their_texts():
    for name, text in NAMES:
        assert to_text(name) == text, (name, to_text(name))
        assert to_bytes(text) == name, (text, to_bytes(text))
        assert checked(text) == text, text


def test_every_byte_and_every_pair_of_odd_ones():
    for first in range(256):
        for name in (
            bytes((first,)),
            bytes((first, 0x80)),
            bytes((0xC3, first)),
            bytes((0xE2, 0x82, first)),
            bytes((92, first)),
        ):
            text = to_text(name)
            assert to_bytes(text) == name, name
            assert all([ord(character) > 31 and ord(character) != 127 for character in text]), name


def test_other_ways_to_write_a_name_become_the_one():
    for text, expected in (
        ("\\x41", "A"),
        ("\\xC3\\xA9", "é"),
        ("\\x5c", "\\\\"),
        ("\\xE9", "\\xe9"),
        ("\u2028", "\\xe2\\x80\\xa8"),
    ):
        assert checked(text) == expected, text


def test_what_is_no_name():
    for text in WRONG:
        try:
            checked(text)
            raised = ""
        except ValueError as error:
            raised = str(error)
        assert raised.endswith("expected"), text
