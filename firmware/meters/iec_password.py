"""What a meter of the third Turkish generation wants in place of its password. In RAM only while a session begins.

Source: TEDAS-MLZ/2017-062 (plain form); a captured session (computed form).
"""

from binascii import hexlify

from micropython import const

from lib.crypto.hmac import Hmac

_LEAST = const(8)  # characters of what is random; meter numbers are digits, with or without the maker's letters


def answer(password, operand):
    """Return the password, or HMAC-SHA-256 of the operand under it in upper-case hexadecimal digits if the operand is random.

    operand: what the meter sent with P0, as it came (base64).
    """
    if len(operand) < _LEAST or len(operand) % 4 or operand.isdigit() or operand[3:].isdigit():
        return password
    return hexlify(Hmac(password).mac(operand)).upper()
