"""Answers to challenges, mechanisms 2 to 4 and 6 (IEC 62056-5-3, 9.2.7.4; DLMS UA 1000-2, table 25); 5 is Keys.gmac()."""

import hashlib

from cryptolib import aes
from micropython import const

from lib.dlms.errors import DlmsError

NONE = const(0)
LLS = const(1)
AES = const(2)  # the maker's: AES-128-ECB of the challenge in most
MD5 = const(3)
SHA1 = const(4)
GMAC = const(5)
SHA256 = const(6)
_ECB = const(1)
_BLOCK = const(16)
_HASHES = ((MD5, "md5"), (SHA1, "sha1"), (SHA256, "sha256"))


def answer(mechanism, secret, title, peer_title, received, sent):
    """Return f(challenge received) of who has `title`; the other side's answer with titles and challenges changed over.

    All octets. DlmsError: this device has not what the mechanism needs.
    """
    if mechanism == AES:
        size = -(-len(received) // _BLOCK) * _BLOCK
        key = (bytes(secret) + bytes(_BLOCK))[:_BLOCK]
        return aes(key, _ECB).encrypt((bytes(received) + bytes(_BLOCK))[:size])
    for number, name in _HASHES:
        if mechanism == number:
            algorithm = getattr(hashlib, name, None)  # a build of MicroPython may lack MD5 and SHA-1
            if algorithm is None:
                raise DlmsError("this device has no " + name)
            state = algorithm()
            parts = (secret, title, peer_title, received, sent) if mechanism == SHA256 else (received, secret)
            for part in parts:
                state.update(part)
            return state.digest()
    raise DlmsError("mechanism %d unknown" % mechanism)
