"""Security suite 0 of simulated DLMS meters: ciphered APDUs, and what HLS asks both ends to compute (the sheet, 6 and 9)."""

import hashlib
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tools.rig.families.dlms_data import Malformed, length, take, take_length

AUTHENTICATED, ENCRYPTED = 0x10, 0x20
_TAG = 12
_TITLE = 8
KEY = 16
_HEADER = 5
# Ciphered requests by tag: what they are in plain; 0 if their content says so
PLAIN = {0xC8: 0xC0, 0xC9: 0xC1, 0xCB: 0xC3, 0xD0: 0xC0, 0xD1: 0xC1, 0xD3: 0xC3, 0xDB: 0, 0xDC: 0}
DEDICATED = (0xD0, 0xD1, 0xD3, 0xDC)
GENERAL = (0xDB, 0xDC)


class Deciphering(Exception):
    """The tag is wrong: nothing of the APDU may be used."""


class Replayed(Exception):
    """The invocation counter is not higher than the last."""


class Keys(NamedTuple):
    block: bytes
    authentication: bytes


class Ciphered(NamedTuple):
    """Security control, invocation counter, what they protect."""

    control: int
    counter: int
    text: bytes


def take_ciphered(data, at):
    """(Ciphered, where it ends) of a length and what it counts."""
    size, at = take_length(data, at)
    content = take(data, at, size)
    if size < _HEADER:
        raise Malformed("security header")
    return Ciphered(content[0], int.from_bytes(content[1:5], "big"), content[5:]), at + size


def _gcm(keys, title, counter, tag=None):
    if len(title) != _TITLE:
        raise Malformed("system title")
    mode = modes.GCM(title + counter.to_bytes(4, "big"), tag, min_tag_length=_TAG)
    return Cipher(algorithms.AES(keys.block), mode)


def seal(keys, title, control, counter, plain):
    """Length, security header, text and tag, as they stand behind the APDU's own octets."""
    header = bytes((control,)) + counter.to_bytes(4, "big")
    engine = _gcm(keys, title, counter).encryptor()
    text, tag = plain, b""
    if control & AUTHENTICATED:
        aad = header[:1] + keys.authentication + (b"" if control & ENCRYPTED else plain)
        engine.authenticate_additional_data(aad)
    if control & ENCRYPTED:
        text = engine.update(plain)
    engine.finalize()
    if control & AUTHENTICATED:
        tag = engine.tag[:_TAG]
    return length(_HEADER + len(text) + len(tag)) + header + text + tag


def unseal(keys, title, ciphered):
    """The plain octets; raises Deciphering."""
    control, counter, text = ciphered
    if not control & AUTHENTICATED:
        return _gcm(keys, title, counter).encryptor().update(text) if control & ENCRYPTED else text
    text, tag = text[:-_TAG], text[-_TAG:]
    if len(tag) < _TAG:
        raise Deciphering("tag")
    engine = _gcm(keys, title, counter, tag).decryptor()
    engine.authenticate_additional_data(bytes((control,)) + keys.authentication + (b"" if control & ENCRYPTED else text))
    plain = engine.update(text) if control & ENCRYPTED else text
    try:
        engine.finalize()
    except InvalidTag as error:
        raise Deciphering("tag") from error
    return plain


def ecb(secret, challenge):
    """AES-128-ECB, both padded with zeros: what makers use as mechanism 2."""
    engine = Cipher(algorithms.AES(secret[:16].ljust(16, b"\0")), modes.ECB()).encryptor()
    return engine.update(challenge + bytes(-len(challenge) % 16))


def gmac(keys, title, counter, challenge):
    """Security control, counter and tag of mechanism 5."""
    sealed = seal(keys, title, AUTHENTICATED, counter, challenge)[1:]
    return sealed[:_HEADER] + sealed[-_TAG:]


def hls(mechanism, secret, own_title, peer_title, received, sent):
    """f(challenge received) of mechanisms 2, 3, 4 and 6, for the end with `own_title`."""
    if mechanism == 2:
        return ecb(secret, received)
    if mechanism == 3:
        return hashlib.md5(received + secret, usedforsecurity=False).digest()
    if mechanism == 4:
        return hashlib.sha1(received + secret, usedforsecurity=False).digest()
    return hashlib.sha256(secret + own_title + peer_title + received + sent).digest()
