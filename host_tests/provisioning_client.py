"""A phone that gives a device its Wi-Fi, by ESP-IDF's unified provisioning with security 1 and 2: a client of our own.

It is written from the protocol's description alone and shares nothing with lib/: protobuf by hand, X25519 and AES by the
package `cryptography`, SRP by Python's integers. Its messages are shaped as the phone apps' are, and it is as strict as can be:
an answer that is not canonical protobuf, of another type, or whose proof is wrong, is a ProtocolError.

    client = Client(transport, pop="abcd1234")
    client.connect()                        # reads proto-ver, agrees on keys
    networks = client.scan()
    state = client.join("HomeNet", "correcthorse")

The transport has write(endpoint, request) and read(endpoint), which returns bytes; endpoints have names, such as "prov-scan".
An error that it raises, such as an ATT error for a refused request, goes through to the caller.

Source: ESP-IDF v5.5.5, components protocomm and wifi_provisioning (messages, security 1, 2 with sec_patch_ver 1).
"""

import hashlib
import hmac
import json
import os
import time
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PAGE = 4
STATUSES = ("Success", "InvalidSecScheme", "InvalidProto", "TooManySessions", "InvalidArgument", "InternalError", "CryptoError")
STATES = ("Connected", "Connecting", "Disconnected", "ConnectionFailed")
REASONS = ("AuthError", "NetworkNotFound")

# RFC 5054, appendix A: the group of 3072 bits
GENERATOR = 5
PRIME = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B"
    "302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE6"
    "49286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D"
    "670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718"
    "3995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7D"
    "B3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C"
    "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    16,
)
SIZE = 384


class ProtocolError(Exception):
    """The device answered what it must not."""


class StatusError(Exception):
    """The device answered with a status that is not Success; args[0] is its name."""


class Transport(Protocol):
    def write(self, endpoint: str, request: bytes, /) -> None: ...

    def read(self, endpoint: str, /) -> bytes: ...


def expect(condition, what):
    if not condition:
        raise ProtocolError(what)


# Protobuf, as far as the messages need it


def varint(number):
    out = b""
    number &= (1 << 64) - 1
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number, value):
    """One field: a number or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def optional(number, value):
    return field(number, value) if value else b""


def fields_of(message, members=(), repeated=()):
    """{field: number or bytes, a list of them for one in `repeated`} of a canonical message.

    Canonical: fields in rising order, each once, none with its default value but for the `members` of a oneof.
    """
    found: dict = {number: [] for number in repeated}
    at, last = 0, 0

    def number():
        nonlocal at
        value, shift, start = 0, 0, at
        while True:
            expect(at < len(message) and shift < 70, "a number that does not end")
            byte = message[at]
            value |= (byte & 0x7F) << shift
            shift += 7
            at += 1
            if byte < 0x80:
                expect(varint(value) == message[start:at], "a number longer than it needs")
                return value

    while at < len(message):
        tag = number()
        here, kind = tag >> 3, tag & 7
        expect(kind in (0, 2), "wire type")
        value = number()
        if kind == 2:
            expect(at + value <= len(message), "a length over the end")
            value = message[at : at + value]
            at += len(value)
        expect(here >= last if here in repeated else here > last, "the order of fields")
        expect(value or here in members or here in repeated, "a default value")
        last = here
        if here in repeated:
            found[here].append(value)
        else:
            found[here] = value
    return found


def only(found, *allowed):
    expect(set(found) <= set(allowed), f"fields {sorted(found)}")
    return found


def signed(number):
    return number - (1 << 64) if number >> 63 else number


# The two securities: handshake messages, then encrypt() and decrypt() by turns


class Security1:
    """X25519, SHA-256 of the proof of possession, one AES-256-CTR stream for both directions."""

    number = 1

    def __init__(self, pop, _username, random):
        self._pop = pop.encode()
        self._private = X25519PrivateKey.from_private_bytes(random(32))
        self._public = self._private.public_key().public_bytes_raw()

    def command0(self):
        return field(1, self._public)

    def command1(self, answer):
        found = only(fields_of(answer), 2, 3)
        device = found.get(2, b"")
        expect(len(device) == 32 and len(found.get(3, b"")) == 16, "lengths of key and random")
        key = self._private.exchange(X25519PublicKey.from_public_bytes(device))
        if self._pop:
            key = bytes(a ^ b for a, b in zip(key, hashlib.sha256(self._pop).digest(), strict=True))
        self._stream = Cipher(algorithms.AES(key), modes.CTR(found[3])).encryptor()
        return field(2, self._stream.update(device))

    def finish(self, answer):
        found = only(fields_of(answer), 3)
        expect(self._stream.update(found.get(3, b"")) == self._public, "the device's proof")

    def encrypt(self, plain):
        return self._stream.update(plain)

    decrypt = encrypt


class Security2:
    """SRP-6a, then AES-256-GCM with a nonce that counts."""

    number = 2

    def __init__(self, pop, username, random):
        self._user, self._password = username.encode(), pop.encode()
        self._secret = int.from_bytes(random(32), "big")
        self._public = pow(GENERATOR, self._secret, PRIME).to_bytes(SIZE, "big")

    def command0(self):
        return field(1, self._user) + field(2, self._public)

    def command1(self, answer):
        found = only(fields_of(answer), 2, 3)
        device, salt = found.get(2, b""), found.get(3, b"")
        expect(0 < len(device) <= SIZE and device[0] and salt and salt[0], "key or salt")
        b = int.from_bytes(device, "big")
        expect(b % PRIME, "a key of no use")
        k = self._number(PRIME.to_bytes(SIZE, "big"), GENERATOR.to_bytes(SIZE, "big"))
        u = self._number(self._public, device.rjust(SIZE, b"\0"))
        x = self._number(salt, self._hash(self._user + b":" + self._password))
        shared = pow(b - k * pow(GENERATOR, x, PRIME), self._secret + u * x, PRIME)
        self._key = self._hash(self._bytes(shared))
        group = int.from_bytes(self._hash(PRIME.to_bytes(SIZE, "big")), "big") ^ self._number(GENERATOR.to_bytes(SIZE, "big"))
        self._proof = self._hash(group.to_bytes(64, "big") + self._hash(self._user) + salt + self._public + device + self._key)
        return field(1, self._proof)

    def finish(self, answer):
        found = only(fields_of(answer), 2, 3)
        expect(hmac.compare_digest(found.get(2, b""), self._hash(self._public + self._proof + self._key)), "the device's proof")
        nonce = found.get(3, b"")
        expect(len(nonce) == 12 and nonce[8:] == b"\0\0\0\1", "the nonce")
        self._session, self._counter = nonce[:8], 1
        self._cipher = AESGCM(self._key[:32])

    def encrypt(self, plain):
        return self._cipher.encrypt(self._nonce(), plain, None)

    def decrypt(self, sealed):
        try:
            return self._cipher.decrypt(self._nonce(), sealed, None)
        except InvalidTag:
            raise ProtocolError("the answer's tag")

    def _nonce(self):
        nonce = self._session + self._counter.to_bytes(4, "big")
        self._counter += 1
        return nonce

    @staticmethod
    def _hash(message):
        return hashlib.sha512(message).digest()

    def _number(self, *parts):
        return int.from_bytes(self._hash(b"".join(parts)), "big")

    @staticmethod
    def _bytes(number):
        return number.to_bytes((number.bit_length() + 7) // 8, "big")


class Client:
    """One phone. Give `random` (a function of a count) to make it do the same each time."""

    def __init__(self, transport: Transport, pop="", username="wifiprov", random=os.urandom):
        self._transport = transport
        self._pop, self._username, self._random = pop, username, random
        self.session = None  # Security1 or Security2 once keys are agreed on
        self.version = {}  # what proto-ver told

    def connect(self):
        """Read proto-ver, and agree on keys as it says."""
        self.read_version()
        self.handshake()

    def read_version(self):
        text = self._ask("proto-ver", b"ESP")
        self.version = json.loads(text)["prov"]
        expect(isinstance(self.version["ver"], str) and self.version["sec_ver"] in (0, 1, 2), "proto-ver")
        expect("cap" in self.version and not {"thread_prov", "thread_scan"} & set(self.version["cap"]), "capabilities")
        expect(self.version["sec_ver"] != 2 or self.version.get("sec_patch_ver") == 1, "nonces that do not count")
        return self.version

    def handshake(self):
        """Command 0 and 1. What was agreed on before is forgotten."""
        self.session = None
        scheme = {1: Security1, 2: Security2}[self.version["sec_ver"]]
        session = scheme("" if "no_pop" in self.version["cap"] else self._pop, self._username, self._random)
        answer = self._agree(session.number, 0, session.command0())
        session.finish(self._agree(session.number, 2, session.command1(answer)))
        self.session = session

    def _agree(self, security, command, content):
        """One exchange of prov-session: the content of its answer."""
        payload = optional(1, command) + field(20 + command, content)
        answer = self._ask("prov-session", field(2, security) + field(10 + security, payload))
        outer = only(fields_of(answer), 2, 10 + security)
        expect(outer.get(2) == security and 10 + security in outer, "another security")
        inner = only(fields_of(outer[10 + security], members=(21 + command,)), 1, 21 + command)
        expect(inner.get(1) == command + 1 and 21 + command in inner, "another answer")
        return inner[21 + command]

    def scan(self, passive=False):
        """[{ssid, channel, rssi, bssid, auth}] as the device orders them; ssid and bssid are bytes."""
        start = field(1, 1) + optional(2, int(passive)) + field(4, 120)
        self._scan(field(10, start), 1, 11)
        told = only(fields_of(self._scan(field(1, 2) + field(12, b""), 3, 13)), 1, 2)
        expect(told.get(1) == 1, "a scan that is not finished")
        count = told.get(2, 0)
        found = []
        for first in range(0, count, PAGE):
            asked = min(PAGE, count - first)
            page = self._scan(field(1, 4) + field(14, optional(1, first) + optional(2, asked)), 5, 15)
            entries = only(fields_of(page, repeated=(1,)), 1)[1]
            expect(len(entries) == asked, "entries of a page")
            for entry in entries:
                parts = only(fields_of(entry), 1, 2, 3, 4, 5)
                expect(len(parts.get(4, b"")) == 6 and parts.get(5, 0) <= 7 and 0 < len(parts.get(1, b"")) <= 32, "an entry")
                found.append(
                    {
                        "ssid": parts[1],
                        "channel": parts.get(2, 0),
                        "rssi": signed(parts.get(3, 0)),
                        "bssid": parts[4],
                        "auth": parts.get(5, 0),
                    }
                )
        return found

    def _scan(self, request, kind, member):
        return self._with_status("prov-scan", request, kind, member)

    def set_config(self, ssid, passphrase="", bssid=b"", channel=0):
        content = optional(1, _bytes(ssid)) + optional(2, _bytes(passphrase)) + optional(3, bssid) + optional(4, channel)
        self._config(field(1, 2) + field(12, content), 3, 13)

    def apply(self):
        self._config(field(1, 4) + field(14, b""), 5, 15)

    def _config(self, request, kind, member):
        inner = only(fields_of(self._message("prov-config", request, kind, member)[member]), 1)
        self._check(inner.get(1, 0))

    def status(self):
        """{state}, with the parts of what it says besides: {reason}, {attempts} or {address, auth, ssid, bssid, channel}."""
        answer = self._message("prov-config", field(10, b""), 1, 11)[11]
        found = only(fields_of(answer, members=(10, 11, 12)), 1, 2, 10, 11, 12)
        self._check(found.get(1, 0))
        expect(len(found.keys() & {10, 11, 12}) <= 1, "one state")
        told = {"state": STATES[found.get(2, 0)]}
        expect((11 in found) == (told["state"] == "Connected"), "what is connected")
        expect((10 in found) == (told["state"] == "ConnectionFailed"), "a reason")
        if 10 in found:
            told["reason"] = REASONS[found[10]]
        if 11 in found:
            parts = only(fields_of(found[11]), 1, 2, 3, 4, 5)
            told["address"] = parts.get(1, b"").decode()
            told["auth"], told["channel"] = parts.get(2, 0), parts.get(5, 0)
            told["ssid"], told["bssid"] = parts.get(3, b""), parts.get(4, b"")
        if 12 in found:
            told["attempts"] = only(fields_of(found[12]), 1).get(1, 0)
        return told

    def join(self, ssid, passphrase="", poll_s=5.0, timeout_s=120.0, sleep=time.sleep):
        """Set, apply, then ask every poll_s seconds while it is connecting; returns the last status()."""
        self.set_config(ssid, passphrase)
        self.apply()
        for _ in range(int(timeout_s / poll_s) + 1):
            sleep(poll_s)
            told = self.status()
            if told["state"] != "Connecting":
                return told
        raise TimeoutError(f"still connecting after {timeout_s} s")

    def reset(self):
        """After a failed attempt; StatusError at another time."""
        self._with_status("prov-ctrl", field(1, 1) + field(11, b""), 2, 12)

    def reprovision(self):
        self._with_status("prov-ctrl", field(1, 3) + field(13, b""), 4, 14)

    def _with_status(self, endpoint, request, kind, member):
        """The content of an answer that has its status outside."""
        found = self._message(endpoint, request, kind, member, 2)
        self._check(found.get(2, 0))
        return found[member]

    def _message(self, endpoint, request, kind, member, *also):
        found = only(fields_of(self.ask(endpoint, request), members=(member,)), 1, member, *also)
        expect(found.get(1) == kind and member in found, "another answer")
        return found

    def ask(self, endpoint, plain):
        """Any message, encrypted both ways."""
        expect(self.session is not None, "no session")
        return self.session.decrypt(self._ask(endpoint, self.session.encrypt(plain)))

    def _ask(self, endpoint, request):
        self._transport.write(endpoint, request)
        answer = self._transport.read(endpoint)
        expect(0 < len(answer) <= 512, "the length of an answer")
        return answer

    @staticmethod
    def _check(status):
        if status:
            raise StatusError(STATUSES[status])


def _bytes(text):
    return text.encode() if isinstance(text, str) else text
