"""The passwords that people chose, as salted slow hashes in one file; in RAM only while somebody logs in.

A hash takes thousands of iterations of PBKDF2-HMAC-SHA-256, so that guessing is slow; it is made in slices, so that nothing
waits for it. Who has no entry here: `admin` until the first password is changed, `reader` until there is one.
"""

import asyncio
from binascii import hexlify, unhexlify
from os import urandom

from micropython import const

from lib.crypto.hmac import same
from lib.crypto.pbkdf2 import Pbkdf2
from lib.store.document import Document

SHORTEST = const(8)  # characters of a password
LONGEST = const(64)  # bytes
_ITERATIONS = const(4096)
_SLICE = const(8)  # iterations that the loop is held for: some 2 ms on the device
_SALT_SIZE = const(16)


async def slow_key(password, salt, iterations=_ITERATIONS, blocks=1):
    """Return PBKDF2 of a password (str), letting others run meanwhile."""
    job = Pbkdf2(password.encode(), salt, iterations, blocks)
    while not job.step(_SLICE):
        await asyncio.sleep_ms(0)
    return job.key


def check_new(password, label):
    """Raise ValueError with a sentence for a password that cannot be taken; `label`: the first one of `admin`."""
    if not isinstance(password, str) or len(password) < SHORTEST:
        raise ValueError(f"at least {SHORTEST} characters are expected")
    if len(password.encode()) > LONGEST:
        raise ValueError(f"at most {LONGEST} bytes are expected")
    if password == label:
        raise ValueError("another one than on the label is expected")


class Accounts:
    """`path` of the file. Each entry: salt and hash in hexadecimal, and the iterations it was made with."""

    def __init__(self, path):
        """Raises what kept the file from being read: no memory, a flash that fails. A damaged one counts as not there."""
        self._file = Document(path)
        stored = self._file.load()
        if stored is None and self._file.failure is not None:
            raise self._file.failure
        self._is_first = stored is None
        self._entries = stored if isinstance(stored, dict) else {}
        self.trouble = self._file.trouble

    def has(self, user):
        return user in self._entries

    async def matches(self, user, password):
        """Tell whether it is the user's password; takes its time."""
        try:
            salt, iterations, expected = self._entries[user]
            return same(await slow_key(password, unhexlify(salt), iterations), unhexlify(expected))
        except (KeyError, ValueError, TypeError):  # no such user, or an entry that is damaged
            return False

    async def keep(self, user, password):
        """Give a user this password. Raises OSError if the flash does not take it."""
        salt = urandom(_SALT_SIZE)
        key = await slow_key(password, salt)
        self._save(user, [hexlify(salt).decode(), _ITERATIONS, hexlify(key).decode()])

    def remove(self, user):
        """Take a user's password away. Raises OSError as keep() does."""
        if user in self._entries:
            self._save(user, None)

    def _save(self, user, entry):
        entries = dict(self._entries)
        entries[user] = entry
        if entry is None:
            entries.pop(user)
        self._file.save(entries)
        if self._is_first:  # so that there is a previous version from the start, should the file be damaged
            self._file.save(entries)
            self._is_first = False
        self._entries = entries
