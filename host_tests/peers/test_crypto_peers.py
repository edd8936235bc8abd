"""Our cryptography against PyPI's cryptography (OpenSSL) and CPython's hashlib, with the same random input. Both widths."""

import hashlib
import json
import os
import random
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from conftest import TOP, interpreter

# Each case is [what, hexadecimal arguments ...]; the answer is a line, in hexadecimal.
_SCRIPT = """
import json, sys
from binascii import hexlify
from host_tests.lib.crypto.crypto_vectors import drive
from lib.crypto.aes import Ctr, open_sealed, seal
from lib.crypto.ed25519 import Verifier
from lib.crypto.sha512 import sha512
from lib.crypto.srp import verifier
from lib.crypto.x25519 import exchange, public_key

def pieces(key, counter, data):
    stream, got, size = Ctr(key, counter), b"", 1
    while data:
        got += stream.crypt(data[:size])
        data = data[size:]
        size = size * 5 % 37 + 1
    return got

def boxed(key, nonce, data):
    box = seal(key, nonce, data)
    assert open_sealed(key, nonce, box) == data
    return box

def verified(public, message, signature):
    check = Verifier(public, signature)
    check.update(message)
    return bytes([drive(check.result())])

functions = {
    "sha512": sha512,
    "public": lambda secret: drive(public_key(secret)),
    "exchange": lambda secret, public: drive(exchange(secret, public)),
    "ctr": pieces,
    "gcm": boxed,
    "ed25519": verified,
    "verifier": lambda *arguments: drive(verifier(*arguments)),
}
for what, *arguments in json.loads(sys.stdin.read()):
    answer = functions[what](*[bytes.fromhex(argument) for argument in arguments])
    print(hexlify(answer).decode())
"""
_N = (
    bytes.fromhex(  # RFC 5054, appendix A, 3072 bits: 2^3072 - 2^3008 - 1 + 2^64 ([2^2942 pi] + 1690314), as RFC 3526, 4 has it
        "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404ddef9519b3cd3a431b"
        "302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7edee386bfb5a899fa5ae9f24117c4b1fe6"
        "49286651ece45b3dc2007cb8a163bf0598da48361c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb9ed529077096966d"
        "670c354e4abc9804f1746c08ca18217c32905e462e36ce3be39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf695581718"
        "3995497cea956ae515d2261898fa051015728e5a8aaac42dad33170d04507a33a85521abdf1cba64ecfb850458dbef0a8aea71575d060c7d"
        "b3970f85a6e1e4c7abf5ae8cdb0933d71e8c94e04a25619dcee3d2261ad2ee6bf12ffa06d98a0864d87602733ec86a64521f2b18177b200c"
        "bbe117577a615d6c770988c0bad946e208e24fa074e5ab3143db5bfce0fd108e4b82d120a93ad2caffffffffffffffff"
    )
)


def verifier_of(username, password, salt):
    secret = hashlib.sha512(salt + hashlib.sha512(username + b":" + password).digest()).digest()
    return pow(5, int.from_bytes(secret, "big"), int.from_bytes(_N, "big")).to_bytes(384, "big")


def cases():
    """(what, arguments, what the others say)"""
    dice = random.Random(25519)
    for size in (*range(0, 300), 1000, 5000):
        data = dice.randbytes(size)
        yield "sha512", [data], hashlib.sha512(data).digest()
    for _ in range(40):
        one, other = X25519PrivateKey.from_private_bytes(dice.randbytes(32)), dice.randbytes(32)
        public = X25519PrivateKey.from_private_bytes(other).public_key().public_bytes_raw()
        yield "public", [other], public
        yield "exchange", [one.private_bytes_raw(), public], one.exchange(X25519PublicKey.from_public_bytes(public))
        odd = dice.randbytes(32)  # on the curve or on its twist, perhaps with the highest bit set
        yield "exchange", [one.private_bytes_raw(), odd], one.exchange(X25519PublicKey.from_public_bytes(odd))
    for size in (*range(0, 70), 255, 256, 257, 512, 700):
        key, counter, data = dice.randbytes(32), dice.randbytes(16), dice.randbytes(size)
        yield "ctr", [key, counter, data], Cipher(AES256(key), CTR(counter)).encryptor().update(data)
        yield "gcm", [key, counter[:12], data], AESGCM(key).encrypt(counter[:12], data, None)
    for size in (*range(0, 20), 1000):
        key, message = Ed25519PrivateKey.from_private_bytes(dice.randbytes(32)), dice.randbytes(size)
        public, signature = key.public_key().public_bytes_raw(), key.sign(message)
        yield "ed25519", [public, message, signature], b"\1"
        wrong = bytearray(signature)
        wrong[dice.randrange(64)] ^= 1 << dice.randrange(8)
        yield "ed25519", [public, message, wrong], b"\0"
    for _ in range(2):
        arguments = [dice.randbytes(8), dice.randbytes(12), dice.randbytes(16)]
        yield "verifier", arguments, verifier_of(*arguments)


@pytest.mark.parametrize("width", ["64", "32"])
def test_as_others_compute(width):
    asked = list(cases())
    done = subprocess.run(
        [interpreter(width), "-X", "heapsize=16m", "-c", _SCRIPT],
        input=json.dumps([[what, *(argument.hex() for argument in arguments)] for what, arguments, _ in asked]),
        env=dict(os.environ, MICROPYPATH=f"{TOP}:.frozen"),
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert not done.returncode, done.stderr
    answers = done.stdout.split("\n")[:-1]
    assert len(answers) == len(asked)
    for (what, arguments, expected), answer in zip(asked, answers, strict=True):
        assert bytes.fromhex(answer) == expected, (what, [argument.hex() for argument in arguments])
