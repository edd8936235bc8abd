"""AES-128-GCM (NIST SP 800-38D) in place and in pieces, from encryption of blocks alone: cryptolib of the ESP32 has no GCM.

Tags have 12 octets, as DLMS has them. A piece of 128 octets takes about a millisecond of an ESP32.
"""

from struct import pack_into

from cryptolib import aes
from micropython import const

from lib.crypto.gcm_kernel import xor
from lib.crypto.ghash import absorb, table

KEY_SIZE = 16
IV_SIZE = 12
TAG_SIZE = 12
PIECE = const(128)  # a good size of pieces
_ECB = const(1)
_BLOCK = const(16)


class Gcm:
    """One message after another under one key: begin(), authenticate() what is not enciphered, encrypt(), tag().

    Each piece but the last of either kind has a multiple of 16 octets. One object takes about 1 KB.
    """

    def __init__(self, key):
        """key: 16 octets."""
        if len(key) != KEY_SIZE:
            raise ValueError("length")
        self._cipher = aes(key, _ECB)
        self._words = table(self._cipher.encrypt(bytes(_BLOCK)))
        self._iv = b""
        self._stream = bytearray(PIECE)
        self._hash = bytearray(_BLOCK)
        self._clear = self._sealed = self._count = 0

    def begin(self, iv):
        """Start a message. iv: 12 octets, never used twice to encrypt under the key."""
        if len(iv) != IV_SIZE:
            raise ValueError("length")
        self._iv = bytes(iv)
        for at in range(_BLOCK):
            self._hash[at] = 0
        self._clear = self._sealed = 0  # octets so far
        self._count = 2  # of the next block of the key stream; 1 hides the tag

    def authenticate(self, data):
        """Take a piece of what is authenticated only; before all encryption."""
        self._clear += len(data)
        absorb(self._words, self._words, self._hash, data, len(data))

    def encrypt(self, piece):
        """Encrypt a piece in place."""
        self.decrypt(piece)
        self.check(piece)

    def check(self, piece):
        """Take a piece of ciphertext for tag(). To decipher: check() all, compare the tag, then decrypt() all."""
        self._sealed += len(piece)
        absorb(self._words, self._words, self._hash, piece, len(piece))

    def decrypt(self, piece):
        """Decipher a piece in place; after tag() the pieces begin with the first again."""
        piece = memoryview(piece)
        for start in range(0, len(piece), PIECE):
            part = piece[start : start + PIECE]
            blocks = (len(part) + _BLOCK - 1) // _BLOCK
            self._keys(blocks)
            xor(part, self._stream, len(part))

    def tag(self):
        """Return the tag of the message, 12 octets."""
        lengths = bytearray(_BLOCK)
        pack_into(">IxxxxI", lengths, 4, 8 * self._clear, 8 * self._sealed)
        absorb(self._words, self._words, self._hash, lengths, _BLOCK)
        self._count = 1
        self._keys(1)
        xor(self._hash, self._stream, TAG_SIZE)
        return bytes(self._hash[:TAG_SIZE])

    def _keys(self, blocks):
        iv, stream, count = self._iv, self._stream, self._count
        for at in range(0, blocks * _BLOCK, _BLOCK):
            pack_into(">12sI", stream, at, iv, count)
            count += 1
        self._count = count
        view = memoryview(stream)[: blocks * _BLOCK]
        self._cipher.encrypt(view, view)  # block by block, in place
