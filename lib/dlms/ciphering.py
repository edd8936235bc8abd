"""Ciphered APDUs of security suite 0: protect what is sent, open what came (IEC 62056-5-3, 9.2.7; DLMS UA 1000-2, 9.2.7).

    tag | (title) | length | SC (1) | IC (4) | text | authentication tag (12)

SC says how, IC is the invocation counter of the sender. All in place. protect() and open() are iterators whose value is the
result: `plain = yield from keys.open(view)`, or at_once(keys.open(view)); between their steps lies about a millisecond.
"""

from micropython import const

from lib.crypto.gcm import PIECE, TAG_SIZE, Gcm
from lib.crypto.hmac import same
from lib.dlms.ber import octets, put_length
from lib.dlms.errors import CipherError, FormatError

AUTHENTICATED = const(0x10)
ENCRYPTED = const(0x20)
ROOM = const(18)  # octets that protect() needs in front of the text, and TAG_SIZE behind it
TITLE_SIZE = const(8)
_BROADCAST = const(0x40)
_HEAD = const(5)  # SC and IC
_BLOCK = const(16)
_MOST = const(0xFFFFFFFF)


class Keys:
    """One block cipher key, with the titles and counters that belong to it.

    peer_title    of the other side, 8 octets; b"" while unknown
    peer_counter  the last counter accepted from it; -1 takes any
    """

    def __init__(self, title, ek, ak, next_counter, security=AUTHENTICATED | ENCRYPTED, peer_counter=-1):
        """title: ours, 8 octets. ek, ak: 16 octets. next_counter: function() -> a counter above all used before under `ek`.

        security: how to protect; what comes with less is refused. ValueError: wrong sizes.
        """
        if len(title) != TITLE_SIZE or len(ak) != _BLOCK:
            raise ValueError("length")
        self.title = bytes(title)
        self.peer_title = b""
        self.peer_counter = peer_counter
        self.security = security
        self._ak = bytes(ak)
        self._gcm = Gcm(ek)
        self._next_counter = next_counter

    def overhead(self, prefix, most):
        """Return how many octets protect() adds to an APDU that is to have `most` octets at most."""
        return len(prefix) + len(put_length(most)) + _HEAD + (TAG_SIZE if self.security & AUTHENTICATED else 0)

    def protect(self, prefix, buffer, start, size):
        """Cipher buffer[start : start + size]; a view of the APDU is the value. prefix: its tag, and title if it has one."""
        counter = self._counter()
        security = self.security
        view = memoryview(buffer)
        end = start + size
        yield from self._absorb(security, self.title, counter, view[start:end], True)
        if security & AUTHENTICATED:
            view[end : end + TAG_SIZE] = self._gcm.tag()
            end += TAG_SIZE
        head = prefix + put_length(_HEAD + end - start) + bytes((security,)) + counter
        start -= len(head)
        view[start : start + len(head)] = head
        return view[start:end]

    def open(self, body):
        """Decipher what is behind the tag, and the title, of an APDU; a view of what was ciphered is the value.

        CipherError: wrong tag, a counter that did not grow, less protected than `security`. Nothing is deciphered then.
        """
        body, end = octets(body, 0)
        if len(body) < _HEAD:
            raise FormatError("truncated")
        security = body[0]
        if security & 0x8F:
            raise FormatError("security suite")  # or compressed
        if security & _BROADCAST or self.security & ~security:
            raise CipherError("not protected as agreed")
        counter = bytes(body[1:_HEAD])
        number = int.from_bytes(counter, "big")
        if number <= self.peer_counter:
            raise CipherError("counter used before")
        text = body[_HEAD:]
        if security & AUTHENTICATED:
            end = len(text) - TAG_SIZE
            if end < 0:
                raise FormatError("truncated")
            text, tag = text[:end], text[end:]
            yield from self._absorb(security, self.peer_title, counter, text, False)
            if not same(tag, self._gcm.tag()):
                raise CipherError("wrong tag")
        else:
            self._gcm.begin(self._iv(self.peer_title, counter))
        self.peer_counter = number
        if security & ENCRYPTED:
            for at in range(0, len(text), PIECE):
                self._gcm.decrypt(text[at : at + PIECE])
                yield
        return text

    def gmac(self, challenge):
        """Return our answer to a challenge (mechanism 5): SC, IC, tag."""
        counter = self._counter()
        return bytes((AUTHENTICATED,)) + counter + self._mac(self.title, counter, challenge)

    def is_answer(self, answer, challenge):
        """Return whether the other side's answer to our challenge is right; its freshness is that of the challenge."""
        if len(answer) != _HEAD + TAG_SIZE or answer[0] != AUTHENTICATED:
            return False
        return same(answer[_HEAD:], self._mac(self.peer_title, bytes(answer[1:_HEAD]), challenge))

    def _mac(self, title, counter, text):
        at_once(self._absorb(AUTHENTICATED, title, counter, memoryview(text), False))
        return self._gcm.tag()

    def _counter(self):
        counter = self._next_counter()
        if not 0 <= counter <= _MOST:
            raise CipherError("no counter left")
        return counter.to_bytes(4, "big")

    def _iv(self, title, counter):
        if len(title) != TITLE_SIZE:
            raise CipherError("no system title")
        return title + counter

    def _absorb(self, security, title, counter, text, seals):
        """Take a text for the tag; encrypt it if `seals`, and `security` has it so."""
        gcm = self._gcm
        gcm.begin(self._iv(title, counter))
        if security & AUTHENTICATED:
            head = bytes((security,)) + self._ak
            if not security & ENCRYPTED:  # the text is authenticated only, behind the 17 octets of the head
                head += text[: _BLOCK - 1]
                text = text[_BLOCK - 1 :]
            gcm.authenticate(head)
        for at in range(0, len(text), PIECE):
            piece = text[at : at + PIECE]
            if not security & ENCRYPTED:
                gcm.authenticate(piece)
            elif seals:
                gcm.encrypt(piece)
            else:
                gcm.check(piece)
            yield


def at_once(steps):
    """Run an iterator to its end and return its value."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
