"""Seals a text with a key of 64 bytes: AES-256-CBC, then HMAC-SHA-256 over IV and ciphertext (encrypt-then-MAC).

The form is IV (16 bytes), ciphertext with PKCS#7 padding (RFC 5652, 6.3), tag (32 bytes). The first half of the key encrypts,
the second authenticates. The tag is checked before anything is decrypted.
"""

from cryptolib import aes

from lib.crypto.hmac import DIGEST_SIZE, Hmac, same

KEY_SIZE = 64
_CBC = 2
_BLOCK = 16


def seal(key, iv, plain):
    """Return `plain` (bytes) sealed; `iv`: 16 random bytes."""
    padding = _BLOCK - len(plain) % _BLOCK
    box = iv + aes(key[:32], _CBC, iv).encrypt(plain + bytes([padding]) * padding)
    return box + Hmac(key[32:]).mac(box)


def unseal(key, box):
    """Return what was sealed; ValueError for another key, or one bit that is not as it was."""
    end = len(box) - DIGEST_SIZE
    if end < 2 * _BLOCK or end % _BLOCK or not same(Hmac(key[32:]).mac(box[:end]), box[end:]):
        raise ValueError("wrong key, or damaged")
    plain = aes(key[:32], _CBC, box[:_BLOCK]).decrypt(box[_BLOCK:end])
    return plain[: len(plain) - plain[-1]]
