"""Signatures of Ed25519: those of RFC 8032, and every kind that must not be taken."""

from host_tests.lib.crypto.crypto_vectors import counted, drive, load, raw
from lib.crypto.ed25519 import _D, _L, Verifier
from lib.crypto.field25519 import P

# Points of the orders 1, 2, 4 and 8, in their only form.
SMALL = (
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
)
# The same points in forms that RFC 8032, 5.1.3 forbids: y of p or more, and 0 with a sign.
OTHER_FORMS = (
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
)
IDENTITY = b"\x01" + bytes(31)


def is_valid(public, message, signature):
    verifier = Verifier(public, signature)
    verifier.update(message)
    return drive(verifier.result())


def rows():
    return [raw(row) for row in load("ed25519")]


def test_signatures_of_the_rfc():
    for row in rows():
        assert is_valid(row["public"], row["message"], row["signature"]), row["what"]


def test_in_pieces_and_in_slices():
    row = rows()[-1]
    verifier = Verifier(row["public"], row["signature"])
    for at in range(len(row["message"])):
        verifier.update(memoryview(row["message"])[at : at + 1])
    valid, slices = counted(verifier.result())
    assert valid and slices > 60


def test_changed_bits():
    row = rows()[2]
    public, message, signature = row["public"], row["message"], row["signature"]
    for what, size in enumerate((32, 2, 64)):
        for bit in range(0, 8 * size, 13 if size > 2 else 1):
            parts = [bytearray(public), bytearray(message), bytearray(signature)]
            parts[what][bit // 8] ^= 1 << bit % 8
            assert not is_valid(*parts), (what, bit)
    for bit in (255, 256, 504, 508, 509, 510, 511):
        changed = bytearray(signature)
        changed[bit // 8] ^= 1 << bit % 8
        assert not is_valid(public, message, changed), bit


def test_other_messages_and_keys():
    one, other = rows()[1:3]
    assert not is_valid(one["public"], one["message"] + b"\0", one["signature"])
    assert not is_valid(one["public"], b"", one["signature"])
    assert not is_valid(other["public"], one["message"], one["signature"])
    assert not is_valid(one["public"], one["message"], one["signature"][:32] + other["signature"][32:])


def test_scalars_that_are_too_large():
    for row in rows():
        scalar = int.from_bytes(row["signature"][32:], "little")
        for more in (_L, 2 * _L, 8 * _L):
            signature = row["signature"][:32] + (scalar + more).to_bytes(32, "little")
            assert not is_valid(row["public"], row["message"], signature)
    assert not is_valid(rows()[0]["public"], b"", IDENTITY + _L.to_bytes(32, "little"))
    assert not is_valid(rows()[0]["public"], b"", IDENTITY + b"\xff" * 32)


def test_keys_of_small_order():
    """With the first one, R = identity and S = 0 would sign everything."""
    for public in SMALL + OTHER_FORMS:
        for r in SMALL + OTHER_FORMS:
            if public == SMALL[0] or r == SMALL[0]:
                assert not is_valid(bytes.fromhex(public), b"anything", bytes.fromhex(r) + bytes(32)), (public, r)


def test_keys_that_are_no_points():
    row = rows()[1]
    found = 0
    for y in range(2, 12):
        square = (y * y - 1) * pow(_D * y * y + 1, P - 2, P) % P
        if pow(square, (P - 1) // 2, P) != 1:
            found += 1
            assert not is_valid(y.to_bytes(32, "little"), row["message"], row["signature"]), y
    assert found > 2


def test_lengths():
    row = rows()[1]
    public, message, signature = row["public"], row["message"], row["signature"]
    for wrong in (b"", signature[:63], signature + b"\0", signature[:32]):
        assert not is_valid(public, message, wrong)
    for wrong in (b"", public[:31], public + b"\0"):
        assert not is_valid(wrong, message, signature)
