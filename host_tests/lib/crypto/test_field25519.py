"""The field against Python's integers, at its bounds and between them, on every instruction set."""

import micropython

from host_tests.lib.crypto.crypto_vectors import counted, numbers
from lib.crypto.field25519 import WORK_SIZE, P, add, element, multiply, scale, subtract, swap, to_bytes, to_int
from lib.crypto.powers25519 import inverse, root_power

ALSO_ON = ("arm",)

EDGES = (0, 1, 2, 18, 19, 607, 608, 8191, P - 1, P, P + 1, 2 * P - 1, 2 * P, (1 << 255) - 1, 1 << 255, (1 << 260) - 1)


def full(limb):
    """An element of 20 equal limbs: the bound of what the functions take is 8799."""
    new = element()
    for index in range(9, 29):
        new[2 * index], new[2 * index + 1] = limb & 0xFF, limb >> 8
    return new


def elements():
    return [element(value) for value in EDGES] + [full(8799), full(8191)] + [element(n) for n in numbers(12, 1 << 260)]


def is_sound(a):
    """Limbs below 8800, and nothing in what lies beside them."""
    limbs = [a[2 * index] | a[2 * index + 1] << 8 for index in range(38)]
    return max(limbs) < 8800 and not any(limbs[:9]) and not any(limbs[29:])


def test_numbers_go_in_and_come_out():
    for value in EDGES:
        assert to_int(element(value)) == value % P
        assert to_bytes(element(value)) == (value % P).to_bytes(32, "little")
    assert to_int(full(8799)) == sum([8799 << 13 * index for index in range(20)]) % P


def test_two_operands():
    work, out = bytearray(WORK_SIZE), element()
    for a in elements():
        one = to_int(a)
        for b in elements():
            two = to_int(b)
            for function, expected, room in (
                (multiply, one * two, (work,)),
                (add, one + two, ()),
                (subtract, one - two, ()),
            ):
                function(a, b, out, *room)
                assert to_int(out) == expected % P and is_sound(out), (one, two)


def test_results_may_replace_operands():
    work = bytearray(WORK_SIZE)
    for value in numbers(5, 1 << 260):
        for function, expected, room in ((multiply, value * value, (work,)), (add, 2 * value, ()), (subtract, 0, ())):
            a = element(value)
            function(a, a, a, *room)
            assert to_int(a) == expected % P


def test_scale():
    out = element()
    for a in elements():
        for factor in (0, 1, 2, 121665, (1 << 17) - 1):
            scale(a, factor, out)
            assert to_int(out) == to_int(a) * factor % P and is_sound(out), factor


def test_swap():
    a, b = element(P - 5), element(7)
    swap(a, b, 0)
    assert (a, b) == (element(P - 5), element(7))
    swap(a, b, 1)
    assert (a, b) == (element(7), element(P - 5))


def test_powers():
    work = bytearray(WORK_SIZE)
    for value in (0, 1, P - 1, 1234567890123456789 << 190):
        for function, exponent in ((inverse, P - 2), (root_power, (P - 5) // 8)):
            a = element(value)
            power, slices = counted(function(a, work))
            assert to_int(power) == pow(value % P, exponent, P), value
            assert a == element(value) and slices > 4


def test_allocates_nothing():
    a, b, work = element(P - 5), element(7), bytearray(WORK_SIZE)
    micropython.heap_lock()
    try:
        multiply(a, b, a, work)
        add(a, b, a)
        subtract(a, b, a)
        scale(a, 121665, a)
        swap(a, b, 1)
    finally:
        micropython.heap_unlock()
