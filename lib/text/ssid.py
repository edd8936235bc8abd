r"""The name of a wireless network as text, whatever its bytes.

A name (SSID) is 0 to 32 bytes of any kind (IEEE 802.11, 9.4.2.2); most are UTF-8. As text a byte that belongs to no printable
character is written \xNN, and a backslash \\. Each name has one such text, and each such text one name.
"""

from micropython import const

MOST_BYTES = 32
_DIGITS = const("0123456789abcdef")


def to_bytes(text):
    r"""Return the name that a text stands for. Raises ValueError for a backslash that begins neither \\ nor \xNN."""
    parts = text.split("\\")
    name = parts[0].encode()
    at = 1
    while at < len(parts):
        part = parts[at]
        if part:
            if part[0] != "x" or len(part) < 3 or not (_is_digit(part[1]) and _is_digit(part[2])):
                raise ValueError("\\\\ for a backslash or \\xNN for a byte is expected")
            name += bytes((int(part[1:3], 16),)) + part[3:].encode()
        else:  # two in a row
            at += 1
            if at == len(parts):
                raise ValueError("\\\\ for a backslash or \\xNN for a byte is expected")
            name += b"\\" + parts[at].encode()
        at += 1
    return name


def to_text(name):
    """Return the one text of a name."""
    text = ""
    at = 0
    while at < len(name):
        length = _character(name, at)
        if not length:
            text += "\\x%02x" % name[at]
            length = 1
        elif name[at] == 92:  # a backslash
            text += "\\\\"
        else:
            text += str(bytes(name[at : at + length]), "utf-8")
        at += length
    return text


def checked(text):
    """Return the one text of the name that `text` stands for. Raises ValueError with what is expected."""
    name = to_bytes(text)
    if len(name) > MOST_BYTES:
        raise ValueError(f"at most {MOST_BYTES} bytes are expected")
    return to_text(name)


def _is_digit(character):
    return character.lower() in _DIGITS


def _character(name, at):
    """Return how many bytes the printable UTF-8 character takes that begins at `at`, 0 if there is none.

    Strict, as RFC 3629 is: MicroPython itself would take what is longer than need be, and surrogates.
    """
    first = name[at]
    if first < 128:
        return int(32 <= first < 127)
    if 0xC2 <= first < 0xE0:
        length, code, least = 2, first & 0x1F, 0xA0  # below are control characters
    elif 0xE0 <= first < 0xF0:
        length, code, least = 3, first & 0x0F, 0x800
    elif 0xF0 <= first < 0xF5:
        length, code, least = 4, first & 0x07, 0x10000
    else:
        return 0
    if at + length > len(name):
        return 0
    for byte in name[at + 1 : at + length]:
        if byte & 0xC0 != 0x80:
            return 0
        code = code << 6 | byte & 0x3F
    is_shown = least <= code < 0x110000 and not 0xD800 <= code < 0xE000 and code & 0xFFFE != 0xFFFE
    return length if is_shown and not 0x2028 <= code < 0x2030 else 0  # line ends and marks of direction are not seen
