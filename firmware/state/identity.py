"""Who this gateway is: its serial number, for ever, and its own secret.

The serial number comes from the MAC address: "SG" and six digits. The secret (proof of possession, the PIN on the label; also
the first web password) is drawn at the first start and kept in a file of its own, which no factory reset removes.
"""

from os import urandom

from micropython import const

_ALPHABET = const("23456789ABCDEFGHJKLMNPQRSTUVWXYZ")  # 32 signs that nobody mistakes for each other
_SECRET_SIZE = const(10)  # 50 bits


class Identity:
    """`pop` is the secret: never log or serve it. `serial` has 8 characters. `is_new`: made at this start."""

    def __init__(self, mac):
        self.serial = "SG%06d" % ((mac[3] << 16 | mac[4] << 8 | mac[5]) % 1000000)
        self.mac = mac
        self.pop = ""
        self.is_new = False

    def load(self, document):
        """Read the secret from a Document, or draw one if there is none; raises OSError if it cannot be kept."""
        stored = document.load()
        if isinstance(stored, dict) and isinstance(stored.get("pop"), str) and len(stored["pop"]) >= 8:
            self.pop = stored["pop"]
            return
        self.pop = "".join([_ALPHABET[byte & 31] for byte in urandom(_SECRET_SIZE)])
        for _ in range(2):  # so that there is a previous version from the start, should the file be damaged
            document.save({"pop": self.pop})
        self.is_new = True
