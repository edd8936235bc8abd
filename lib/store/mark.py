"""A number that only grows, kept in the name of an empty file: there is no content that could be torn or damaged."""

import os


class Mark:
    """`value`: 0 before it was raised for the first time."""

    def __init__(self, path):
        """path: what the file's name begins with; the number follows in hexadecimal digits. Its folder must exist."""
        self._path = path
        self.value = 0
        for name in self._names():
            self.value = max(self.value, int(name, 16))

    def raise_to(self, value):
        """Keep a number that is higher, for good when this returns. OSError: it stays as it was."""
        if value <= self.value:
            return
        open(f"{self._path}{value:x}", "wb").close()
        self.value = value
        for name in list(self._names()):
            if int(name, 16) < value:
                try:
                    os.remove(self._path + name)
                except OSError:
                    pass  # the highest counts

    def _names(self):
        folder, _, begin = self._path.rpartition("/")
        for entry in os.ilistdir(folder or "/"):
            if entry[0].startswith(begin):
                yield entry[0][len(begin) :]
