"""Inverses and square roots modulo 2^255 - 19, as powers: generators of some 260 multiplications, 25 in a slice."""

from micropython import const

from lib.crypto.field25519 import multiply

_SLICE = const(25)


def inverse(a, work):
    """Return a new element, a^(p - 2), which is 1 / a, or 0 for 0."""
    power = yield from _tower(a, work)
    eleventh = bytearray(a)
    _climb(eleventh, 2, a, work)  # 5 = 4 + 1
    _climb(eleventh, 1, a, work)  # 11 = 2 * 5 + 1
    _climb(power, 5, eleventh, work)  # p - 2 = 2^5 (2^250 - 1) + 11
    return power


def root_power(a, work):
    """Return a new element, a^((p - 5) / 8), of which square roots are made (RFC 8032, 5.1.3)."""
    power = yield from _tower(a, work)
    _climb(power, 2, a, work)  # (p - 5) / 8 = 2^2 (2^250 - 1) + 1
    return power


def _tower(a, work):
    """Return a^(2^250 - 1), through e(n) = a^(2^n - 1): e(n + m) is e(n)^(2^m) * e(m)."""
    power, length = bytearray(a), 1
    kept = {1: a}
    for more in (1, 2, 1, 5, 10, 20, 10, 50, 100, 50):
        other = kept.get(more) or bytearray(power)  # what is not kept is the present one: n = m
        for done in range(length, length + more):
            multiply(power, power, power, work)
            if done % _SLICE == 0:
                yield
        multiply(power, other, power, work)
        length += more
        if length == 10 or length == 50:
            kept[length] = bytearray(power)
    return power


def _climb(power, times, last, work):
    """power = power^(2^times) * last, in place."""
    for _ in range(times):
        multiply(power, power, power, work)
    multiply(power, last, power, work)
