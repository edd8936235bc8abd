"""Temperature of a Pt1000 from its resistance, in integers below 2**30: no float, no garbage but the result.

Source: IEC 60751:2008, 5.1 (Callendar-Van Dusen, A = 3.9083E-3, B = -5.775E-7, below 0 degC C = -4.183E-12), -200 to
850 degC. Between the nodes of the table, 10 degC apart, a parabola is laid through three of them; the result is right to
0.007 degC, of which 0.005 is the rounding to hundredths.
"""

from micropython import const

SHORT_MOHM = const(200_000)  # limits of the sensor, product manual 4.9
OPEN_MOHM = const(10_000_000)

_STEP_CDEG = const(1000)  # between two nodes, in hundredths of a degree
_LOWEST_CDEG = const(-20000)
_HIGHEST_MOHM = const(3904811)  # 850 degC

# Milliohms at -200, -190, ... 860 degC; the last is there for the parabola alone.
# fmt: off
_NODES = (
    185201, 228255, 270964, 313350, 355433, 397232, 438764, 480048, 521098, 561930,
    602558, 642996, 683254, 723345, 763278, 803063, 842707, 882217, 921599, 960859,
    1000000, 1039025, 1077935, 1116729, 1155408, 1193971, 1232419, 1270751, 1308968, 1347069,
    1385055, 1422925, 1460680, 1498319, 1535843, 1573251, 1610544, 1647721, 1684783, 1721729,
    1758560, 1795275, 1831875, 1868359, 1904728, 1940981, 1977119, 2013141, 2049048, 2084839,
    2120515, 2156075, 2191520, 2226849, 2262063, 2297161, 2332144, 2367011, 2401763, 2436399,
    2470920, 2505325, 2539615, 2573789, 2607848, 2641791, 2675619, 2709331, 2742928, 2776409,
    2809775, 2843025, 2876160, 2909179, 2942083, 2974871, 3007544, 3040101, 3072543, 3104869,
    3137080, 3169175, 3201155, 3233019, 3264768, 3296401, 3327919, 3359321, 3390608, 3421779,
    3452835, 3483775, 3514600, 3545309, 3575903, 3606381, 3636744, 3666991, 3697123, 3727139,
    3757040, 3786825, 3816495, 3846049, 3875488, 3904811, 3934019,
)
# fmt: on


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
    low, high = 0, len(_NODES) - 2
    while high - low > 1:
        middle = (low + high) >> 1
        if _NODES[middle] <= mohm:
            low = middle
        else:
            high = middle
    rise = _NODES[low + 1] - _NODES[low]
    bend = _NODES[low + 2] - _NODES[low + 1] - rise
    # The part of the step, in thousandths of a degree; both divisions round to the nearest.
    part = ((mohm - _NODES[low]) * (_STEP_CDEG * 10) + rise // 2) // rise
    cdeg = part // 10
    part += (bend * cdeg * (_STEP_CDEG - cdeg) + rise * 100) // (rise * 200)
    return _LOWEST_CDEG + low * _STEP_CDEG + (part + 5) // 10, ""
