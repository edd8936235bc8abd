"""SRP-6a against a session of ESP-IDF, with clients made of Python's pow(), and with clients that cheat."""

from host_tests.lib.crypto.crypto_vectors import counted, drive, load, raw, refused
from lib.crypto.sha512 import sha512
from lib.crypto.srp import _GROUP, _K, _N, NUMBER_SIZE, Server, verifier

N = int.from_bytes(_N, "big")
SALT, SECRET = bytes(range(1, 17)), bytes(range(100, 132))
USER, PASSWORD = b"wifiprov", b"abcd1234"


def session():
    row = load("srp")
    name, password = row["username"].encode(), row["password"].encode()
    return name, password, raw(row)


def padded(number):
    return number.to_bytes(NUMBER_SIZE, "big")


def test_constants():
    g = padded(5)
    assert sha512(_N, g) == _K
    one, other = sha512(_N), sha512(g)
    assert bytes([one[index] ^ other[index] for index in range(64)]) == _GROUP


def test_session_of_provisioning():
    name, password, row = session()
    made, slices = counted(verifier(name, password, row["salt"]))
    assert made == row["verifier"] and slices > 600
    server = Server(row["salt"], made)
    public, slices = counted(server.begin(name, row["A"], row["device_secret_b"]))
    assert public == row["B"] and slices > 1200
    assert server.key is None and not server.is_ambiguous()
    assert server.prove(row["M1_client_proof"]) == row["M2_device_proof"]
    assert server.key == row["K"]


def test_a_wrong_proof_ends_the_handshake():
    name, _, row = session()
    right = row["M1_client_proof"]
    server = Server(row["salt"], row["verifier"])
    assert server.prove(b"") is None and server.prove(right) is None and server.is_ambiguous()
    for wrong in (right[:-1] + bytes([right[-1] ^ 1]), bytes([right[0] ^ 128]) + right[1:], right[:63], right + b"\0", b""):
        server._expected, server._answer, server._secret = right, b"answer", b"secret"  # as begin() leaves it
        assert server.prove(wrong) is None and server.key is None
        assert server.prove(right) is None and server.key is None
    server._expected, server._answer, server._secret = right, b"answer", b"secret"
    assert server.prove(bytearray(right)) == b"answer" and server.key == b"secret"


def client(name, password, salt, public, secret, own):
    """(proof, key) as a client computes them (RFC 5054, 2.6), with Python's pow()."""
    b = int.from_bytes(public, "big")
    x = int.from_bytes(sha512(salt, sha512(name, b":", password)), "big")
    u = int.from_bytes(sha512(own, padded(b)), "big")
    base = (b - int.from_bytes(_K, "big") * pow(5, x, N)) % N
    shared = padded(pow(base, secret + u * x, N)).lstrip(b"\0")
    key = sha512(shared)
    return sha512(_GROUP, sha512(name), salt, own, public, key), key


def test_with_a_client():
    secret = int.from_bytes(bytes(range(7, 39)), "big")
    own = padded(pow(5, secret, N))
    server = Server(SALT, padded(pow(5, int.from_bytes(sha512(SALT, sha512(USER, b":", PASSWORD)), "big"), N)))
    public = drive(server.begin(USER, own, SECRET))
    proof, key = client(USER, PASSWORD, SALT, public, secret, own)
    other, _ = client(USER, b"abcd1235", SALT, public, secret, own)
    assert other != proof
    assert server.prove(proof) == sha512(own, proof, key) and server.key == key


def test_what_a_client_must_not_send():
    server = Server(SALT, padded(5))
    for public in (bytes(384), _N, b"", bytes(383), b"\1" * 383, b"\1" * 385, bytes(385)):
        assert refused(server.begin, USER, public, SECRET)
    assert refused(server.begin, b"", b"\1" * 384, SECRET)
    for size in (0, 31, 33):
        assert refused(server.begin, USER, b"\1" * 384, bytes(size))
