"""Logical names: six octets on the wire, 1.0.1.8.0.255 or 1-0:1.8.0*255 in text.

Source: IEC 62056-61 (OBIS), 5; DLMS UA 1000-1 (Blue Book), 4.1.2.
"""

from lib.dlms.errors import FormatError


def text(octets):
    """Return the six octets as text, numbers with points."""
    return ".".join([str(octet) for octet in octets])


def octets(name):
    """Return six octets of a text; without its last number that is 255, the present value. FormatError("name")."""
    for sign in "-:*":
        name = name.replace(sign, ".")
    parts = name.split(".")
    if len(parts) == 5:
        parts.append("255")
    try:
        numbers = [int(part) for part in parts]
    except ValueError:
        raise FormatError("name") from None
    if len(numbers) != 6 or min(numbers) < 0 or max(numbers) > 255:
        raise FormatError("name")
    return bytes(numbers)
