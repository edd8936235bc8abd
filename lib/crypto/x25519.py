"""X25519, the Diffie-Hellman function of Curve25519 (RFC 7748, 5 and 6.1).

Keys are 32 bytes, little-endian numbers. The functions are generators: they yield None after each slice of some
milliseconds and return their result, so that a loop goes on: `shared = yield from exchange(secret, public)`.

What does not depend on the secret: the steps, and which limbs are read and written. What may, a little: the making of
elements from bytes and of bytes from the last element, once for each call, and the time a processor takes to multiply.
"""

from micropython import const

from lib.crypto.field25519 import WORK_SIZE, add, element, multiply, scale, subtract, swap, to_bytes
from lib.crypto.powers25519 import inverse

KEY_SIZE = 32
_A24 = const(121665)  # (486662 - 2) / 4
_STEPS = const(6)  # of the ladder in a slice: ten multiplications each
_BASE_POINT = b"\x09" + bytes(31)


def public_key(secret):
    """Return the public key of 32 random bytes; a generator."""
    return (yield from exchange(secret, _BASE_POINT))


def exchange(secret, public):
    """Return the shared secret of our secret and a peer's public key, 32 bytes; a generator.

    ValueError: a key has another length, or the result is zero, as it is for a public key that makes every secret known.
    """
    if len(secret) != KEY_SIZE or len(public) != KEY_SIZE:
        raise ValueError("length")
    scalar = bytearray(secret)
    scalar[0] &= 248
    scalar[31] = scalar[31] & 127 | 64
    try:
        shared = yield from _ladder(scalar, int.from_bytes(public, "little") & (1 << 255) - 1)
    finally:
        scalar[:] = bytes(KEY_SIZE)
    if shared == bytes(KEY_SIZE):
        raise ValueError("point")
    return shared


def _ladder(scalar, u):
    """The Montgomery ladder; names as in RFC 7748, 5. `e` also holds what has no name there."""
    work = bytearray(WORK_SIZE)
    x_1, x_2, z_2, x_3, z_3 = element(u), element(1), element(), element(u), element(1)
    a, aa, b, e = element(), element(), element(), element()
    swapped = 0
    for at in range(254, -1, -1):
        bit = scalar[at >> 3] >> (at & 7) & 1
        swap(x_2, x_3, swapped ^ bit)
        swap(z_2, z_3, swapped ^ bit)
        swapped = bit
        add(x_2, z_2, a)
        subtract(x_2, z_2, b)
        add(x_3, z_3, x_2)  # C
        subtract(x_3, z_3, x_3)  # D
        multiply(x_3, a, x_3, work)  # DA
        multiply(x_2, b, x_2, work)  # CB
        subtract(x_3, x_2, z_3)
        add(x_3, x_2, x_3)
        multiply(x_3, x_3, x_3, work)
        multiply(z_3, z_3, z_3, work)
        multiply(x_1, z_3, z_3, work)
        multiply(a, a, aa, work)
        multiply(b, b, b, work)  # BB
        multiply(aa, b, x_2, work)
        subtract(aa, b, e)
        scale(e, _A24, b)
        add(aa, b, b)
        multiply(e, b, z_2, work)
        if at % _STEPS == 0:
            yield
    swap(x_2, x_3, swapped)
    swap(z_2, z_3, swapped)
    z_2 = yield from inverse(z_2, work)
    multiply(x_2, z_2, x_2, work)
    return to_bytes(x_2)
