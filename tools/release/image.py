"""Signed images: docs/upgrade.md has the format. Shares no code with the gateway's own check, lib/ota."""

import hashlib
import struct

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tools.partitions import partition
from tools.release.errors import Refused

CHUNK = 4096
TAIL = 0x4000  # the last 16 KB of a slot hold header and list
MAGIC = b"OpenSG\r\n"
FIELDS = struct.Struct("<8sBBHII16s16s16s32s32s60s")
HEADER_SIZE = FIELDS.size + 64


def room(board):
    """Return how many bytes of payload a slot of a board takes: what is before its end, and what the list has hashes for."""
    slot = partition(board, "ota_0").size
    return min(slot - TAIL, (TAIL - HEADER_SIZE) // 32 * CHUNK)


def sign(payload, board, version, counter, minimum, key_id, private):
    """Return the image of a payload. Raises Refused for what no gateway would take."""
    for name, text in (("board", board), ("version", version), ("minimum version", minimum)):
        if not 0 < len(text) <= 16 or not all("!" <= letter <= "~" for letter in text):
            raise Refused(f"{name} {text!r} is not 1 to 16 characters of ASCII")
    if numbers(minimum) > numbers(version):
        raise Refused(f"the minimum version {minimum} is newer than the version {version}")
    if not 0 < len(payload) <= room(board):
        raise Refused(f"{len(payload)} bytes: a slot has room for {room(board)}")
    chunks = [payload[at : at + CHUNK] for at in range(0, len(payload), CHUNK)]
    hashes = b"".join(hashlib.sha256(chunk).digest() for chunk in chunks)
    names = board.encode(), version.encode(), minimum.encode()
    sums = hashlib.sha256(hashes).digest(), hashlib.sha256(payload).digest()
    fields = FIELDS.pack(MAGIC, 1, key_id, CHUNK, counter, len(payload), *names, *sums, b"")
    return fields + private.sign(fields) + hashes + payload


def numbers(version):
    """Return a version of one to three numbers, "1.2", as a tuple of three."""
    parts = version.split(".")
    if len(parts) > 3 or not all(part.isascii() and part.isdigit() for part in parts):
        raise Refused(f"version {version!r} is not one to three numbers with dots between")
    return tuple([int(part) for part in parts] + [0] * (3 - len(parts)))


def read_header(raw, keys):
    """Return what a header says, as a dict. Raises Refused unless one of the keys has signed it."""
    if len(raw) < HEADER_SIZE or raw[: len(MAGIC)] != MAGIC:
        raise Refused("no upgrade image")
    values = FIELDS.unpack_from(raw)
    _, form, key_id, chunk, counter, size, board, version, minimum, list_hash, total, _ = values
    if (form, chunk) != (1, CHUNK):
        raise Refused(f"form {form} with chunks of {chunk} bytes is not known")
    if key_id not in keys:
        raise Refused(f"signed with key {key_id}, which the firmware does not have")
    try:
        Ed25519PublicKey.from_public_bytes(keys[key_id]).verify(raw[FIELDS.size : HEADER_SIZE], raw[: FIELDS.size])
    except InvalidSignature:
        raise Refused(f"the signature is not that of key {key_id}") from None
    board, version, minimum = [text.rstrip(b"\0").decode("ascii", "replace") for text in (board, version, minimum)]
    if numbers(minimum) > numbers(version):
        raise Refused(f"the minimum version {minimum} is newer than the version {version}")
    about = {"board": board, "version": version, "minimum": minimum, "counter": counter, "key_id": key_id}
    return about | {"size": size, "list_hash": list_hash, "total": total}


def check(image, keys):
    """Return what an image's header says. Raises Refused unless the whole image is as it was signed."""
    header = read_header(image, keys)
    most = room(header["board"])
    if not 0 < header["size"] <= most:
        raise Refused(f"{header['size']} bytes: a slot has room for {most}")
    end = HEADER_SIZE + 32 * -(-header["size"] // CHUNK)
    hashes, payload = image[HEADER_SIZE:end], image[end:]
    if len(payload) != header["size"]:
        raise Refused(f"the file has {len(image)} bytes, not {end + header['size']}")
    if hashlib.sha256(hashes).digest() != header["list_hash"]:
        raise Refused("the list of hashes is damaged")
    for number in range(len(hashes) // 32):
        if hashlib.sha256(payload[CHUNK * number :][:CHUNK]).digest() != hashes[32 * number :][:32]:
            raise Refused(f"chunk {number} is damaged")
    if hashlib.sha256(payload).digest() != header["total"]:
        raise Refused("the sum over all is wrong")
    return header
