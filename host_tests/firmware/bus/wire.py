"""A Modbus master on a fake port, with slaves that answer as each test wants it."""

import asyncio

from firmware.bus.modbus_master import ModbusMaster
from host_tests.fakes.uart import FakeUart, reply
from lib.modbus.errors import FrameError, PeerError
from lib.modbus.request import read_input_registers


class Wire:
    """`units`: milliseconds that each unit takes to answer, None for one that is mute, missing for one that is not there.

    `script`: what comes back for the next questions instead, one entry a question.
    """

    def __init__(self, time, units=(), longest_ms=1000):
        self.time = time
        self.units = dict(units)
        self.script = []
        self.told = []
        self.uart = FakeUart(time, self._answer)
        self.master = ModbusMaster("rs485", self.uart, lambda: longest_ms, self.told.append)
        self.task = asyncio.create_task(self.master.run())

    def _answer(self, frame):
        if self.script:
            return self.script.pop(0)
        after_ms = self.units.get(frame[0])
        return () if after_ms is None else [(after_ms, reply(frame))]

    async def ask(self, request, *more, **options):
        """What the asker gets: the PDU in hex, None, the code of an exception, or the reason of a failure."""
        try:
            pdu = await self.master.ask(request, *more, **options)
            return None if pdu is None else bytes(pdu).hex()
        except PeerError as error:
            return error.code
        except FrameError as error:
            return error.reason

    def asking(self, request, *more, **options):
        """As ask(), in a task of its own."""
        return asyncio.create_task(self.ask(request, *more, **options))

    def questions(self):
        """(unit, address) of each frame that was sent."""
        return [(frame[0], frame[2] << 8 | frame[3]) for _, frame in self.uart.sent]

    def moments(self, unit):
        """When this unit was asked, in milliseconds since the start."""
        return [moment for moment, frame in self.uart.sent if frame[0] == unit]


def read(unit, address=100, count=2):
    return read_input_registers(unit, address, count)


def words(address, count=2):
    """The PDU of the answer to read(), in hex."""
    return "04%02x" % (2 * count) + "".join(["%04x" % word for word in range(address, address + count)])
