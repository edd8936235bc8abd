"""Verifies signatures of Ed25519 (RFC 8032, 5.1.7), without the cofactor: the R of a signature must match to the bit.

Nothing here is secret, so branches on values are free. Points are four elements of the field, (X, Y, Z, T) as in 5.1.4.
"""

from lib.crypto.field25519 import WORK_SIZE, P, add, element, multiply, subtract, to_bytes, to_int
from lib.crypto.powers25519 import inverse, root_power
from lib.crypto.sha512 import Sha512

KEY_SIZE = 32
SIGNATURE_SIZE = 64
_L = (1 << 252) + 27742317777372353535851937790883648493  # the order of the base point
_D = 37095705934669439343138083508754565189542113879843219016388785533085940283555  # -121665 / 121666
_ROOT = 19681161376707505956807079304988542015446066515923890162744021073123829784752  # of -1
_BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
_BASE_Y = 46316835694926478169428394003475163141307993866256225615783033603165251855960  # 4 / 5
_BITS = 4  # of both scalars in a slice


class Verifier:
    """Make one for a key and a signature, update() it with the message, then ask for the result().

    update() takes a millisecond for 128 bytes or less: who shares a loop gives it 1 KB at a time.
    """

    def __init__(self, public, signature):
        """public: 32 bytes, signature: 64 bytes; of any other length nothing is valid."""
        self._public, self._signature = public, signature
        self._hash = Sha512(signature[:32])
        self._hash.update(public)

    def update(self, data):
        self._hash.update(data)

    def result(self):
        """Return whether the signature is the key's for what was given to update(); a generator, and the end of this object.

        False as well for a scalar that is not below the group's order, for a key that is no point of the curve, is not in
        its only valid form, or has a small order, so that it would fit many messages.
        """
        scalar = int.from_bytes(self._signature[32:], "little")
        digest = self._hash.digest()
        self._hash = None  # 1.8 KB less while the rest is computed
        if len(self._public) != KEY_SIZE or len(self._signature) != SIGNATURE_SIZE or scalar >= _L:
            return False
        yield
        key = yield from _negated(self._public)
        if key is None:
            return False
        curve = _Curve()
        small = _copy(key)
        yield
        for _ in range(3):
            curve.double(small)
        if to_int(small[0]) == 0:  # X of (0, 1) and (0, -1): what is left of the order is 1
            return False
        yield
        point = yield from curve.sum_of_multiples(scalar, int.from_bytes(digest, "little") % _L, key)
        return (yield from curve.encoded(point)) == self._signature[:32]


class _Curve:
    """Operations on points, with the room they need."""

    def __init__(self):
        self._work = bytearray(WORK_SIZE)
        self._room = [element() for _ in range(4)]
        self._twice_d = element(2 * _D % P)

    def double(self, p):
        """p = 2 p."""
        x, y, z, t = p
        a, b, e, h = self._room
        work = self._work
        add(x, y, e)
        multiply(e, e, e, work)
        multiply(x, x, a, work)
        multiply(y, y, b, work)
        add(a, b, h)
        subtract(h, e, e)
        subtract(a, b, b)  # G
        multiply(z, z, a, work)
        add(a, a, a)  # C
        add(a, b, a)  # F
        self._finish(p)

    def prepare(self, q):
        """Make a point ready to be added: its T is T * 2 d from now on."""
        multiply(q[3], self._twice_d, q[3], self._work)

    def add(self, p, q):
        """p = p + q, for a prepared q."""
        x, y, z, t = p
        a, b, e, h = self._room
        work = self._work
        subtract(y, x, a)
        subtract(q[1], q[0], e)
        multiply(a, e, a, work)
        add(y, x, b)
        add(q[1], q[0], e)
        multiply(b, e, b, work)
        subtract(b, a, e)
        add(b, a, h)
        multiply(t, q[3], t, work)  # C
        multiply(z, q[2], z, work)
        add(z, z, z)  # D
        subtract(z, t, a)  # F
        add(z, t, b)  # G
        self._finish(p)

    def _finish(self, p):
        a, b, e, h = self._room  # F, G, E, H
        multiply(e, a, p[0], self._work)
        multiply(b, h, p[1], self._work)
        multiply(a, b, p[2], self._work)
        multiply(e, h, p[3], self._work)

    def sum_of_multiples(self, first, second, point):
        """Return first * base + second * point; a generator. Both scalars are gone through at once."""
        base = _point(_BASE_X, _BASE_Y)
        both = _copy(point)
        self.prepare(base)
        self.add(both, base)
        self.prepare(both)
        point = _copy(point)
        self.prepare(point)
        total = _point(0, 1)
        for bit in range(252, -1, -1):
            self.double(total)
            one, other = first >> bit & 1, second >> bit & 1
            if one or other:
                self.add(total, both if one and other else base if one else point)
            if bit % _BITS == 0:
                yield
        return total

    def encoded(self, p):
        """Return the 32 bytes of a point (RFC 8032, 5.1.2); a generator."""
        divisor = yield from inverse(p[2], self._work)
        multiply(p[1], divisor, self._room[0], self._work)
        multiply(p[0], divisor, divisor, self._work)
        y = bytearray(to_bytes(self._room[0]))
        y[31] |= (to_int(divisor) & 1) << 7
        return bytes(y)


def _point(x, y):
    return [element(x), element(y), element(1), element(x * y % P)]


def _copy(p):
    return [bytearray(part) for part in p]


def _negated(encoded):
    """Return minus the point of 32 bytes, None if they are none, or none in its only form (RFC 8032, 5.1.3); a generator."""
    y = int.from_bytes(encoded, "little")
    sign = y >> 255
    y &= (1 << 255) - 1
    if y >= P:
        return None
    u = (y * y - 1) % P  # x^2 = u / v
    v = (_D * y * y + 1) % P
    cube = v * v * v % P
    yield
    power = yield from root_power(element(u * cube * cube * v % P), bytearray(WORK_SIZE))
    x = u * cube * to_int(power) % P
    square = v * x * x % P
    if square == P - u and u:
        x = x * _ROOT % P
    elif square != u:
        return None
    if x == 0 and sign:
        return None
    return _point(x if x & 1 != sign else (P - x) % P, y)
