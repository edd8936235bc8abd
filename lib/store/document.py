"""A JSON object in one file that a power cut leaves old or new, never torn.

Written as a whole: `<path>.new`, then the present file becomes `<path>.old`, then the new one takes its name; each rename is
atomic in littlefs. The last line of the file is the CRC-32 of what stands before it, so that damage is noticed, and then the
previous version serves.
"""

import errno
import io
import json
import os
from binascii import crc32

from micropython import const

_CRC_LINE = const(9)  # eight hexadecimal digits and a line feed


class _Checked(io.IOBase):
    """A file to write to that keeps the CRC-32 of what passed."""

    def __init__(self, file):
        self._file = file
        self.crc = 0

    def write(self, data):
        self.crc = crc32(data, self.crc)
        return self._file.write(data)


class Document:
    """`path` and its two companions.

    `trouble` says in words what load() found wrong, "" if nothing. `failure` is the error that kept it from reading what may
    be sound: no memory, a flash that fails.
    """

    def __init__(self, path):
        self.path = path
        self.trouble = ""
        self.failure = None

    def load(self):
        """Return the object last saved, the one before if that is damaged, or None if there is neither.

        A file with a wrong checksum that still is JSON serves if there is nothing better: its reader checks each field.
        """
        self.trouble = ""
        self.failure = None
        doubtful = None
        for path in (self.path, self.path + ".old"):
            try:
                value, sound = _read(path)
            except OSError as error:
                if error.errno != errno.ENOENT:  # which is after a cut between the renames, or at the first start
                    self.failure = error
                continue
            except MemoryError as error:
                self.failure = error
                self.trouble = self.trouble or path + ": " + str(error)
                continue
            except (ValueError, UnicodeError, RuntimeError) as error:
                self.trouble = self.trouble or path + ": " + str(error)
                continue
            if sound:
                return value
            self.trouble = self.trouble or path + ": wrong checksum"
            if doubtful is None:
                doubtful = value
        return doubtful

    def save(self, value):
        """Write `value`; raises OSError when the flash is full, and the present file then stays as it was."""
        new = self.path + ".new"
        try:
            with open(new, "wb") as file:
                checked = _Checked(file)
                json.dump(value, checked)
                checked.write(b"\n")
                file.write(b"%08x\n" % checked.crc)
        except OSError:
            _remove(new)
            raise
        try:
            os.rename(self.path, self.path + ".old")
        except OSError:
            pass  # the first time there is none
        os.rename(new, self.path)

    def remove(self):
        """Forget all versions: a factory reset."""
        for end in ("", ".old", ".new"):
            _remove(self.path + end)


def _read(path):
    """Return (value, whether the checksum is right). Raises OSError, or ValueError for what is no JSON."""
    with open(path, "rb") as file:
        content = memoryview(file.read())
    end = len(content) - _CRC_LINE
    if end > 0 and content[end:] == b"%08x\n" % crc32(content[:end]):
        return json.loads(content[:end]), True  # pyright: ignore[reportArgumentType]
    try:
        return json.loads(content), False  # a person wrote it # pyright: ignore[reportArgumentType]
    except ValueError:
        return json.loads(content[: max(end, 0)]), False  # pyright: ignore[reportArgumentType]


def _remove(path):
    try:
        os.remove(path)
    except OSError:
        pass
