"""Security 2: SRP-6a with a stored salt and verifier, then AES-256-GCM with a counting nonce (sec_patch_ver 1).

The key is the first half of SRP's. A message is ciphertext and a tag of 16 bytes, with no additional data. The nonce is eight
random bytes and a big-endian counter of 32 bits that starts at 1 and is common to both directions: it goes up with each
message that was good. After one that was not, the client's has gone up alone, and it has to start a session anew.

Numbers of SRP are big-endian. The salt must not begin with a zero byte: Android drops that, iOS does not.

Source: ESP-IDF v5.5.5 protocomm, security2.c and proto/sec2.proto; RFC 5054, group of 3072 bits, with SHA-512.
"""

from micropython import const

from lib.crypto.aes import open_sealed, seal
from lib.crypto.srp import Server
from lib.provision.errors import Refused
from lib.provision.protobuf import data, scalar

_KEY = const(32)


class Security2:
    """One session: begin(), prove(), then decrypt() and encrypt() by turns. Made anew for each session.

    secret: (salt, verifier), both bytes. random: gives the number of random bytes it is asked for.
    """

    def __init__(self, secret, random):
        self._salt, verifier = secret
        self._random = random
        self.stage = 0  # kept by the owner
        self._server = Server(self._salt, verifier)
        self._key = b""
        self._session = b""  # the nonce's random half
        self._counter = 1

    def begin(self, command):
        """Take the fields of S2SessionCmd0, return S2SessionResp0 encoded; a generator, between whose yields others may run.

        Raises Refused for no user name, and for a public key of another length than 384 bytes or of no use.
        """
        username = bytes(data(command, 1))
        client = bytes(data(command, 2))
        try:
            device = yield from self._server.begin(username, client, self._random(32))
            if self._server.is_ambiguous():  # Android would fail: it takes key and proof for numbers, and drops leading zeros
                device = yield from self._server.begin(username, client, self._random(32))
        except ValueError:
            raise Refused("user name or key")
        return scalar(2, device) + scalar(3, self._salt)

    def prove(self, command):
        """Take the fields of S2SessionCmd1, return S2SessionResp1 encoded, or None when the client has not the password."""
        device = self._server.prove(data(command, 1))
        if device is None:
            return None
        self._key = self._server.key[:_KEY]
        self._server = None
        self._session = self._random(8)
        return scalar(2, device) + scalar(3, self._nonce())

    def decrypt(self, request):
        """Raises Refused for a tag that does not fit; the counter stays, as after any that failed."""
        try:
            plain = open_sealed(self._key, self._nonce(), request)
        except ValueError:
            raise Refused("tag")
        self._counter += 1
        return plain

    def encrypt(self, answer):
        sealed = seal(self._key, self._nonce(), answer)
        self._counter += 1
        return sealed

    def _nonce(self):
        if self._counter > 0xFFFFFFFF:
            raise Refused("counter")
        return self._session + self._counter.to_bytes(4, "big")
