"""The distinguished name in a certificate as a line of text for a person: "CN=Test CA, O=Example".

Last part first, as RFC 4514, 2.1; commas within a value are not escaped: it is for reading, not for comparing.
Source: RFC 5280, 4.1.2.4 and appendix A (attributes, string types); RFC 4514, 3 (short names).
"""

from micropython import const

from lib.x509.der import OBJECT_ID, SEQUENCE, SET, element, take

LONGEST = const(100)  # characters of a name

_BMP_STRING = const(0x1E)  # UTF-16, high byte first
_UNIVERSAL_STRING = const(0x1C)  # UTF-32, high byte first
_STRINGS = const(b"\x0c\x12\x13\x14\x16\x1a")  # UTF8, Numeric, Printable, T61 (in practice Latin-1), IA5, Visible
_MOST_BYTES = const(400)  # of one value that are looked at: LONGEST characters of four bytes
_MOST_TYPE = const(16)  # bytes of an attribute's type that are shown
_TYPES = const(
    (
        (b"\x55\x04\x03", "CN"),
        (b"\x55\x04\x0a", "O"),
        (b"\x55\x04\x0b", "OU"),
        (b"\x55\x04\x06", "C"),
        (b"\x55\x04\x07", "L"),
        (b"\x55\x04\x08", "ST"),
        (b"\x55\x04\x05", "serialNumber"),
        (b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", "emailAddress"),
        (b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", "DC"),
    )
)


def text(der, at, end):
    """Return the name whose parts lie between `at` and `end`, cut after 100 characters; "" for one without parts.

    It holds neither control characters nor halves of surrogate pairs. Raises ValueError where the structure is damaged.
    """
    name = ""
    while at < end:
        inner, at = take(der, at, end, SET)
        part = ""
        while inner < at:
            start, inner = take(der, inner, at, SEQUENCE)
            value = _attribute(der, start, inner)
            part = (part + "+" + value if part else value)[:LONGEST]
        name = (part + ", " + name if name else part)[:LONGEST]
    return name


def _attribute(der, at, end):
    """AttributeTypeAndValue as "CN=Test CA"."""
    start, stop = take(der, at, end, OBJECT_ID)
    kind = bytes(der[start : min(stop, start + _MOST_TYPE)])
    tag, start, stop = element(der, stop, end)
    words = None
    for known, short in _TYPES:
        if kind == known:
            words = short
    return (words or _dotted(kind)) + "=" + _value(tag, der, start, stop)


def _dotted(kind):
    """An object identifier as "2.5.4.97": X.690, 8.19."""
    words = ""
    arc = 0
    for byte in kind:
        arc = arc << 7 | byte & 0x7F
        if byte < 0x80:
            if words:
                words += f".{arc}"
            else:  # the first two in one
                first = min(arc // 40, 2)
                words = f"{first}.{arc - 40 * first}"
            arc = 0
    return words


def _value(tag, der, start, stop):
    """The characters of an attribute's value; "?" for one that is no text."""
    if tag == _BMP_STRING or tag == _UNIVERSAL_STRING:
        width = 2 if tag == _BMP_STRING else 4
        stop = min(stop, start + width * LONGEST) - width + 1
        return _clean(int.from_bytes(der[at : at + width], "big") for at in range(start, stop, width))
    if tag not in _STRINGS:
        return "?"
    if stop - start > _MOST_BYTES:
        stop = start + _MOST_BYTES
        while der[stop] & 0xC0 == 0x80 and stop > start:
            stop -= 1  # not in the middle of a character
    part = der[start:stop]
    if start < stop and min(part) >= 32 and max(part) < 127:  # the usual case
        return str(part[:LONGEST], "utf-8")
    try:
        return _clean(map(ord, str(part, "utf-8")[:LONGEST]))
    except UnicodeError:
        return _clean(part[:LONGEST])


def _clean(codes):
    """Make text of character numbers; what would spoil a line or an answer in UTF-8 becomes U+FFFD."""
    line = ""
    for code in codes:  # rather than a list of texts: less memory at once
        line += chr(code) if 32 <= code < 0xD800 or 0xE000 <= code < 0x110000 else "\ufffd"
    return line
