"""What the devices behind the gateway say: one table per device, rendered by every output.

A value is an integer mantissa and a decimal exponent (a float of the ESP32 has 24 bits), with a unit, the time it was read and
a quality. What could not be read is stale or absent: never zero, never an old value passed as new.
"""

from array import array
from time import ticks_diff, ticks_ms

from micropython import const

UNITS = ("", "Hz", "V", "A", "W", "var", "VA", "Ind", "Cap", "deg", "C", "%", "Wh", "varh", "VAh")
WATT_HOURS = const(12)  # index of Wh, followed by varh and VAh
INDUCTIVE = const(7)  # a power factor's unit is its side; a negative mantissa is export
CAPACITIVE = const(8)

TEMPERATURE = const(0)  # indices in the group of the gateway's own inputs
PULSES = const(1)

GOOD = const(2)
STALE = const(1)
ABSENT = const(0)

_NONE = const(-128)  # the exponent of a value that the device itself calls invalid
_ABSENT_MS = const(900000)  # what is older than this is no longer shown even as stale

# What is known of a slot
DISABLED = const(0)  # switched off in the settings
NOT_DETECTED = const(1)  # has not answered since the start
PRESENT = const(2)  # answers
SILENT = const(3)  # answered once, does not now
STATUS_WORDS = ("disabled", "not_detected", "present", "silent")


class Group:
    """Values that are read together: rows (what they are: the name is the first of each), mantissa, exponent, unit (index in
    UNITS), one time, one quality. Mantissas have 31 bits and a sign, and 63 from the first on that needs them.

    Until put() was called for all and read() says that the round is complete, the last round's quality stands.
    """

    def __init__(self, rows):
        count = len(rows)
        self.rows = rows
        self.mantissa = array("i", [0] * count)
        self.exponent = array("b", [_NONE] * count)
        self.unit = bytearray(count)
        self.utc = 0  # Unix seconds of the last complete round
        self.fresh_ms = 0  # how long a round counts as good
        self._ticks = 0
        self._state = ABSENT

    def put(self, index, mantissa, exponent):
        self.mantissa[index] = mantissa
        self.exponent[index] = exponent

    def widen(self):
        """Give mantissas 63 bits: to be called before one of more than 31 is put."""
        self.mantissa = array("q", self.mantissa)

    def put_none(self, index):
        """The device says that it has no such value now."""
        self.exponent[index] = _NONE

    def has(self, index):
        """Whether the value at `index` was there in the last round."""
        return self.exponent[index] != _NONE

    def read(self, utc, fresh_ms):
        """A round is complete: good for `fresh_ms` from now."""
        self.utc = utc
        self.fresh_ms = fresh_ms
        self._ticks = ticks_ms()
        self._state = GOOD

    def failed(self):
        """A round failed: the values of the round before are stale from now on."""
        self.quality()
        if self._state == GOOD:
            self._state = STALE

    def forget(self):
        """Nothing is known any more: another device answers."""
        self._state = ABSENT

    def quality(self):
        """Return GOOD, STALE or ABSENT. Asked at least daily by the reader, so that ticks cannot wrap unseen."""
        if self._state != ABSENT:
            age_ms = ticks_diff(ticks_ms(), self._ticks)
            if age_ms < 0 or age_ms > max(_ABSENT_MS, self.fresh_ms):
                self._state = ABSENT
            elif age_ms > self.fresh_ms:
                self._state = STALE
        return self._state

    def age_ms(self):
        """Return the milliseconds since the last complete round; meaningless when absent."""
        return ticks_diff(ticks_ms(), self._ticks)


class Device:
    """One slot of the gateway: the left IR port, the right IR port, or RS-485 device 1 to 16 (of IEC meters, to 32).

    `groups`: by name, "measurements" and "counters"; empty until the device was detected.
    Beside "counters" lie `phases_of`, `quadrants`, `tariffs`: a byte per counter (0 is the total; bits I to IV; bits 1 to 6).
    `relay`: of a bistable switch, 0 off, 1 on, 250 no answer, 255 not connected.
    `blocks`: of a meter with tariff time blocks, async blocks() -> what firmware/meters/time_blocks.py reads, now.
    `is_sparse`: what a group has no value of, the meter does not measure at all.
    `told`: the counters as they were told to who takes a lower one for a new start: firmware/services/payload_flat.py.
    """

    blocks = None  # not in __init__: only those that have some need the RAM of an attribute
    told = None
    is_sparse = False

    def __init__(self, slot, port, address, is_switch=False):
        self.slot = slot  # "lir", "rir", or 1 to 32
        self.port = port
        self.address = address
        self.is_switch = is_switch
        self.status = NOT_DETECTED
        self.relay = 255
        self.switch = None  # of a switch: async switch(command) -> the new state; set by who drives it
        self.interval = None  # of a meter: async interval("average") -> Group or None, read now; set by who reads it
        self.clear()

    def clear(self):
        """Forget what was known of the device's identity and values."""
        if self.blocks:
            self.blocks = None
        if self.told:
            self.told = None
        self.model = ""
        self.serial = ""
        self.software = 0  # version times 100
        self.hardware = ""
        self.description = ""
        self.location = ""
        self.phases = 0
        self.tariff = 0  # active tariff from 1, 0 unknown
        self.groups = {}
        self.resettable = 0
        self.non_resettable = 0
        self.is_swapped = False
        self.phases_of = b""
        self.quadrants = b""
        self.tariffs = b""

    def direction(self, index):
        """Return "import", "export", "bidirectional" or "" of a counter, by the rule of the maker's own client.

        What that rule calls export without the exchange bit (40151) is import by IEC 62053-23; the bit is normally set.
        """
        quadrants = self.quadrants[index]
        if quadrants == 15:
            return "bidirectional"
        if quadrants in (9, 3):
            return "import" if self.is_swapped else "export"
        if quadrants in (6, 12):
            return "export" if self.is_swapped else "import"
        return ""

    def group(self, name):
        """Return a group whose values are good now, else None: what a reader of present values wants."""
        group = self.groups.get(name)
        if group is not None and self.status == PRESENT and group.quality() == GOOD:
            return group
        return None


class Readings:
    """All devices, in the order left IR, right IR, RS-485 1, 2, ...; `revision` counts what changed.

    `gateway`: the group of the gateway's own inputs. `untried`: the set of devices that nobody has asked yet since they were
    listed, whatever came of it.
    """

    def __init__(self):
        self.devices = []
        self.untried = set()
        self.gateway = None
        self.revision = 0

    def changed(self):
        self.revision = (self.revision + 1) & 0x3FFFFFFF

    def device(self, slot):
        """Return the device in a slot, None if the slot is off."""
        for device in self.devices:
            if device.slot == slot:
                return device
        return None

    def meters(self):
        """Return the slots that are no switches, present or not: the K-th meter is at K - 1."""
        return [device for device in self.devices if not device.is_switch]
