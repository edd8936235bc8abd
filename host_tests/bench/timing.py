"""Short times, measured often: runs in MicroPython and CPython alike.

Other jobs may share the machine, so every figure is the median of several rounds, each long enough to see.
"""

try:
    from time import ticks_diff, ticks_us
except ImportError:
    from time import perf_counter_ns

    def ticks_us():
        return perf_counter_ns() / 1000

    def ticks_diff(later, earlier):
        return later - earlier


_ROUNDS = 9
_ROUND_US = 20000


def median(values):
    values = sorted(values)
    return values[len(values) // 2]


def median_us(repeat):
    """Microseconds per call, where repeat(count) makes `count` calls in a loop of its own."""
    return medians_us((repeat,))[0]


def medians_us(repeats):
    """The same for several, in turns, so that what else the machine does meets all of them alike."""
    counts = []
    for repeat in repeats:
        count = 1
        while _once(repeat, count) < _ROUND_US:
            count *= 2
        counts.append(count)
    took = [[] for _ in repeats]
    for _ in range(_ROUNDS):
        for index, repeat in enumerate(repeats):
            took[index].append(_once(repeat, counts[index]) / counts[index])
    return [median(values) for values in took]


def _once(repeat, count):
    began = ticks_us()
    repeat(count)
    return ticks_diff(ticks_us(), began)
