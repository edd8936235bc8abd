"""The inner function of SHA-512 (FIPS 180-4, 6.4.2): 64-bit words as pairs of 32 bits, the higher half first.

A module of its own, because viper code ties it to one processor.
"""

# ptr32(buffer) is a cast, which the type checker takes for a call.
# pyright: reportCallIssue=false, reportArgumentType=false

import micropython
from micropython import const

WORK_SIZE = const(704)  # bytes: the eight variables of 80 rounds, a new pair of them in each
SCHEDULE_SIZE = const(640)  # bytes: a word for each round
# The first 64 bits of the fractional parts of the cube roots of the first 80 primes, big-endian (FIPS 180-4, 4.2.3).
CONSTANTS = (
    b"\x42\x8a\x2f\x98\xd7\x28\xae\x22\x71\x37\x44\x91\x23\xef\x65\xcd\xb5\xc0\xfb\xcf\xec\x4d\x3b\x2f\xe9\xb5\xdb\xa5"
    b"\x81\x89\xdb\xbc\x39\x56\xc2\x5b\xf3\x48\xb5\x38\x59\xf1\x11\xf1\xb6\x05\xd0\x19\x92\x3f\x82\xa4\xaf\x19\x4f\x9b"
    b"\xab\x1c\x5e\xd5\xda\x6d\x81\x18\xd8\x07\xaa\x98\xa3\x03\x02\x42\x12\x83\x5b\x01\x45\x70\x6f\xbe\x24\x31\x85\xbe"
    b"\x4e\xe4\xb2\x8c\x55\x0c\x7d\xc3\xd5\xff\xb4\xe2\x72\xbe\x5d\x74\xf2\x7b\x89\x6f\x80\xde\xb1\xfe\x3b\x16\x96\xb1"
    b"\x9b\xdc\x06\xa7\x25\xc7\x12\x35\xc1\x9b\xf1\x74\xcf\x69\x26\x94\xe4\x9b\x69\xc1\x9e\xf1\x4a\xd2\xef\xbe\x47\x86"
    b"\x38\x4f\x25\xe3\x0f\xc1\x9d\xc6\x8b\x8c\xd5\xb5\x24\x0c\xa1\xcc\x77\xac\x9c\x65\x2d\xe9\x2c\x6f\x59\x2b\x02\x75"
    b"\x4a\x74\x84\xaa\x6e\xa6\xe4\x83\x5c\xb0\xa9\xdc\xbd\x41\xfb\xd4\x76\xf9\x88\xda\x83\x11\x53\xb5\x98\x3e\x51\x52"
    b"\xee\x66\xdf\xab\xa8\x31\xc6\x6d\x2d\xb4\x32\x10\xb0\x03\x27\xc8\x98\xfb\x21\x3f\xbf\x59\x7f\xc7\xbe\xef\x0e\xe4"
    b"\xc6\xe0\x0b\xf3\x3d\xa8\x8f\xc2\xd5\xa7\x91\x47\x93\x0a\xa7\x25\x06\xca\x63\x51\xe0\x03\x82\x6f\x14\x29\x29\x67"
    b"\x0a\x0e\x6e\x70\x27\xb7\x0a\x85\x46\xd2\x2f\xfc\x2e\x1b\x21\x38\x5c\x26\xc9\x26\x4d\x2c\x6d\xfc\x5a\xc4\x2a\xed"
    b"\x53\x38\x0d\x13\x9d\x95\xb3\xdf\x65\x0a\x73\x54\x8b\xaf\x63\xde\x76\x6a\x0a\xbb\x3c\x77\xb2\xa8\x81\xc2\xc9\x2e"
    b"\x47\xed\xae\xe6\x92\x72\x2c\x85\x14\x82\x35\x3b\xa2\xbf\xe8\xa1\x4c\xf1\x03\x64\xa8\x1a\x66\x4b\xbc\x42\x30\x01"
    b"\xc2\x4b\x8b\x70\xd0\xf8\x97\x91\xc7\x6c\x51\xa3\x06\x54\xbe\x30\xd1\x92\xe8\x19\xd6\xef\x52\x18\xd6\x99\x06\x24"
    b"\x55\x65\xa9\x10\xf4\x0e\x35\x85\x57\x71\x20\x2a\x10\x6a\xa0\x70\x32\xbb\xd1\xb8\x19\xa4\xc1\x16\xb8\xd2\xd0\xc8"
    b"\x1e\x37\x6c\x08\x51\x41\xab\x53\x27\x48\x77\x4c\xdf\x8e\xeb\x99\x34\xb0\xbc\xb5\xe1\x9b\x48\xa8\x39\x1c\x0c\xb3"
    b"\xc5\xc9\x5a\x63\x4e\xd8\xaa\x4a\xe3\x41\x8a\xcb\x5b\x9c\xca\x4f\x77\x63\xe3\x73\x68\x2e\x6f\xf3\xd6\xb2\xb8\xa3"
    b"\x74\x8f\x82\xee\x5d\xef\xb2\xfc\x78\xa5\x63\x6f\x43\x17\x2f\x60\x84\xc8\x78\x14\xa1\xf0\xab\x72\x8c\xc7\x02\x08"
    b"\x1a\x64\x39\xec\x90\xbe\xff\xfa\x23\x63\x1e\x28\xa4\x50\x6c\xeb\xde\x82\xbd\xe9\xbe\xf9\xa3\xf7\xb2\xc6\x79\x15"
    b"\xc6\x71\x78\xf2\xe3\x72\x53\x2b\xca\x27\x3e\xce\xea\x26\x61\x9c\xd1\x86\xb8\xc7\x21\xc0\xc2\x07\xea\xda\x7d\xd6"
    b"\xcd\xe0\xeb\x1e\xf5\x7d\x4f\x7f\xee\x6e\xd1\x78\x06\xf0\x67\xaa\x72\x17\x6f\xba\x0a\x63\x7d\xc5\xa2\xc8\x98\xa6"
    b"\x11\x3f\x98\x04\xbe\xf9\x0d\xae\x1b\x71\x0b\x35\x13\x1c\x47\x1b\x28\xdb\x77\xf5\x23\x04\x7d\x84\x32\xca\xab\x7b"
    b"\x40\xc7\x24\x93\x3c\x9e\xbe\x0a\x15\xc9\xbe\xbc\x43\x1d\x67\xc4\x9c\x10\x0d\x4c\x4c\xc5\xd4\xbe\xcb\x3e\x42\xb6"
    b"\x59\x7f\x29\x9c\xfc\x65\x7e\x2a\x5f\xcb\x6f\xab\x3a\xd6\xfa\xec\x6c\x44\x19\x8c\x4a\x47\x58\x17"
)


@micropython.viper
def compress(p: ptr32, w: ptr32, data: ptr8, at: int, state: ptr32, constants: ptr8):
    """Take the 128 bytes of `data` from `at` into `state`, eight words. p, w: WORK_SIZE and SCHEDULE_SIZE bytes.

    Locals are uint, because they are shifted right and compared. On 64 bit, what leaves the lower 32 bits is masked away.
    """
    mask = (uint(1) << 16 << 16) - uint(1)  # all ones on 32 bit
    data = ptr8(int(data) + at)
    k = 0
    while k < 32:
        w[k] = data[0] << 24 | data[1] << 16 | data[2] << 8 | data[3]
        data = ptr8(int(data) + 4)
        k += 1
    # The variables a to h move up by one word in each round: `p` goes down instead, and points to the a that is made.
    p = ptr32(int(p) + 640)
    k = 0
    while k < 16:
        p[k] = state[k]
        k += 1
    p = ptr32(int(p) - 8)
    data = constants
    k = 0
    while k < 80:
        # T1 = h + Sigma1(e) + Ch(e, f, g) + K + W
        eh = uint(p[10])
        el = uint(p[11])
        low = uint(p[17])
        high = uint(p[16])
        part = (el >> 14 ^ eh << 18 ^ el >> 18 ^ eh << 14 ^ eh >> 9 ^ el << 23) & mask
        high += eh >> 14 ^ el << 18 ^ eh >> 18 ^ el << 14 ^ el >> 9 ^ eh << 23
        low = (low + part) & mask
        if low < part:
            high += uint(1)
        part = uint(p[15]) ^ el & (uint(p[13]) ^ uint(p[15]))
        high += uint(p[14]) ^ eh & (uint(p[12]) ^ uint(p[14]))
        low = (low + part) & mask
        if low < part:
            high += uint(1)
        part = uint(data[4] << 24 | data[5] << 16 | data[6] << 8 | data[7])
        high += uint(data[0] << 24 | data[1] << 16 | data[2] << 8 | data[3])
        data = ptr8(int(data) + 8)
        low = (low + part) & mask
        if low < part:
            high += uint(1)
        part = uint(w[1])
        high += uint(w[0])
        low = (low + part) & mask
        if low < part:
            high += uint(1)
        # e of the next round = d + T1
        part = (uint(p[9]) + low) & mask
        p[9] = part
        if part < low:
            p[8] = uint(p[8]) + high + uint(1)
        else:
            p[8] = uint(p[8]) + high
        # a of the next round = T1 + Sigma0(a) + Maj(a, b, c)
        eh = uint(p[2])
        el = uint(p[3])
        part = (el >> 28 ^ eh << 4 ^ eh >> 2 ^ el << 30 ^ eh >> 7 ^ el << 25) & mask
        high += eh >> 28 ^ el << 4 ^ el >> 2 ^ eh << 30 ^ el >> 7 ^ eh << 25
        low = (low + part) & mask
        if low < part:
            high += uint(1)
        part = el & uint(p[5]) | uint(p[7]) & (el | uint(p[5]))
        high += eh & uint(p[4]) | uint(p[6]) & (eh | uint(p[4]))
        low = (low + part) & mask
        if low < part:
            high += uint(1)
        p[0] = high
        p[1] = low
        p = ptr32(int(p) - 8)
        if k < 64:
            # The word of 16 rounds later = W + sigma0(next) + the 9th + sigma1(the 14th)
            eh = uint(w[2])
            el = uint(w[3])
            low = uint(w[1])
            part = (el >> 1 ^ eh << 31 ^ el >> 8 ^ eh << 24 ^ el >> 7 ^ eh << 25) & mask
            high = uint(w[0]) + (eh >> 1 ^ el << 31 ^ eh >> 8 ^ el << 24 ^ eh >> 7)
            low = (low + part) & mask
            if low < part:
                high += uint(1)
            part = uint(w[19])
            high += uint(w[18])
            low = (low + part) & mask
            if low < part:
                high += uint(1)
            eh = uint(w[28])
            el = uint(w[29])
            part = (el >> 19 ^ eh << 13 ^ eh >> 29 ^ el << 3 ^ el >> 6 ^ eh << 26) & mask
            high += eh >> 19 ^ el << 13 ^ el >> 29 ^ eh << 3 ^ eh >> 6
            low = (low + part) & mask
            if low < part:
                high += uint(1)
            w[32] = high
            w[33] = low
        w = ptr32(int(w) + 8)
        k += 1
    p = ptr32(int(p) + 8)
    k = 0
    while k < 16:
        low = uint(state[k + 1])
        part = (uint(p[k + 1]) + low) & mask
        high = uint(state[k]) + uint(p[k])
        if part < low:
            high += uint(1)
        state[k] = high
        state[k + 1] = part
        k += 2
