"""The Pt1000 between an ADC pin and ground, with a resistor from the pin to the supply."""

from machine import ADC, Pin
from micropython import const

_READS = const(16)


class Pt1000Adc:
    """`gpio` of the first converter (32 to 39); `pull_up_ohm` and `supply_mv` of the divider."""

    def __init__(self, gpio, pull_up_ohm, supply_mv):
        self._adc = ADC(Pin(gpio), atten=ADC.ATTN_11DB)
        self._pull_up_mohm = pull_up_ohm * 1000
        self._supply_uv = supply_mv * 1000

    def read(self):
        """Return the resistance in milliohm, None for an open circuit; takes about 2 ms.

        U = Us * R / (R + Rp), so R = Rp * U / (Us - U). Each reading is in microvolts, corrected by the chip's calibration.
        """
        total_uv = 0
        for _ in range(_READS):
            total_uv += self._adc.read_uv()
        missing_uv = _READS * self._supply_uv - total_uv
        if missing_uv <= 0:
            return None
        return self._pull_up_mohm * total_uv // missing_uv
