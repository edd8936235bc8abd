"""The signed header of an upgrade image: what it says of the image, and whether a device may take it.

Offsets and byte order: docs/upgrade.md. The same 256 bytes stand at the start of an image, in `latest.json` and in a slot.
"""

from struct import unpack_from

from micropython import const

from lib.crypto.ed25519 import Verifier

SIZE = const(256)  # bytes of a header
HASH = const(32)  # bytes of a SHA-256
CHUNK = const(4096)  # bytes of payload that a hash stands for, and of a flash block
TAIL = const(4 * 4096)  # bytes at the end of a slot for header and list

_MAGIC = const(b"OpenSG\r\n")  # a transfer that changes line ends changes it
_VERSION = const(1)
_LAYOUT = const("<BBHII16s16s16s32s32s")
_SIGNED = const(192)  # bytes in front of the signature


class Refused(Exception):
    """This device does not take the image. `cause` is a word for programs, str() a sentence for people.

    Causes: "not an image", "format", "board", "counter", "version", "size", "key", "signature" (the header); "list", "chunk",
    "total" (damaged on the way or in flash), "short", "long" (the file ends too early, or does not end).
    """

    def __init__(self, cause, sentence):
        super().__init__(sentence)
        self.cause = cause


class Device:
    """What decides whether an image is for this device.

    board: as in the image. version: of the firmware that runs. counter: the lowest security counter that it takes.
    keys: {key id: public key of 32 bytes} of those who may sign. room: bytes for a payload in a slot of slot_size bytes.
    """

    def __init__(self, board, version, counter, keys, slot_size):
        self.board, self.version, self.counter, self.keys = board, version, counter, keys
        self.tail = slot_size - TAIL  # where in the slot header and list begin
        self.room = min(self.tail, (TAIL - SIZE) // HASH * CHUNK)


class Header:
    """What a header says; nothing of it is to be trusted before check() has ended.

    board, version, minimum (the lowest version that may be replaced by this one): text. counter. size: bytes of the payload;
    list_end: of header and list of hashes; file_size: of the whole file. list_hash, total: SHA-256 of the list, of the payload.
    """

    def __init__(self, raw):
        """raw: any buffer of 256 bytes or more; kept until check() has ended. Raises Refused."""
        check_magic(raw, len(_MAGIC))
        self._raw = memoryview(raw)[:SIZE]
        layout, self._key, chunk, self.counter, self.size, board, version, minimum, self.list_hash, self.total = unpack_from(
            _LAYOUT, raw, len(_MAGIC)
        )
        if layout != _VERSION or chunk != CHUNK:
            raise Refused("format", "the image has a form that this version does not know")
        self.board, self.version, self.minimum = _text(board), _text(version), _text(minimum)
        self.list_end = SIZE + HASH * ((self.size + CHUNK - 1) // CHUNK)
        self.file_size = self.list_end + self.size

    def check(self, device):
        """Refuse what is not for this device or not signed by a key of it; a generator, a slice is 4 bits of Ed25519.

        Raises Refused. What is wrong is found before the signature is looked at, which takes the longest.
        """
        if self.board != device.board:
            raise Refused("board", f"the image is for {self.board}, this is {device.board}")
        if self.counter < device.counter:
            raise Refused("counter", f"the image's security counter is {self.counter}, here it is {device.counter} already")
        if numbers(device.version) < numbers(self.minimum):
            raise Refused(
                "version", f"version {device.version} has to become {self.minimum} before it can become {self.version}"
            )
        if not 0 < self.size <= device.room:
            raise Refused("size", f"the image has {self.size} bytes, there is room for {device.room}")
        public = device.keys.get(self._key)
        if public is None:
            raise Refused("key", f"the image is signed with key {self._key}, which is not trusted here")
        verifier = Verifier(public, bytes(self._raw[_SIGNED:]))
        verifier.update(self._raw[:_SIGNED])
        yield
        if not (yield from verifier.result()):
            raise Refused("signature", "the image's signature is not valid")
        self._raw = None


def check_magic(data, count):
    """Refuse data whose first `count` bytes, of which there may be fewer than a magic has, begin no image."""
    count = min(count, len(_MAGIC))
    if data[:count] != _MAGIC[:count]:
        raise Refused("not an image", "this is no upgrade image")


def numbers(version):
    """Return a version of one to three numbers, "1.2", as a tuple of three to compare. Raises Refused."""
    try:
        return tuple([int(number) for number in (version + ".0.0").split(".")[:3]])
    except ValueError:
        raise Refused("format", f"{version} is no version")


def _text(field):
    return "".join([chr(byte) if 32 < byte < 127 else "?" for byte in field.rstrip(b"\0")])
