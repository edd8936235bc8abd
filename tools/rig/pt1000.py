"""A platinum resistor of 1000 ohm at 0 degrees Celsius (IEC 60751, Callendar-Van Dusen)."""

_A, _B, _C = 3.9083e-3, -5.775e-7, -4.183e-12


def resistance(celsius):
    """Ohms at -200..850 degrees Celsius."""
    t = celsius
    below_zero = _C * (t - 100) * t**3 if t < 0 else 0.0
    return 1000 * (1 + _A * t + _B * t * t + below_zero)
