"""Temperature of a Pt1000 from its resistance, in integers below 2**30: no float, no garbage but the result.

Source: IEC 60751:2008, 5.1 (Callendar-Van Dusen, A = 3.9083E-3, B = -5.775E-7, below 0 degC C = -4.183E-12), -200 to
850 degC. Between nodes 10 degC apart a parabola is laid through three of them; the result is right to 0.007 degC, of
which 0.005 is the rounding to hundredths.
"""

from micropython import const

SHORT_MOHM = const(200_000)  # limits of the sensor, product manual 4.9
OPEN_MOHM = const(10_000_000)

_STEP_CDEG = const(1000)  # between two nodes, in hundredths of a degree
_LOWEST = const(-20)  # node: -200 degC
_HIGHEST = const(85)
_HIGHEST_MOHM = const(3904811)  # 850 degC


def _mohm(node):
    """The resistance at 10 * node degrees, in milliohms."""
    mohm = 1000000 + 39083 * node - (231 * node * node + 2) // 4
    return mohm if node >= 0 else mohm - (4183 * (node - 10) * node * node * node + 50000) // 100000


def temperature(measured_mohm, lead_mohm=0):
    """Return (hundredths of a degree Celsius, "") or (None, fault).

    `measured_mohm` is what the two wires show, None if the input is beyond its scale; `lead_mohm` is the resistance of
    both leads together. Faults: "open" (above 10 kohm or None), "short" (below 200 ohm), "range" (above 850 degC).
    """
    if measured_mohm is None or measured_mohm - lead_mohm > OPEN_MOHM:
        return None, "open"
    mohm = measured_mohm - lead_mohm
    if mohm < SHORT_MOHM:
        return None, "short"
    if mohm > _HIGHEST_MOHM:
        return None, "range"
    low, high = _LOWEST, _HIGHEST
    while high - low > 1:
        middle = (low + high) >> 1
        if _mohm(middle) <= mohm:
            low = middle
        else:
            high = middle
    start = _mohm(low)
    rise = _mohm(low + 1) - start
    bend = _mohm(low + 2) - start - 2 * rise
    # The part of the step, in thousandths of a degree; both divisions round to the nearest.
    part = ((mohm - start) * (_STEP_CDEG * 10) + rise // 2) // rise
    cdeg = part // 10
    part += (bend * cdeg * (_STEP_CDEG - cdeg) + rise * 100) // (rise * 200)
    return low * _STEP_CDEG + (part + 5) // 10, ""
