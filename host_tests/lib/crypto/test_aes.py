"""AES-256 in CTR and GCM against published vectors, a session of provisioning, and boxes that are not as they were."""

from cryptolib import aes

from host_tests.lib.crypto.crypto_vectors import load, numbers, raw, refused
from lib.crypto.aes import Ctr, open_sealed, seal
from lib.crypto.ghash import absorb, table

ALSO_ON = ("arm",)

KEY, NONCE = bytes(range(32)), bytes(range(12))


def test_counter_mode():
    for row in load("aes256_ctr"):
        name, row = row["name"], raw(row)
        for sizes in ((1000,), (5, 27, 1, 31, 13), (1, 0, 2, 3), (16, 16), (15, 1, 17)):
            stream, at, got = Ctr(row["key"], row["initial_counter"]), 0, b""
            while at < len(row["plaintext"]):
                for size in sizes:
                    got += stream.crypt(row["plaintext"][at : at + size])
                    at += size
            assert got == row["ciphertext"], (name, sizes)


def test_stream_of_provisioning():
    for row in load("x25519_sessions"):
        row = raw(row)
        assert Ctr(row["aes_key"], row["device_random"]).crypt(bytes(96)) == row["keystream_first_96_bytes"]
        stream = Ctr(row["aes_key"], row["device_random"])
        assert stream.crypt(row["client_verify"]) == row["device_public"]
        assert stream.crypt(row["client_public"]) == row["device_verify"]


def test_longer_than_what_is_encrypted_at_once():
    data = bytes([value & 0xFF for value in range(1000)])
    counter = (1 << 128) - 20
    blocks = b"".join([((counter + index) % (1 << 128)).to_bytes(16, "big") for index in range(63)])
    stream = aes(KEY, 1).encrypt(blocks)
    expected = bytes([data[index] ^ stream[index] for index in range(1000)])
    for kind in (bytes, bytearray, memoryview):
        assert Ctr(KEY, counter.to_bytes(16, "big")).crypt(kind(data)) == expected


def test_boxes():
    for row in load("aes256_gcm"):
        name, row = row["name"], raw(row)
        box = seal(row["key"], row["nonce"], row["plaintext"])
        assert box == row["ciphertext"] + row["tag"], name
        assert open_sealed(row["key"], row["nonce"], box) == row["plaintext"]


def test_messages_of_provisioning():
    session = load("gcm_session")
    key = bytes.fromhex(session["key"])
    for row in session["messages"]:
        row = raw(row)
        assert seal(key, row["nonce"], row["plain"]) == row["box"]
        assert open_sealed(key, bytearray(row["nonce"]), bytearray(row["box"])) == row["plain"]


def test_every_changed_bit_is_seen():
    box = seal(KEY, NONCE, b"seventeen bytes!!")
    for bit in range(8 * len(box)):
        changed = bytearray(box)
        changed[bit // 8] ^= 1 << bit % 8
        assert refused(open_sealed, KEY, NONCE, changed), bit
    for size in range(len(box)):
        assert refused(open_sealed, KEY, NONCE, box[:size])
    assert refused(open_sealed, KEY, NONCE, box + b"\0")
    assert refused(open_sealed, KEY, bytes(12), box) and refused(open_sealed, bytes(32), NONCE, box)


def test_lengths_of_keys_and_nonces():
    for key, nonce in ((16, 12), (31, 12), (32, 11), (32, 13), (32, 16), (32, 0)):
        assert refused(seal, bytes(key), bytes(nonce), b"") and refused(open_sealed, bytes(key), bytes(nonce), bytes(16))
    assert refused(Ctr, bytes(32), bytes(12)) and refused(Ctr, bytes(16), bytes(16))


def slow_product(x, y):
    """In GF(2^128), bit by bit (NIST SP 800-38D, 6.3)."""
    z = 0
    for bit in range(127, -1, -1):
        if x >> bit & 1:
            z ^= y
        y = y >> 1 ^ 0xE1 << 120 if y & 1 else y >> 1
    return z


def test_ghash_by_its_definition():
    edges = [1, 1 << 127, (1 << 128) - 1]
    for key in edges + list(numbers(4, 1 << 128)):
        words = table(key.to_bytes(16, "big"))
        for block in edges + list(numbers(4, 1 << 128, 9)):
            y = bytearray(16)
            data = block.to_bytes(16, "big")
            absorb(words, words, y, data + data[:5], 21)
            expected = slow_product(slow_product(block, key) ^ int.from_bytes(data[:5] + bytes(11), "big"), key)
            assert y == expected.to_bytes(16, "big")
