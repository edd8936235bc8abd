"""The pulse total, and when it is worth a write to flash: no I/O, no clock."""

import struct
from binascii import crc32

from micropython import const

RECORD_SIZE = const(20)
INTERVAL_S = const(600)

_MAGIC = const(b"PC01")
_LAYOUT = const("<4sIQ")  # magic, number of resets, total; then CRC-32 of these as <I


class PulseCounter:
    """A total that only a reset takes back, written at most once per `interval_s` and at an orderly shutdown.

    Wear: with the default of 10 minutes at most 52,560 writes of 20 bytes a year, none while no pulse comes; littlefs fits
    dozens of such commits between two erases of a block.
    Loss: a power cut takes the pulses since the last write, so at most those of `interval_s` (default: 600 at one a second,
    10,000 at the 60 ms an S0 output needs for one; nothing when the input is at rest for 10 minutes before). A restart
    without loss of power takes none if record() is also kept, with each pulse, in memory that survives it (RTC memory).
    """

    def __init__(self, stored=(), mirror=None, interval_s=INTERVAL_S):
        """Go on from the newest good record among those found in flash (`stored`) and in the memory that survives a
        restart (`mirror`), all bytes or None; broken ones are passed over.

        A later reset beats a larger total; of the same count of resets the largest total is the newest.
        """
        self._interval_s = interval_s
        self._written = (0, 0)  # resets and total as they are in flash
        for record in stored:
            self._written = max(self._written, _read(record))
        self._resets, self.total = max(self._written, _read(mirror))
        self._written_s = 0  # uptime of the last write

    def add(self, pulses):
        """Count pulses (0 or more)."""
        self.total += pulses

    def reset(self):
        """Start from zero again; record() is to be written at once, or a power cut brings the old total back."""
        self._resets += 1
        self.total = 0

    def is_unwritten(self):
        """Tell whether flash lacks something: write record() before a shutdown."""
        return self._written != (self._resets, self.total)

    def is_due(self, uptime_s):
        """Tell whether to write record() now: flash lacks something, and the last write is interval_s ago."""
        return uptime_s - self._written_s >= self._interval_s and self.is_unwritten()

    def record(self):
        """Return the RECORD_SIZE bytes to keep."""
        body = struct.pack(_LAYOUT, _MAGIC, self._resets, self.total)
        return body + struct.pack("<I", crc32(body))

    def written(self, record, uptime_s):
        """Be told that this record is in flash; pulses that came while it was written stay unwritten."""
        self._written = _read(record)
        self._written_s = uptime_s


def _read(record):
    """Return (resets, total) of a record, (0, 0) for one that is broken."""
    if record and len(record) == RECORD_SIZE:
        body = bytes(record[:16])
        if struct.unpack_from("<I", record, 16)[0] == crc32(body):
            magic, resets, total = struct.unpack(_LAYOUT, body)
            if magic == _MAGIC:
                return resets, total
    return 0, 0
