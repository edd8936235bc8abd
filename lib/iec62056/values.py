"""What the text of a value means: numbers, lists, tags of an address.

All take bytes or views of them. Numbers are integers with a decimal exponent and pass through no float.
Source: IEC 62056-21, 6.6 (data set); VDEW 2.0 (tags of earlier periods).
"""

from micropython import const

from lib.iec62056.errors import FormatError

_MOST_DIGITS = const(32)


def number(text):
    """Return (mantissa, exponent) of a decimal number, (18460, -1) for `001846.0`; None for no value: empty, `-`, `?`.

    Blanks around it, a sign, blanks behind the sign and one decimal point are allowed. FormatError for anything else, and for
    more than 32 characters. Leaves nothing behind but what it returns.
    """
    mantissa = digits = sign = 0
    point = -1  # digits in front of it
    is_over = len(text) > _MOST_DIGITS  # nothing but blanks may follow
    for byte in text:
        if 0x30 <= byte <= 0x39 and not is_over and sign != 0x3F:
            mantissa = mantissa * 10 + byte - 0x30
            digits += 1
        elif byte == 0x20:
            is_over = is_over or digits > 0 or point >= 0
        elif byte == 0x2E and point < 0 and not is_over and sign != 0x3F:
            point = digits
        elif byte in b"+-?" and not sign and not digits and point < 0:
            sign = byte
        else:
            raise FormatError("number")
    if not digits:
        if point >= 0 or sign == 0x2B:
            raise FormatError("number")
        return None
    return -mantissa if sign == 0x2D else mantissa, point - digits if point >= 0 else 0


def word(text):
    """Return a status or error word as an integer: of up to 16 hexadecimal digits, or of more binary ones, bit 0 the last.

    None for an empty one. FormatError for anything else.
    """
    text = bytes(text).strip()
    try:
        return int(text, 2 if len(text) > 16 else 16) if text else None
    except ValueError:
        raise FormatError("number") from None


def items(text, separators=b",;"):
    """Yield the parts of a list as views of it."""
    text = memoryview(text)
    start = 0
    for at in range(len(text)):
        if text[at] in separators:
            yield text[start:at]
            start = at + 1
    yield text[start:]


def split_tag(address):
    """Return (code, tag) of an address: (b"1.8.0", b"*01"), (b"1.8.0", b"&12") after a reset by hand, (b"1.8.0", b"")."""
    at = max(address.find(b"*"), address.find(b"&"))
    return (address, b"") if at < 0 else (address[:at], address[at:])


def is_error(text):
    """Whether a meter wrote an error in place of a value: `ERROR`, `ERxx`."""
    return bytes(text[:2]) == b"ER"
