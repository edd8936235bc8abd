"""AES-256 as a key stream (CTR, NIST SP 800-38A, 6.5) and as a sealed box (GCM, SP 800-38D), from encryption of blocks alone.

cryptolib of the ESP32 knows neither. Counter blocks are encrypted 16 at a time. None of this is cut in slices: 512 bytes
may take four milliseconds.
"""

from cryptolib import aes
from micropython import const

from lib.crypto.ghash import absorb, table
from lib.crypto.hmac import same

KEY_SIZE = 32
NONCE_SIZE = 12
TAG_SIZE = 16
_ECB = const(1)
_BLOCK = const(16)
_BLOCKS = const(16)  # encrypted in one call


class Ctr:
    """One endless key stream, each byte of which is used once, whatever the sizes of the messages."""

    def __init__(self, key, counter):
        """key: 32 bytes. counter: the first counter block, 16 bytes, a big-endian number that wraps at 2^128."""
        if len(key) != KEY_SIZE or len(counter) != _BLOCK:
            raise ValueError("length")
        self._cipher = aes(key, _ECB)
        self._counter = int.from_bytes(counter, "big")
        self._left = b""  # of the last block, not used yet

    def crypt(self, data):
        """Return bytes encrypted or decrypted, which is the same, with as many bytes of the stream."""
        data = memoryview(data)
        parts = []
        at = 0
        while at < len(data):
            if not self._left:
                self._left = self._blocks(len(data) - at)
            size = min(len(self._left), len(data) - at)
            parts.append(_xor(data[at : at + size], self._left[:size]))
            self._left = self._left[size:]
            at += size
        return b"".join(parts)

    def _blocks(self, size):
        """Return the next blocks of the stream: for `size` bytes, or a part of them."""
        count = min(_BLOCKS, (size + _BLOCK - 1) // _BLOCK)
        blocks = bytearray(_BLOCK * count)
        for index in range(count):
            blocks[_BLOCK * index : _BLOCK * (index + 1)] = self._counter.to_bytes(_BLOCK, "big")
            self._counter = (self._counter + 1) & (1 << 128) - 1
        return self._cipher.encrypt(blocks)


def seal(key, nonce, data):
    """Return the ciphertext and the tag of 16 bytes behind it, no additional data.

    key: 32 bytes. nonce: 12 bytes, never used twice with a key.
    """
    mask, stream, words = _begin(key, nonce)
    box = stream.crypt(data)
    return box + _xor(_hash(words, box), mask)


def open_sealed(key, nonce, box):
    """Return what was sealed. ValueError if one bit of the box, the nonce or the key is another; nothing is decrypted then."""
    size = len(box) - TAG_SIZE
    if size < 0:
        raise ValueError("length")
    mask, stream, words = _begin(key, nonce)
    box = memoryview(box)
    if not same(box[size:], _xor(_hash(words, box[:size]), mask)):
        raise ValueError("tag")
    return stream.crypt(box[:size])


def _begin(key, nonce):
    """(what hides the tag, the key stream of the data, the table of GHASH)"""
    if len(nonce) != NONCE_SIZE:
        raise ValueError("length")
    stream = Ctr(key, nonce + b"\0\0\0\1")
    return stream.crypt(bytes(_BLOCK)), stream, table(aes(key, _ECB).encrypt(bytes(_BLOCK)))


def _hash(words, box):
    """GHASH of the ciphertext and of its length in bits."""
    y = bytearray(_BLOCK)
    absorb(words, words, y, box, len(box))
    absorb(words, words, y, (8 * len(box)).to_bytes(_BLOCK, "big"), _BLOCK)
    return y


def _xor(one, other):
    """Two byte strings of the same length, below some hundred bytes."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(len(one), "big")
