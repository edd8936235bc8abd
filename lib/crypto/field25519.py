"""Arithmetic modulo p = 2^255 - 19, for X25519 (RFC 7748) and Ed25519 (RFC 8032).

An element is a bytearray of 38 words of 16 bits (little-endian): nine zeros, 20 limbs, nine zeros. Limb i, the lowest first,
is worth 2^(13 i). Many elements stand for one number; to_bytes() gives the one below p. All functions take and leave limbs
below 8800: so a column of a product, 20 * 8800^2 and what is carried to it, stays below 2^31, and viper's integers agree on
all processors. What is above 2^260 comes back times 608, because 2^260 = 608 (mod p).

No function that takes elements branches or indexes by their value or allocates, but for to_int() and to_bytes(). Python's
integers instead would take about as long on 32 bit, and leave 200 to 400 bytes of garbage for each multiplication.
"""

# ptr16(buffer) is a cast, which the type checker takes for a call.
# pyright: reportCallIssue=false, reportArgumentType=false

import micropython
from micropython import const

P = (1 << 255) - 19
WORK_SIZE = const(80)  # bytes that multiply() uses: a product of 40 limbs
_SIZE = const(76)
_FIRST = const(18)  # where the limbs are
_LIMBS = const(20)


def element(value=0):
    """Return a new element for a number from 0 to 2^260 - 1."""
    new = bytearray(_SIZE)
    for index in range(_LIMBS):
        limb = value >> 13 * index & 8191
        new[_FIRST + 2 * index] = limb & 0xFF
        new[_FIRST + 2 * index + 1] = limb >> 8
    return new


def to_int(a):
    """Return the number below p that an element stands for; the division takes a time that depends on it a little."""
    value = 0
    for index in range(_FIRST + 2 * _LIMBS - 2, _FIRST - 2, -2):
        value = (value << 13) + (a[index] | a[index + 1] << 8)
    return value % P


def to_bytes(a):
    """Return to_int(a) as 32 bytes, little-endian."""
    return to_int(a).to_bytes(32, "little")


@micropython.viper
def multiply(a: ptr16, b: ptr16, out: ptr16, work: ptr16):
    """out = a * b; any two may be the same element. `work`: WORK_SIZE bytes."""
    # Column k is the sum of a[i] * b[k - i]. Index j of `b` goes up from k - 19; the zeros around its limbs let each half
    # of a column take ten products always. `a` and `b` are locals that live in registers; `b` is moved.
    second = int(b)
    carry = 0
    k = 0
    while k < 39:
        b = ptr16(second + 2 * k - 20)
        if k > 9:
            carry += (
                (a[28] * b[0] + a[27] * b[1] + a[26] * b[2] + a[25] * b[3] + a[24] * b[4])
                + (a[23] * b[5] + a[22] * b[6] + a[21] * b[7] + a[20] * b[8] + a[19] * b[9])
            )  # fmt: skip
        if k < 29:
            carry += (
                (a[18] * b[10] + a[17] * b[11] + a[16] * b[12] + a[15] * b[13] + a[14] * b[14])
                + (a[13] * b[15] + a[12] * b[16] + a[11] * b[17] + a[10] * b[18] + a[9] * b[19])
            )  # fmt: skip
        work[k] = carry & 8191
        carry = carry >> 13
        k += 1
    work[39] = carry
    a = work
    b = ptr16(int(work) + 40)
    carry = 0
    k = 0
    while k < 20:
        carry += a[k] + 608 * b[k]
        out[k + 9] = carry & 8191
        carry = carry >> 13
        k += 1
    carry = out[9] + 608 * carry  # below 2^19
    out[9] = carry & 8191
    out[10] = out[10] + (carry >> 13)


@micropython.viper
def add(a: ptr16, b: ptr16, out: ptr16):
    """out = a + b; any may be the same element."""
    carry = 0
    k = 9
    while k < 29:
        carry += a[k] + b[k]
        out[k] = carry & 8191
        carry = carry >> 13
        k += 1
    carry = out[9] + 608 * carry
    out[9] = carry & 8191
    out[10] = out[10] + (carry >> 13)


@micropython.viper
def subtract(a: ptr16, b: ptr16, out: ptr16):
    """out = a - b; any may be the same element."""
    # 64 p has limbs of 16382, the lowest 1214 less: no difference is negative.
    carry = 0 - 1214
    k = 9
    while k < 29:
        carry += a[k] + 16382 - b[k]
        out[k] = carry & 8191
        carry = carry >> 13
        k += 1
    carry = out[9] + 608 * carry
    out[9] = carry & 8191
    out[10] = out[10] + (carry >> 13)


@micropython.viper
def scale(a: ptr16, factor: int, out: ptr16):
    """out = factor * a, for a factor below 2^17; both may be the same element."""
    carry = 0
    k = 9
    while k < 29:
        carry += factor * a[k]
        out[k] = carry & 8191
        carry = carry >> 13
        k += 1
    carry = 608 * carry  # below 2^27
    k = 9
    while k < 29:
        carry += out[k]
        out[k] = carry & 8191
        carry = carry >> 13
        k += 1
    out[9] = out[9] + 608 * carry  # the carry is 0 or 1


@micropython.viper
def swap(a: ptr16, b: ptr16, bit: int):
    """Exchange a and b if `bit` is 1, with the same steps as if it is 0."""
    mask = 0 - bit
    k = 9
    while k < 29:
        difference = (a[k] ^ b[k]) & mask
        a[k] = a[k] ^ difference
        b[k] = b[k] ^ difference
        k += 1
