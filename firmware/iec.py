"""Builds the IEC 62056-21 meters of the document and the readers of their wires. Part of the composition root."""

import gc

from micropython import const

from firmware.bus.iec_reader import IecReader
from firmware.meters.iec import IecMeters
from firmware.meters.iec_device import IecDevice
from firmware.state import iec_meters, iec_refused
from firmware.state.schema import IEC

PATH = "/iec_meters.json"
_METER_BYTES = const(760)  # of heap that a meter takes, 32 bit
_RESERVE_BYTES = const(8192)  # for requests, and the reader: what serves the one that changed the list goes, too
_MODBUS_BYTES = const(12288)  # for a device on another wire, its master, and who asks it


class Meters:
    """`ports`: names of the wires that have such meters. `lines`: the whole list, as it is kept. `document(path)` returns the
    Document of a file.
    """

    def __init__(self, document):
        self._document = document(PATH)
        self._refused = document(iec_refused.PATH)
        self._of_port = {}  # (devices, lines)
        self.ports = []
        self.lines = []

    def devices(self, ports, settings, events):
        """Return a Device for each meter on a port that is set to this protocol: as many as there is memory for."""
        lines, trouble = iec_meters.load(self._document)
        if trouble:
            events.add("settings", trouble)
        self.lines = lines
        gc.collect()
        others = int(settings.get("left_ir_enabled") and settings.get("ir_protocol") == 0) + int(
            settings.get("ir_ext_rel_mode") > 0
        )
        room = (gc.mem_free() - _RESERVE_BYTES - others * _MODBUS_BYTES) // _METER_BYTES
        on = {"rs485": settings.get("rs485_protocol") == IEC, "ir_left": settings.get("ir_protocol") == 1}
        found = []
        for number, line in enumerate(lines):
            is_infrared, address, name, _ = line.split("|", 3)
            port = "ir_left" if is_infrared == "1" else "rs485"
            if port not in ports or not on[port]:
                continue
            if len(found) >= room:
                events.add("settings", f"no memory for IEC meter {number + 1} and those behind it")
                break
            device = IecDevice("lir" if is_infrared == "1" else number + 1, port, address, name)
            found.append(device)
            devices, texts = self._of_port.setdefault(port, ([], []))
            devices.append(device)
            texts.append(line)
        self.ports = list(self._of_port)
        return found

    def reader(self, port, uart, beat, told, clock, readings, events, load, profiles):
        """Return the IecReader of a port."""
        devices, lines = self._of_port[port]
        meters = IecMeters(devices, lines, clock, readings, events, profiles, self._keep_refusal)
        reader = IecReader(port, uart, meters, meters.minute, told, beat, _extra(load))
        plans = (iec_meters.Plan(line) for line in lines)
        for index, minute in enumerate(iec_refused.until(self._refused, plans)):
            reader.locked[index] = minute
        return reader

    def _keep_refusal(self, plan, minute, now):
        try:
            iec_refused.add(self._refused, plan, minute, now)
        except (OSError, MemoryError):
            pass  # then it holds until the next start


def _extra(load):
    return lambda name: load("firmware.meters." + name)
