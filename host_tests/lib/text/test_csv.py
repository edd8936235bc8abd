"""Cells of a line as spreadsheets write them (RFC 4180), and back."""

from lib.text.csv import cells, quoted, separator

LINES = (
    ("a;b;c", ["a", "b", "c"]),
    (" a ;; ", ["a", "", ""]),
    ("", [""]),
    ('"a;b";c', ["a;b", "c"]),
    ('"say ""a"""; "b" ;c', ['say "a"', "b", "c"]),
    ('""', [""]),
    ('a"b;c', ['a"b', "c"]),
    ('"a', None),
    ('"a"b;c', None),
    ('a;"', None),
)


def test_cells():
    for line, expected in LINES:
        for sign in (";", ",", "\t"):
            wanted = expected and [text.replace(";", sign) for text in expected]
            try:
                assert cells(line.replace(";", sign), sign) == wanted, line
            except ValueError:
                assert wanted is None, line


def test_what_is_quoted_comes_back():
    texts = ["a;b", 'c"d', '";"', "", "plain", "e,f"]
    for sign in (";", ","):
        assert cells(sign.join([quoted(text, sign) for text in texts]), sign) == texts
    assert quoted("plain", ";") == "plain"


def test_separators():
    for line, sign in (("a;b,c", ";"), ("a\tb", "\t"), ("a,b", ","), ("a", ",")):
        assert separator(line) == sign
