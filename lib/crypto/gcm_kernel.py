"""XOR in place, for a key stream. A module of its own, because viper code ties it to one processor."""

import micropython


@micropython.viper
def xor(data: ptr8, stream: ptr8, size: int):
    """data[:size] ^= stream[:size]"""
    at = 0
    while at < size:
        data[at] = data[at] ^ stream[at]
        at += 1
