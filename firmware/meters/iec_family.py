"""The rows of IEC 62056-21 meters as a Family of firmware/meters/family.py is: the same for all."""

from firmware.meters import iec_codes


class _Rows:
    def __init__(self, rows):
        self.rows = rows


values = _Rows(iec_codes.VALUES)
counters = _Rows(iec_codes.COUNTERS)
