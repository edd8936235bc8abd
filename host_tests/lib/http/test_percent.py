"""Percent-encoded text: what is decoded, and what is refused."""

from lib.http.errors import HttpError
from lib.http.percent import decode, lookup, normalise


def outcome(call, *arguments):
    """The result, or the status of the HttpError."""
    try:
        return call(*arguments)
    except HttpError as error:
        assert error.status == 400 and error.message
        return error.status


DECODED = (
    # wire, as in a path, as in a query
    (b"", "", ""),
    (b"plain", "plain", "plain"),
    (b"a+b", "a+b", "a b"),
    (b"a%20b%2Bc", "a b+c", "a b+c"),
    (b"%c4%8d%C5%A1", "čš", "čš"),
    ("č".encode(), "č", "č"),
    (b"100%25", "100%", "100%"),
    (b"%2541", "%41", "%41"),  # decoded once
    (b"%", 400, 400),
    (b"%4", 400, 400),
    (b"%zz", 400, 400),
    (b"%4g", 400, 400),
    (b"%-1", 400, 400),
    (b"a%", 400, 400),
    (b"%00", 400, 400),
    (b"%c0%af", 400, 400),
    (b"%e0%80%af", 400, 400),
    (b"%ed%a0%80", 400, 400),
    (b"%ff", 400, 400),
    (b"\xff", 400, 400),
    (b"%c4", 400, 400),
    (b"%%20", 400, 400),
)


def test_decode():
    for wire, path, query in DECODED:
        padded = bytearray(b"%4" + wire + b"1%")  # what lies around it must not count
        for plus, expected in ((False, path), (True, query)):
            assert outcome(decode, padded, 2, 2 + len(wire), plus) == expected, (wire, plus)


def test_lookup():
    text = bytearray(b"command=get&number=&flag&a%62c=x%26y&number=2&sum=1%2B1+2&=empty&e=a=b")
    for name, expected in (
        ("command", "get"),
        ("number", ""),
        ("flag", ""),
        ("abc", "x&y"),
        ("sum", "1+1 2"),
        ("e", "a=b"),
        ("", "empty"),
        ("comman", None),
        ("commands", None),
        ("Command", None),
        ("2", None),
    ):
        assert lookup(text, 0, len(text), name) == expected, name
    assert lookup(text, 0, 7, "command") == ""
    assert lookup(text, 0, 0, "command") is None
    assert outcome(lookup, bytearray(b"x=%zz"), 0, 5, "x") == 400


NORMALISED = (
    ("/", "/"),
    ("/a/b", "/a/b"),
    ("/a/", "/a/"),
    ("//etc/passwd", "/etc/passwd"),
    ("/a//b///c", "/a/b/c"),
    ("/./a/./b/.", "/a/b/"),
    ("/a/../b", "/b"),
    ("/a/b/..", "/a/"),
    ("/a/..", "/"),
    ("/...", "/..."),
    ("/.hidden", "/.hidden"),
    ("/a/..b/c..", "/a/..b/c.."),
    ("/..", 400),
    ("/../x", 400),
    ("/a/../../x", 400),
    ("/a//../../x", 400),
    ("/..\\x", 400),
    ("/a\\..\\..\\x", 400),
    ("/a\x00b", 400),
    ("/a\nb", 400),
    ("/a\x7fb", 400),
)


def test_normalise():
    for path, expected in NORMALISED:
        assert outcome(normalise, path) == expected, path
