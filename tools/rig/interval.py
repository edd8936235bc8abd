"""Interval measurements: average, maximum and minimum of the last finished interval (sheet, 4.8)."""


class Interval:
    def __init__(self, seconds=900.0):
        self.length_s = seconds
        self.left_s = seconds
        self.finished = 0  # intervals so far; 0 = none yet
        self.ended_unix = 0
        self.last_s = 0.0  # length of the last one
        self.average = self.maximum = self.minimum = None  # dicts by name, None before the first end
        self._clear()

    def _clear(self):
        self._sum, self._maximum, self._minimum, self._weight = {}, {}, {}, 0.0

    def add(self, values, seconds, unix):
        """Let the values hold for so long; closes the interval when its time is up."""
        for name, value in values.items():
            self._sum[name] = self._sum.get(name, 0.0) + value * seconds
            self._maximum[name] = max(value, self._maximum.get(name, value))
            self._minimum[name] = min(value, self._minimum.get(name, value))
        self._weight += seconds
        self.left_s -= seconds
        if self.left_s <= 0:
            self.average = {name: total / self._weight for name, total in self._sum.items()}
            self.maximum, self.minimum = self._maximum, self._minimum
            self.last_s, self.ended_unix = self._weight, unix
            self.finished += 1
            self._clear()
            self.left_s = self.length_s

    def since_s(self):
        """How long the running interval has lasted."""
        return self._weight
