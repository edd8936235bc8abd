"""What flows through a meter: voltages, currents and angles that wander slowly, and all that follows from them.

Values are named as in /get_command (index 0 = total) in base units. One source feeds all, so that they agree:
P = U I1 cos, Q = U I1 sin with the fundamental I1, S = U I with the harmonics in I, PF = |P| / S, PA = atan2(Q, P).
A pinned value stands, and what follows from it follows the pin.
"""

import math

# name: (nominal, how far it strays)
_WALKS = {"frequency": (50.0, 0.02), "U": (230.0, 1.5), "THDUp": (2.5, 0.15), "THDI": (8.0, 1.0), "Tint": (35.0, 1.5)}
_PULL = 0.02  # per second, back to the nominal


class Load:
    def __init__(self, phases, random, amperes=4.0, degrees=20.0):
        """`phases` 1 or 3; `degrees` by which the current lags, beyond 90 the energy flows out."""
        self.phases = phases
        self._random = random
        self._walks = {}
        for name in ("frequency", "Tint"):
            self._walk(name, *_WALKS[name])
        for n in range(1, phases + 1):
            for name in ("U", "THDUp", "THDI"):
                self._walk(f"{name}{n}", *_WALKS[name])
            share = 1 + 0.15 * (n - 2) if phases > 1 else 1
            self._walk(f"I{n}", amperes * share, 0.15 * amperes * share)
            self._walk(f"angle{n}", degrees, 4.0)

    def _walk(self, name, nominal, spread):
        self._walks[name] = [nominal + self._random.uniform(-0.5, 0.5) * spread, nominal, spread]

    def step(self, seconds):
        """Let everything wander for so long."""
        seconds = min(seconds, 1 / _PULL)
        push = math.sqrt(2 * _PULL * seconds)
        for walk in self._walks.values():
            now, nominal, spread = walk
            now += (nominal - now) * _PULL * seconds + self._random.gauss(0, 0.5) * spread * push
            walk[0] = min(max(now, nominal - 2 * spread), nominal + 2 * spread)

    def values(self, pins):
        """All values by name; those in `pins` as they are there."""
        v = _Pinned(pins)
        wander = self._walks
        v["frequency"] = wander["frequency"][0]
        v["Tint"] = wander["Tint"][0]
        numbers = range(1, self.phases + 1)
        for n in numbers:
            self._phase(v, n)
        for name in "PQS":
            v[name + "0"] = sum(v[f"{name}{n}"] for n in numbers)
        _factor(v, 0)
        v["Isum"] = sum(v[f"I{n}"] for n in numbers)
        v["Iavg"] = v["Isum"] / self.phases
        v["Uavg"] = sum(v[f"U{n}"] for n in numbers) / self.phases
        if self.phases == 3:
            for pair in ("12", "23", "31"):
                a, b = v["U" + pair[0]], v["U" + pair[1]]
                v["U" + pair] = math.sqrt(a * a + b * b + a * b)  # 120 degrees between them
                v["angleU" + pair] = 120.0
            v["Uppavg"] = (v["U12"] + v["U23"] + v["U31"]) / 3
        v["tariff"] = 1
        v["invalid"] = 0
        return dict(v)

    def _phase(self, v, n):
        wander = self._walks
        for name in (f"U{n}", f"I{n}", f"THDUp{n}", f"THDI{n}"):
            v[name] = max(wander[name][0], 0.0)
        angle = math.radians(wander[f"angle{n}"][0])
        volt_amperes = v[f"U{n}"] * v[f"I{n}"]
        fundamental = volt_amperes / math.sqrt(1 + (v[f"THDI{n}"] / 100) ** 2)
        v[f"P{n}"] = fundamental * math.cos(angle)
        v[f"Q{n}"] = fundamental * math.sin(angle)
        v[f"S{n}"] = volt_amperes
        _factor(v, n)


def _factor(v, n):
    active, reactive, apparent = v[f"P{n}"], v[f"Q{n}"], v[f"S{n}"]
    v[f"PF{n}"] = min(abs(active) / apparent, 1.0) if apparent else 1.0
    v[f"PA{n}"] = math.degrees(math.atan2(reactive, active)) if active or reactive else 0.0


class _Pinned(dict):
    """Holds the pins from the start and keeps them."""

    def __init__(self, pins):
        super().__init__(pins)
        self._pins = pins

    def __setitem__(self, name, value):
        if name not in self._pins:
            super().__setitem__(name, value)
