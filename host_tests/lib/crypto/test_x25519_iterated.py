"""X25519 a thousand times (RFC 7748, 5.2). Not under emulation: that takes half a minute."""

from host_tests.lib.crypto.crypto_vectors import drive, load, raw
from lib.crypto.x25519 import exchange


def test_1000_iterations():
    secret = public = b"\x09" + bytes(31)
    for _ in range(1000):
        secret, public = drive(exchange(secret, public)), secret
    assert secret == raw(load("x25519")["iterated_from_base_point"])["1000"]
