"""SRP-6a, the device's side, with the group of 3072 bits (RFC 5054, appendix A), g = 5 and SHA-512, as ESP-IDF's provisioning
uses it. Numbers are bytes, big-endian; they are hashed without leading zeros where it is not said otherwise.

The functions are generators: they yield None after each multiplication modulo N or hash, and return their result. On the
ESP32 a slice is estimated at eleven milliseconds, begin() at thirteen seconds. A slice leaves 1.5 KB of garbage; 4 KB are
in use.

Integers of Python take a time that depends a little on their size, and cannot be wiped: they are dropped when they have served.
The number of multiplications does not depend on secrets.
"""

from micropython import const

from lib.crypto.hmac import same
from lib.crypto.sha512 import sha512

NUMBER_SIZE = 384  # bytes of a padded number
PROOF_SIZE = 64
_G = const(5)
_N = (
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xc9\x0f\xda\xa2\x21\x68\xc2\x34\xc4\xc6\x62\x8b\x80\xdc\x1c\xd1\x29\x02\x4e\x08"
    b"\x8a\x67\xcc\x74\x02\x0b\xbe\xa6\x3b\x13\x9b\x22\x51\x4a\x08\x79\x8e\x34\x04\xdd\xef\x95\x19\xb3\xcd\x3a\x43\x1b"
    b"\x30\x2b\x0a\x6d\xf2\x5f\x14\x37\x4f\xe1\x35\x6d\x6d\x51\xc2\x45\xe4\x85\xb5\x76\x62\x5e\x7e\xc6\xf4\x4c\x42\xe9"
    b"\xa6\x37\xed\x6b\x0b\xff\x5c\xb6\xf4\x06\xb7\xed\xee\x38\x6b\xfb\x5a\x89\x9f\xa5\xae\x9f\x24\x11\x7c\x4b\x1f\xe6"
    b"\x49\x28\x66\x51\xec\xe4\x5b\x3d\xc2\x00\x7c\xb8\xa1\x63\xbf\x05\x98\xda\x48\x36\x1c\x55\xd3\x9a\x69\x16\x3f\xa8"
    b"\xfd\x24\xcf\x5f\x83\x65\x5d\x23\xdc\xa3\xad\x96\x1c\x62\xf3\x56\x20\x85\x52\xbb\x9e\xd5\x29\x07\x70\x96\x96\x6d"
    b"\x67\x0c\x35\x4e\x4a\xbc\x98\x04\xf1\x74\x6c\x08\xca\x18\x21\x7c\x32\x90\x5e\x46\x2e\x36\xce\x3b\xe3\x9e\x77\x2c"
    b"\x18\x0e\x86\x03\x9b\x27\x83\xa2\xec\x07\xa2\x8f\xb5\xc5\x5d\xf0\x6f\x4c\x52\xc9\xde\x2b\xcb\xf6\x95\x58\x17\x18"
    b"\x39\x95\x49\x7c\xea\x95\x6a\xe5\x15\xd2\x26\x18\x98\xfa\x05\x10\x15\x72\x8e\x5a\x8a\xaa\xc4\x2d\xad\x33\x17\x0d"
    b"\x04\x50\x7a\x33\xa8\x55\x21\xab\xdf\x1c\xba\x64\xec\xfb\x85\x04\x58\xdb\xef\x0a\x8a\xea\x71\x57\x5d\x06\x0c\x7d"
    b"\xb3\x97\x0f\x85\xa6\xe1\xe4\xc7\xab\xf5\xae\x8c\xdb\x09\x33\xd7\x1e\x8c\x94\xe0\x4a\x25\x61\x9d\xce\xe3\xd2\x26"
    b"\x1a\xd2\xee\x6b\xf1\x2f\xfa\x06\xd9\x8a\x08\x64\xd8\x76\x02\x73\x3e\xc8\x6a\x64\x52\x1f\x2b\x18\x17\x7b\x20\x0c"
    b"\xbb\xe1\x17\x57\x7a\x61\x5d\x6c\x77\x09\x88\xc0\xba\xd9\x46\xe2\x08\xe2\x4f\xa0\x74\xe5\xab\x31\x43\xdb\x5b\xfc"
    b"\xe0\xfd\x10\x8e\x4b\x82\xd1\x20\xa9\x3a\xd2\xca\xff\xff\xff\xff\xff\xff\xff\xff"
)
# SHA512(N | PAD(g))
_K = (
    b"\xa9\xc2\xe2\x55\x9b\xf0\xeb\xb5\x3f\x0c\xbb\xf6\x22\x82\x90\x6b\xed\xe7\xf2\x18\x2f\x00\x67\x82\x11\xfb\xd5\xbd"
    b"\xe5\xb2\x85\x03\x3a\x49\x93\x50\x3b\x87\x39\x7f\x9b\xe5\xec\x02\x08\x0f\xed\xbc\x08\x35\x58\x7a\xd0\x39\x06\x08"
    b"\x79\xb8\x62\x1e\x8c\x36\x59\xe0"
)
# SHA512(N) xor SHA512(PAD(g))
_GROUP = (
    b"\xda\xd7\x6e\xd5\x36\x5e\xd7\xbf\x6b\xbc\x1b\xfa\x05\x09\x81\x45\x83\x92\xbb\xd3\x5a\x50\x33\x5d\x03\xdb\x3c\x75"
    b"\x35\xb2\x61\xd1\xc9\x02\xf2\xff\xb8\x64\x71\x25\xbd\x28\xce\x96\x6c\x06\x6d\x5b\xe9\xb9\x39\x21\x6c\x60\x78\xb6"
    b"\x58\x89\x29\x9c\x61\x62\x46\x94"
)


def verifier(username, password, salt):
    """Return what a device keeps instead of a password, 384 bytes; a generator. All three are bytes.

    The salt should have 16 random bytes, the first not 0: some clients strip that.
    """
    secret = sha512(salt, sha512(username, b":", password))
    modulus = _number(_N)
    return (yield from _power(_G, secret, modulus)).to_bytes(NUMBER_SIZE, "big")


class Server:
    """One handshake: begin(), then prove(), then `key` is there."""

    def __init__(self, salt, verifier):
        self.key = None  # 64 bytes, the session's secret, when the client has proved that it knows the password
        self._salt, self._verifier = salt, verifier
        self._expected = self._answer = self._secret = b""

    def begin(self, username, client_public, secret):
        """Return our public number B, without leading zeros; a generator.

        username: bytes, as the client sent it. client_public: A, 384 bytes. secret: 32 random bytes, never used again.
        ValueError: a length is wrong, or A is a multiple of N, with which a client needs no password.
        """
        modulus = _number(_N)
        public = _number(client_public)
        if not username or len(client_public) != NUMBER_SIZE or len(secret) != 32 or public % modulus == 0:
            raise ValueError("public")
        base = _number(self._verifier)
        own = yield from _power(_G, secret, modulus)
        own = (own + _number(_K) * base) % modulus
        yield
        factor = sha512(client_public, own.to_bytes(NUMBER_SIZE, "big"))
        if not _number(factor):
            raise ValueError("public")
        yield
        base = yield from _power(base, factor, modulus)
        base = base * public % modulus
        yield
        shared = yield from _power(base, secret, modulus)
        own = _bytes(own)
        self._secret = sha512(_bytes(shared))
        yield
        self._expected = sha512(_GROUP, sha512(username), self._salt, client_public, own, self._secret)
        yield
        self._answer = sha512(client_public, self._expected, self._secret)
        return own

    def is_ambiguous(self):
        """True if the key or the client's proof begins with 0, which some clients strip: begin again with another secret."""
        return not self._expected or self._secret[0] == 0 or self._expected[0] == 0

    def prove(self, client_proof):
        """Return the device's proof, 64 bytes, or None for a wrong one. There is one try for each begin()."""
        right = len(client_proof) == PROOF_SIZE and same(client_proof, self._expected)
        answer = self._answer if right else None
        self.key = self._secret if right else None
        self._expected = self._answer = self._secret = b""
        return answer


def _power(base, exponent, modulus):
    """Return base^exponent; a generator. exponent: bytes, taken two bits at a time: more would be faster, but not by much."""
    # Nothing is left out for two bits of 0: 1 stands there with the size of the other powers.
    powers = [1 if base == _G else modulus + 1, base]
    while len(powers) < 4:
        # By way of bytes: a remainder keeps the memory of what was divided, which is twice as much.
        powers.append(_number((powers[-1] * base % modulus).to_bytes(NUMBER_SIZE, "big")))
        yield
    result = 1
    for index in range(4 * len(exponent)):
        if index:
            for _ in range(2):
                result = result * result % modulus
                yield
        result = result * powers[exponent[index >> 2] >> (6 - 2 * (index & 3)) & 3] % modulus
        yield
    return result


def _number(data):
    return int.from_bytes(data, "big")


def _bytes(number):
    return number.to_bytes(NUMBER_SIZE, "big").lstrip(b"\0")
