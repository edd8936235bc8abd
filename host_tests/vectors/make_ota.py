"""Makes ota.json: headers of upgrade images, right and wrong ones, written from docs/upgrade.md alone. Needs `cryptography`.

    python host_tests/vectors/make_ota.py

Each run makes the same: Ed25519 signs the same with the same, and the keys are made of a text. They serve nowhere else.
"""

import hashlib
import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

OUT = Path(__file__).with_name("ota.json")
ROOM = 0x1AC000  # a slot of 0x1B0000 bytes without its last 16 KB


def private(name):
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"opensg test key {name}".encode()).digest())


def public(name):
    return private(name).public_key().public_bytes_raw()


def payload(size):
    """Bytes that are not alike anywhere: the SHA-256 of 0, of 1, of 2, ..., each number as four bytes, low byte first."""
    return b"".join(hashlib.sha256(number.to_bytes(4, "little")).digest() for number in range((size + 31) // 32))[:size]


def hashes(data):
    """The list of hashes: of every 4096 bytes, and of what is left."""
    return b"".join(hashlib.sha256(data[at : at + 4096]).digest() for at in range(0, len(data), 4096))


def header(data, **changed):
    """The 256 bytes for a payload, as the test's device takes them, except for what is `changed`; signed after that."""
    values = {
        "magic": b"OpenSG\r\n",
        "form": 1,
        "key_id": 1,
        "chunk": 4096,
        "counter": 3,
        "size": len(data),
        "board": b"SG_W1",
        "version": b"0.10",
        "minimum": b"0.9.2",
        "list_hash": hashlib.sha256(hashes(data)).digest(),
        "total": hashlib.sha256(data).digest(),
        "signer": "1",
    }
    assert changed.keys() <= values.keys(), changed
    values |= changed
    raw = bytearray(192)
    places = (("magic", 0, 8), ("form", 8, 1), ("key_id", 9, 1), ("chunk", 10, 2), ("counter", 12, 4), ("size", 16, 4))
    places += (("board", 20, 16), ("version", 36, 16), ("minimum", 52, 16), ("list_hash", 68, 32), ("total", 100, 32))
    for name, at, length in places:
        value = values[name]
        raw[at : at + length] = value.to_bytes(length, "little") if isinstance(value, int) else value.ljust(length, b"\0")
    assert len(raw) == 192
    return bytes(raw) + (private(values["signer"]).sign(bytes(raw)) if values["signer"] else bytes(64))


def image(data, **changed):
    return header(data, **changed) + hashes(data) + data


# The device of the tests: SG_W1, version 0.9.2, security counter 3, keys 1 and 2, a slot of 0x1B0000 bytes.
SMALL = 5 * 4096 - 7
ROWS = (
    # what, bytes of payload, what is not as usual, cause of the refusal
    ("five chunks, the last one not whole", SMALL, {}, ""),
    ("a byte", 1, {}, ""),
    ("a byte less than a chunk", 4095, {}, ""),
    ("a chunk", 4096, {}, ""),
    ("a byte more than a chunk", 4097, {}, ""),
    ("header and list fill a block", 120 * 4096, {}, ""),
    ("header and list need another block", 120 * 4096 + 1, {}, ""),
    ("the largest", ROOM, {}, ""),
    ("the second key", SMALL, {"key_id": 2, "signer": "2"}, ""),
    ("a higher counter", SMALL, {"counter": 0xFFFFFFFF}, ""),
    ("an older version with the same counter", SMALL, {"version": b"0.8", "minimum": b"0.1"}, ""),
    ("one number of version, and all characters", SMALL, {"version": b"1234567890123456", "minimum": b"0"}, ""),
    ("a byte too large", ROOM, {"size": ROOM + 1}, "size"),
    ("10 MB", SMALL, {"size": 10 * 1024 * 1024}, "size"),
    ("4 GB", SMALL, {"size": 0xFFFFFFFF}, "size"),
    ("nothing", 0, {}, "size"),
    ("another board", SMALL, {"board": b"SG_E1"}, "board"),
    ("a longer name of a board", SMALL, {"board": b"SG_W1A"}, "board"),
    ("no board", SMALL, {"board": b""}, "board"),
    ("letters that are none", SMALL, {"board": b"SG\xff\x1b[2J"}, "board"),
    ("an older counter", SMALL, {"counter": 2}, "counter"),
    ("not from this version", SMALL, {"minimum": b"0.9.10"}, "version"),
    ("no number", SMALL, {"minimum": b"next"}, "format"),
    ("no minimum", SMALL, {"minimum": b""}, "format"),
    ("another form", SMALL, {"form": 2}, "format"),
    ("other chunks", SMALL, {"chunk": 8192}, "format"),
    ("not signed", SMALL, {"signer": ""}, "signature"),
    ("signed by a stranger", SMALL, {"signer": "stranger"}, "signature"),
    ("signed by the other key", SMALL, {"signer": "2"}, "signature"),
    ("a retired key", SMALL, {"key_id": 3, "signer": "3"}, "key"),
    ("no key", SMALL, {"key_id": 0, "signer": ""}, "key"),
    ("another list", SMALL, {"list_hash": bytes(32)}, "list"),
)
LATER = (
    # what only the check of the whole slot can find
    ("another sum", SMALL, {"total": bytes(32)}, "total"),
)


def text():
    rows = [
        {"what": what, "size": size, "header": header(payload(size), **changed).hex(), "cause": cause}
        for what, size, changed, cause in ROWS + LATER
    ]
    keys = {name: public(name).hex() for name in ("1", "2")}
    about = {"source": "made by make_ota.py with PyPI's cryptography; the keys serve nowhere", "keys": keys, "rows": rows}
    return json.dumps(about, indent=1) + "\n"


if __name__ == "__main__":
    OUT.write_text(text())
