"""What all simulated devices on a line have in common: an address, a line of their own, identity and pinned values."""

import random
import threading

from tools.rig import slave
from tools.rig.errors import RigError
from tools.rig.registers import HOLDING, ILLEGAL_VALUE, Refused, Registers
from tools.rig.wire import Serial
from tools.rig.words import from_hex, t1, t16, text

_BAUD = {"ir_left": 19200, "ir_right": 19200, "rs485": 115200}
BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)  # by their index in the registers
_BOTH = (6, 16)


class Device:
    """One slave. Its methods may be called from any thread."""

    MODEL = ""
    AREAS = ((30000, 30099), (39000, 39000), (40101, 40140))
    WRITABLE = ((40101, 40140, _BOTH),)
    LIMIT = 120  # registers per request, told in 30099
    WRITE_ANSWER = 6  # function code in the answer to function 6

    def __init__(self, entry, world):
        """`entry` is one object of the meters file; see the package's docstring."""
        self.port = entry.get("port", "rs485")
        self.model = entry.get("model", self.MODEL)
        self.serial = entry.get("serial", "")
        self.address = entry.get("address", 33)
        self.name = entry.get("name") or self.model.lower().replace(" ", "_")
        self.line = Serial(entry.get("baud", _BAUD[self.port]), entry.get("parity", "N"), entry.get("stop", 1))
        self.delay_s = None if entry.get("delay_ms") is None else entry["delay_ms"] / 1000
        self.fault = entry.get("fault", "none")
        self.frozen = bool(entry.get("frozen"))
        self.world = world
        self.random = random.Random(f"{self.model} {self.serial}")
        self.lock = threading.RLock()
        self.pins = {}
        self.registers = Registers(self.AREAS, self.WRITABLE)
        self._identify(entry)
        self.prepare(entry)
        self.pin(entry.get("values", {}))
        for number, digits in entry.get("registers", {}).items():
            self.registers.force(int(number), from_hex(digits))

    def _identify(self, entry):
        put = self.registers.put
        put(30001, text(self.model, 16))
        put(30009, text(self.serial, 8))
        put(30013, t1(entry.get("software_version", 123)))
        put(30014, text(entry.get("hardware_version", "A"), 2))
        put(30019, t16(1.0))  # accuracy class
        put(30024, t1(2))  # COM1 is RS-485
        put(30098, t1(1))
        put(30099, t1(self.LIMIT))
        put(39000, t1(5))  # device group
        put(40101, text(entry.get("description", ""), 40))
        put(40121, text(entry.get("location", ""), 40))

    def answer(self, pdu):
        """The answer's PDU, for a request's PDU."""
        with self.lock:
            self.advance()
            return slave.answer(pdu, self)

    def read(self, base, address, count):
        if count > self.limit(base, address, count):
            raise Refused(ILLEGAL_VALUE)
        self.refresh()
        return self.registers.read(base, address, count)

    def write(self, function, address, words):
        self.registers.write(function, address, words)
        for offset, word in enumerate(words):
            self.written(HOLDING + address + offset, word)

    def pin(self, values):
        """Set values by name and hold them. Raises RigError for a name or a value it does not know."""
        with self.lock:
            known = self.present()
            for name, value in values.items():
                if name not in known:
                    raise RigError(f"{self.name} has no value {name}; it has {', '.join(known)}")
                if isinstance(value, bool) or not isinstance(value, (int, float)):
                    raise RigError(f"{name} takes a number, not {value!r}")
            for name, value in values.items():
                self.hold(name, value)
            self.changed()

    # What a kind of device adds.

    def prepare(self, entry):
        """Put what never moves into the registers."""

    def limit(self, base, address, count) -> int:
        """Most registers a request at this place may ask for."""
        return self.LIMIT

    def advance(self):
        """Let the simulated world catch up with the time."""

    def refresh(self):
        """Bring the registers up to date."""

    def written(self, number, word):
        """A master wrote this holding register."""

    def present(self):
        """All values by name, as they are now."""
        return {}

    def hold(self, name, value):
        self.pins[name] = value

    def changed(self):
        """Pins changed."""
