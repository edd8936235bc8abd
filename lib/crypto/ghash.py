"""GHASH of AES-GCM (NIST SP 800-38D, 6.4): a polynomial over GF(2^128), evaluated at a key H.

The first bit of a block is the coefficient of x^0, so that multiplying by x shifts right. Four bits are taken in a step, from
a table of the 16 multiples of H (Shoup's). Look-ups depend on key and data: in RAM without a cache, as the ESP32's,
they take the same time. A module of its own, because viper code ties it to one processor.
"""

# ptr32(buffer) is a cast, which the type checker takes for a call.
# pyright: reportCallIssue=false, reportArgumentType=false

import micropython
from micropython import const

_TABLE_SIZE = const(336)  # bytes: 16 multiples of four words, what four bits shifted out come back as, a product


def table(key):
    """Return the table for H, 16 bytes."""
    words = bytearray(_TABLE_SIZE)
    _fill(words, key)
    return words


@micropython.viper
def _fill(words: ptr32, key: ptr8):
    # Multiple 8 is H, 4 is H x, 2 is H x^2, 1 is H x^3; the highest word of each comes first.
    k = 0
    while k < 4:
        words[32 + k] = key[4 * k] << 24 | key[4 * k + 1] << 16 | key[4 * k + 2] << 8 | key[4 * k + 3]
        k += 1
    index = 4
    while index > 0:
        source = ptr32(int(words) + 32 * index)
        out = ptr32(int(words) + 16 * index)
        out[3] = uint(source[3]) >> 1 ^ uint(source[2]) << 31
        out[2] = uint(source[2]) >> 1 ^ uint(source[1]) << 31
        out[1] = uint(source[1]) >> 1 ^ uint(source[0]) << 31
        # x^128 = 1 + x + x^2 + x^7
        out[0] = uint(source[0]) >> 1 ^ uint((source[3] & 1) * 0xE1) << 24
        index = index >> 1
    power = 2
    while power < 16:
        index = 4
        while index < 4 * power:
            words[4 * power + index] = words[4 * power + (index & 3)] ^ words[index]
            index += 1
        power = power << 1
    index = 0
    while index < 16:
        over = 0
        bits = index
        k = 0
        while k < 4:
            over = over >> 1 ^ (bits & 1) * 0xE100
            bits = bits >> 1
            k += 1
        words[64 + index] = over << 16
        index += 1


@micropython.viper
def absorb(z: ptr32, words: ptr32, y: ptr8, data: ptr8, end: int):
    """y = (y ^ block) H for each 16 bytes of data[:end]; the last block is filled with zeros. y: 16 bytes.

    Both `z` and `words` are the table. Words are uint where they are shifted right.
    """
    first = int(words)
    z = ptr32(first + 320)
    at = 0
    while at < end:
        k = 0
        while k < 16 and at < end:
            y[k] = y[k] ^ data[at]
            at += 1
            k += 1
        k = 0
        while k < 4:
            z[k] = 0
            k += 1
        step = 31
        while step >= 0:
            # z = z x^4 + (four bits of y) H
            if step & 1:
                words = ptr32(first + ((y[step >> 1] & 15) << 4))
            else:
                words = ptr32(first + (y[step >> 1] & 0xF0))
            over = ptr32(first + 256 + ((z[3] & 15) << 2))
            z[3] = uint(z[3]) >> 4 ^ uint(z[2]) << 28 ^ uint(words[3])
            z[2] = uint(z[2]) >> 4 ^ uint(z[1]) << 28 ^ uint(words[2])
            z[1] = uint(z[1]) >> 4 ^ uint(z[0]) << 28 ^ uint(words[1])
            z[0] = uint(z[0]) >> 4 ^ uint(words[0]) ^ uint(over[0])
            step -= 1
        k = 0
        while k < 16:
            y[k] = z[k >> 2] >> (24 - 8 * (k & 3)) & 0xFF
            k += 1
