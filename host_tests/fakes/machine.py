"""A fake of the module `machine` of the ESP32: what firmware/port needs of it, and a journal of what was done to it.

Its UART takes as long to send as a wire would, by the settings it was given; everything else only remembers.
"""

import io
from time import ticks_add, ticks_diff, ticks_us

PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5

journal = []  # tuples, in the order in which things happened
uarts = {}  # by number
cause = [PWRON_RESET]


def reset_cause():
    return cause[0]


def unique_id():
    return b"\xc4\x4f\x33\x00\x00\x11"


def reset():
    journal.append(("reset",))


class Pin:
    IN = 1
    OUT = 3
    PULL_DOWN = 1
    PULL_UP = 2
    IRQ_RISING = 1
    IRQ_FALLING = 2
    levels = {}

    def __init__(self, number, mode=-1, pull=-1, value=None):
        self.number = number
        self.handler = None
        if value is not None:
            self.levels[number] = int(value)
        elif pull == self.PULL_UP:
            self.levels.setdefault(number, 1)
        journal.append(("pin", number, mode, value))

    def value(self, level=None):
        if level is None:
            return self.levels.get(self.number, 0)
        self.levels[self.number] = int(level)
        journal.append(("level", self.number, int(level)))
        return None

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def irq(self, handler, trigger):
        self.handler = handler
        journal.append(("irq", self.number, trigger))

    def __call__(self, *level):
        return self.value(*level)


class UART(io.IOBase):
    INV_TX = 4
    INV_RX = 8

    def __init__(self, number, baudrate=115200, **settings):
        self.number = number
        self.settings = {"bits": 8, "parity": None, "stop": 1}
        self.incoming = bytearray()
        self.stuck = False
        self._end_us = ticks_us()
        self._out = True
        uarts[number] = self
        journal.append(("uart", number))
        self.settings.update(settings, baudrate=baudrate)

    def init(self, **settings):
        journal.append(("init", settings))
        self.settings.update(settings)

    def write(self, data):
        set_ = self.settings
        bits = 1 + set_["bits"] + (set_["parity"] is not None) + set_["stop"]
        self._end_us = ticks_add(ticks_us(), len(data) * bits * 1000000 // set_["baudrate"])
        self._out = False
        journal.append(("write", bytes(data)))
        return len(data)

    def txdone(self):
        done = not self.stuck and ticks_diff(ticks_us(), self._end_us) >= 0
        if done and not self._out:
            self._out = True
            journal.append(("out",))
        return done

    def any(self):
        return len(self.incoming)

    def readinto(self, view):
        if not self.incoming:
            return None
        count = min(len(view), len(self.incoming))
        view[:count] = self.incoming[:count]
        self.incoming = self.incoming[count:]
        journal.append(("read", count))
        return count

    def ioctl(self, request, flags):
        """Poll (3): readable (1) with characters, writable (4) always."""
        return flags & (4 | (1 if self.incoming else 0)) if request == 3 else 0


class ADC:
    ATTN_11DB = 3
    readings_uv = [0]

    def __init__(self, pin, atten):
        journal.append(("adc", pin.number, atten))
        self._turn = 0

    def read_uv(self):
        self._turn += 1
        return self.readings_uv[self._turn % len(self.readings_uv)]


class RTC:
    now = [(2000, 1, 1, 5, 0, 0, 7, 250000)]
    kept = [b""]

    def memory(self, content=None):
        if content is None:
            return self.kept[0]
        self.kept[0] = bytes(content)
        return None

    def datetime(self, fields=None):
        if fields is None:
            return self.now[0]
        self.now[0] = fields
        return None


class WDT:
    def __init__(self, timeout):
        journal.append(("watchdog", timeout))

    def feed(self):
        journal.append(("fed",))
