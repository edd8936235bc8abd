"""The certificates and private keys on the device: one DER file each, under the name that a person gave it.

The files are what tls.SSLContext takes; what one holds is told from its content. Written to a file beside them that then gets
its name, so that a power cut leaves the whole entry or none.
"""

import os

from micropython import const

_MOST = const(12)
_MOST_BYTES = const(4096)
_LONGEST_NAME = const(32)  # what a setting can hold
_NEW = const(".new")  # no name of an entry starts with a dot


class Refused(Exception):
    """Nothing was kept. `field` is what to correct, "name" or "pem"; "" if the name is taken or the store is full."""

    def __init__(self, field, sentence):
        super().__init__(sentence)
        self.field = field


class Certificates:
    """An entry is (name, kind, certificate); kind: "certificate", "key", or "damaged" for a file that is neither.

    `certificate`: a lib.x509 Certificate, None for a key or a damaged file.
    """

    def __init__(self, root):
        """`root`: the folder, "" for /, in which the folder of the certificates is."""
        self._folder = root + "/certs"

    def names(self):
        """Return the names of all entries, sorted; remove what a power cut left."""
        try:
            found = os.listdir(self._folder)
        except OSError:
            return []  # nothing was ever kept
        if _NEW in found:
            try:
                os.remove(self._path(_NEW))
            except OSError:
                pass  # it harms nobody; the next one to be written takes its place
        return sorted([name for name in found if _is_name(name)])

    def entries(self):
        """Yield the entries in the order of their names; only one file's content is in memory at a time."""
        for name in self.names():
            try:
                der = self.load(name)
            except KeyError:
                continue  # deleted meanwhile
            try:
                entry = _entry(name, der)
            except ValueError:
                entry = name, "damaged", None
            del der
            yield entry

    def load(self, name):
        """Return the DER of an entry as bytes. Raises KeyError if there is none of that name."""
        if not _is_name(name):
            raise KeyError(name)
        path = self._path(name)
        try:
            size = min(os.stat(path)[6], _MOST_BYTES)  # so that read() takes no more memory than that
            with open(path, "rb") as file:
                return file.read(size)
        except OSError:
            raise KeyError(name)

    def add(self, name, text):
        """Keep the certificate or unencrypted private key in `text` (PEM) and return its entry.

        Raises Refused; OSError if the flash does not take it.
        """
        if not _is_name(name):
            raise Refused("name", "1 to 32 letters, digits and . _ - are expected, a letter or digit first")
        names = self.names()
        if name in names:
            raise Refused("", f"there is one named {name} already: delete it first")
        if len(names) >= _MOST:
            raise Refused("", f"{_MOST} are kept at most: delete one first")
        if not isinstance(text, str):
            raise Refused("pem", "a text is expected")
        from lib.x509 import pem  # noqa: PLC0415 - RAM that those do not need who only load an entry

        try:
            kind, der = pem.decode(text, _MOST_BYTES)
            entry = _entry(name, der)
            if (entry[1] == "key") != (kind == pem.KEY):
                raise ValueError("what it holds is not what its -----BEGIN line says")
        except ValueError as error:
            raise Refused("pem", str(error))
        self._write(name, der)
        return entry

    def remove(self, name):
        """Forget an entry. Raises KeyError if there is none of that name."""
        if name not in self.names():
            raise KeyError(name)
        os.remove(self._path(name))

    def _write(self, name, der):
        try:
            os.mkdir(self._folder)
        except OSError:
            pass  # it is there
        new = self._path(_NEW)
        try:
            with open(new, "wb") as file:
                file.write(der)
            os.rename(new, self._path(name))
        except OSError:
            self.names()  # removes the new file
            raise

    def _path(self, name):
        return self._folder + "/" + name


def _entry(name, der):
    """Return the entry for what a file holds or will hold. Raises ValueError for what is neither certificate nor key."""
    from lib.x509 import key  # noqa: PLC0415
    from lib.x509.certificate import Certificate  # noqa: PLC0415

    try:
        key.check(der)
    except ValueError:
        return name, "certificate", Certificate(der)
    return name, "key", None


def _is_name(name):
    """Letters, digits, "." "_" "-", the first a letter or digit: nothing that leads out of the folder."""
    if not isinstance(name, str) or not 1 <= len(name) <= _LONGEST_NAME or name[0] in "._-":
        return False
    for character in name:
        if not ("a" <= character <= "z" or "A" <= character <= "Z" or "0" <= character <= "9" or character in "._-"):
            return False
    return True
