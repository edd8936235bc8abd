"""X25519 against RFC 7748, and with keys that must not be."""

from host_tests.lib.crypto.crypto_vectors import counted, drive, load, raw, refused
from lib.crypto.x25519 import exchange, public_key

ALSO_ON = ("arm",)

# Points of small order, as in https://cr.yp.to/ecdh.html#validate; the last three are p - 1, p and p + 1.
WEAK = (
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
)


def test_products_of_the_rfc():
    for row in load("x25519")["scalar_mult"]:
        row = raw(row)
        assert drive(exchange(row["scalar"], row["u"])) == row["result"]


def test_iterated():
    expected = raw(load("x25519")["iterated_from_base_point"])
    secret = public = b"\x09" + bytes(31)
    secret, public = drive(exchange(secret, public)), secret
    assert secret == expected["1"]


def test_both_sides_find_the_same():
    row = raw(load("x25519")["diffie_hellman"])
    assert drive(public_key(row["alice_private"])) == row["alice_public"]
    assert drive(public_key(row["bob_private"])) == row["bob_public"]
    assert drive(exchange(row["alice_private"], row["bob_public"])) == row["shared"]
    assert drive(exchange(row["bob_private"], row["alice_public"])) == row["shared"]


def test_sessions_of_provisioning():
    for row in load("x25519_sessions"):
        row = raw(row)
        assert drive(public_key(row["device_private"])) == row["device_public"]
        assert drive(exchange(row["device_private"], row["client_public"])) == row["x25519_shared"]


def test_results_of_zero_are_refused():
    for public in WEAK:
        assert refused(exchange, bytes(range(32)), bytes.fromhex(public)), public
        assert refused(exchange, bytes(range(32)), bytes.fromhex(public[:-2] + "%02x" % (int(public[-2:], 16) | 128)))


def test_lengths():
    for secret, public in ((31, 32), (33, 32), (32, 31), (32, 33), (32, 0)):
        assert refused(exchange, bytes(secret), bytes(range(public)))


def test_the_secret_is_left_as_it_is_and_the_loop_goes_on():
    secret = bytearray(range(200, 232))
    _, slices = counted(exchange(secret, b"\x09" + bytes(31)))
    assert secret == bytearray(range(200, 232))
    assert slices > 30
