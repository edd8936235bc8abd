"""How many starts in a row have failed, in the RTC's memory: it outlives resets and costs no flash, but not a power cut.

So whoever takes the power away and gives it back begins anew. Two bytes of ours, the count, and what it lacks to 255.
"""

from machine import RTC
from micropython import const

_MARK = const(b"SG")


def read():
    """Return the count, 0 if there is none."""
    memory = RTC().memory()
    return memory[2] if len(memory) == 4 and memory[:2] == _MARK and memory[2] + memory[3] == 255 else 0


def write(count):
    count = min(count, 255)
    RTC().memory(_MARK + bytes((count, 255 - count)))
