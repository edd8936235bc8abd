"""Security 1: X25519, a proof of possession, and one AES-256-CTR stream for both directions.

The key is the shared secret XOR the SHA-256 of the proof of possession, or the bare secret when there is none. All keys are
byte strings as RFC 7748 has them (little-endian numbers), never turned round; the first counter block is 16 random bytes, a
big-endian number. Each side proves that it has the key by sending the other's public key encrypted: the client's proof takes
the stream's bytes 0 to 31, ours 32 to 63, and all requests and answers the bytes behind, in their order, whole blocks or not.

Nothing protects what is sent against change: a changed byte is a changed byte of the message.

Source: ESP-IDF v5.5.5 protocomm, security1.c and proto/sec1.proto.
"""

from hashlib import sha256

from micropython import const

from lib.crypto.aes import Ctr
from lib.crypto.hmac import same
from lib.crypto.x25519 import exchange, public_key
from lib.provision.errors import Refused
from lib.provision.protobuf import data, scalar

_KEY = const(32)


class Security1:
    """One session: begin(), prove(), then decrypt() and encrypt() by turns. Made anew for each session.

    pop: bytes, empty for none. random: gives the number of random bytes it is asked for.
    """

    def __init__(self, pop, random):
        self._pop = pop
        self._random = random
        self.stage = 0  # kept by the owner
        self._stream = None
        self._client = b""  # public keys
        self._device = b""

    def begin(self, command):
        """Take the fields of SessionCmd0, return SessionResp0 encoded; a generator, between whose yields others may run.

        Raises Refused for a key of another length, and for one that would make the secret 0.
        """
        client = bytes(data(command, 1))
        if len(client) != _KEY:
            raise Refused("key")
        secret = self._random(_KEY)
        device = yield from public_key(secret)
        try:
            key = yield from exchange(secret, client)
        except ValueError:
            raise Refused("key")
        if self._pop:
            digest = sha256(self._pop).digest()
            key = bytes([key[index] ^ digest[index] for index in range(_KEY)])
        counter = self._random(16)
        self._stream = Ctr(key, counter)
        self._client, self._device = client, device
        return scalar(2, device) + scalar(3, counter)

    def prove(self, command):
        """Take the fields of SessionCmd1, return SessionResp1 encoded, or None when the client does not have the key."""
        proof = data(command, 2)
        if len(proof) != _KEY or not same(self._stream.crypt(proof), self._device):
            return None
        return scalar(3, self._stream.crypt(self._client))

    def decrypt(self, request):
        return self._stream.crypt(request)

    def encrypt(self, answer):
        return self._stream.crypt(answer)
