"""Bicom bistable switches (sheet, section 5). The relay is mechanical: a new state reads a moment after the command."""

from tools.rig.device import Device
from tools.rig.registers import ILLEGAL_VALUE, Refused
from tools.rig.words import t1

_SWITCHING_S = 0.12  # of real time; the sheet allows 200 ms


class Bicom(Device):
    """On RS-485: state in 30101, command in 40141, identity as a meter."""

    MODEL = "Bicom"
    STATE, COMMAND = 30101, 40141
    AREAS = (*Device.AREAS, (30101, 30101), (40141, 40141))
    WRITABLE = (*Device.WRITABLE, (40141, 40141, (6,)))

    def prepare(self, entry):
        self._state = self._target = 0
        self._there_at = 0.0

    def limit(self, base, address, count):
        return 20 if base == 40000 else self.LIMIT

    def write(self, function, address, words):
        if 40000 + address == self.COMMAND and words[0] not in (0, 1):
            raise Refused(ILLEGAL_VALUE)
        super().write(function, address, words)

    def written(self, number, word):
        if number == self.COMMAND:
            self._target = word
            self._there_at = self.world.elapsed() + _SWITCHING_S * self.world.scale

    def advance(self):
        if self.world.elapsed() >= self._there_at:
            self._state = self._target

    def refresh(self):
        self.registers.put(self.STATE, t1(self._state))

    def present(self):
        with self.lock:
            self.advance()
            return {"state": self._state}

    def hold(self, name, value):
        self._state = self._target = 1 if value else 0


class IrBicom(Bicom):
    """On the right infrared port: the meter's relay registers, and writes answered with function 0x2A.

    It has no identity: 30001 is refused with exception 2. A slave that understands a request answers it (Modbus V1.1b3,
    section 7), and silence could not be told from a switch that is not there.
    """

    MODEL = "IR Bicom"
    STATE, COMMAND = 30197, 40015
    AREAS = ((30197, 30197), (40015, 40015))
    WRITABLE = ((40015, 40015, (6,)),)
    WRITE_ANSWER = 0x2A
