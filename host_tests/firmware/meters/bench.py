"""A meter's or a switch's task over a table of registers, and what the rest of the gateway sees of it."""

import asyncio

from firmware.meters.bicom import Bicom
from firmware.meters.meter import Meter
from firmware.state import readings
from firmware.state.events import Events
from firmware.state.readings import Device, Readings
from host_tests.fakes.clock import NOW_MS, clock_at
from host_tests.fakes.loader import load
from host_tests.firmware.meters.image import Image, text_words

INTERVAL_MS = 1000


class Bench:
    """`device`: a meter at RS-485 slot 1 unless another is given. `task` keeps it read."""

    def __init__(self, image, interval_ms=INTERVAL_MS, device=None):
        self.image = image
        self.device = device = device or Device(1, "rs485", 35)
        self.readings = Readings()
        clock, _ = clock_at(NOW_MS)
        self._events = Events(clock)
        if device.is_switch:
            self.meter = Bicom(device, self._ask, self._ask, self.readings, self._events, lambda: interval_ms)
        else:
            self.meter = Meter(device, self._ask, clock, self.readings, self._events, lambda: interval_ms, load)
        self.task = asyncio.create_task(self.meter.run())

    async def _ask(self, *arguments):
        await asyncio.sleep_ms(1000 if self.image.is_silent else 10)  # as on a wire
        return await self.image.ask(*arguments)

    def events(self):
        return [text for _, _, text in self._events.recent()]

    def value(self, name, group="measurements"):
        """What an output would show: (mantissa, exponent, unit), None if there is nothing."""
        found = self.device.group(group)
        if found is None:
            return None
        index = [row[0] for row in found.rows].index(name)
        if not found.has(index):
            return None
        return found.mantissa[index], found.exponent[index], readings.UNITS[found.unit[index]]


def ie38():
    image = Image("IE38MD")
    image.put(30099, "0078")
    image.put(30105, "FD00C35A FE005622".replace(" ", ""))  # frequency, U1
    image.put(30140, "FF01E240")  # P0
    image.put(30401, "FFFF")  # exponent and mantissa of counter1nr
    image.put(30405, "0003")  # tariff
    image.put(30406, "0001E240")
    image.put(40101, text_words("Main meter", 20))
    image.put(40121, text_words("Cabinet 1", 20))
    image.put(40421, "000100090000000F")
    return image
