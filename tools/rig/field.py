"""The field: all simulated lines with the meters on them, built from a meters file."""

import json
from pathlib import Path
from typing import Any

from tools.rig.catalogue import device_class
from tools.rig.dlms_line import DlmsLine
from tools.rig.dlms_network import Network
from tools.rig.errors import RigError
from tools.rig.families.dlms import DlmsMeter
from tools.rig.families.iec import IecMeter
from tools.rig.iec_line import IecLine
from tools.rig.line import Line
from tools.rig.wire import Serial
from tools.rig.world import World

PORTS = ("ir_left", "ir_right", "rs485")
NETWORK = "network"  # of DLMS meters behind TCP
_NAMED = 30  # meters in a message that lists them
HERE = Path(__file__).parent
DEFAULT = HERE / "default.json"
MANUAL = HERE / "manual.json"


def load(path):
    """A meters file as {"meters": [...], ...}; raises RigError."""
    try:
        content = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise RigError(f"the meters file {path} cannot be read: {error}") from error
    if isinstance(content, list):
        content = {"meters": content}
    if not isinstance(content, dict) or not isinstance(content.get("meters"), list):
        raise RigError(f'the meters file {path} is neither a list nor an object with "meters"')
    return content


def expanded(entries):
    """The entries, those with a count as so many: serial, address and a meter's own TCP port rise by one each time."""
    for entry in entries:
        if not isinstance(entry, dict) or "count" not in entry:
            yield entry
            continue
        if not isinstance(entry["count"], int) or entry["count"] < 1:
            raise RigError(f"count is a number of meters, not {entry['count']!r}")
        for step in range(entry["count"]):
            yield {**entry, **_raised(entry, step)}


def _raised(entry, step):
    """What of an entry is other in the meter so many steps on."""
    raised = {}
    if "serial" in entry:
        digits = str(entry["serial"]).lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        letters = str(entry["serial"]).removesuffix(digits)
        if not digits.isdigit():
            raise RigError(f"a serial number that is counted on from ends in digits, unlike {entry['serial']!r}")
        raised["serial"] = letters + str(int(digits) + step).zfill(len(digits))
    if "address" in entry:
        raised["address"] = entry["address"] + step
    if entry.get("tcp_port") and entry.get("each_port"):
        raised["tcp_port"] = entry["tcp_port"] + step
    return raised


def build_meter(entry, world):
    """A device from one entry of a meters file; raises RigError."""
    if not isinstance(entry, dict):
        raise RigError(f"a meter is an object, not {entry!r}")
    name = entry.get("family") or entry.get("model") or ""
    kind = device_class(name)
    if kind is None:
        raise RigError(f"no family of meters is called {name!r}")
    ports = (*PORTS, NETWORK) if getattr(kind, "SPEAKS_TCP", False) else PORTS
    if entry.get("port", "rs485") not in ports:
        raise RigError(f"there is no port {entry['port']}; there are {', '.join(ports)}")
    try:
        return kind(entry, world)
    except (RigError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RigError(f"the meter {name} at {entry.get('address', 33)} is not right: {error}") from error


_LINES = ((IecMeter, IecLine), (DlmsMeter, DlmsLine))


def _line_class(port, meters):
    """A line has meters of one protocol."""
    kinds = {next((line for kind, line in _LINES if isinstance(meter, kind)), Line) for meter in meters} or {Line}
    if len(kinds) > 1:
        raise RigError(f"{port} has meters of two protocols")
    return kinds.pop()


class Field:
    """`lines` by port, `meters` by name. Ports in `external` get no simulated line."""

    def __init__(self, entries, folder, world=None, fast=False, external=()):
        self.world = world or World()
        self.meters = {}
        on_port = {port: [] for port in (*PORTS, NETWORK)}
        for entry in expanded(entries):
            meter = build_meter(entry, self.world)
            if meter.port in external:
                continue
            name, number = meter.name, 2
            while meter.name in self.meters:
                meter.name, number = f"{name}-{number}", number + 1
            self.meters[meter.name] = meter
            on_port[meter.port].append(meter)
        distant = on_port.pop(NETWORK)
        self.network = Network(distant, fast) if distant else None
        self.lines = {
            port: _line_class(port, meters)(port, meters, Path(folder) / port, fast)
            for port, meters in on_port.items()
            if port not in external
        }
        for line in self._all():
            line.start()

    def _all(self):
        return [*self.lines.values(), *([self.network] if self.network else [])]

    def meter(self, name):
        """By name, serial number or "port:address"; raises RigError."""
        for meter in self.meters.values():
            if name in (meter.name, f"{meter.port}:{meter.address}") or (meter.serial and name == meter.serial):
                return meter
        raise RigError(f"there is no meter {name!r}; there are {', '.join(list(self.meters)[:_NAMED])}")

    def line(self, port) -> Any:
        if port == NETWORK and self.network:
            return self.network
        if port not in self.lines:
            raise RigError(f"there is no simulated line {port!r}; there are {', '.join(self.lines)}")
        return self.lines[port]

    def announce(self, port, baud, parity, stop):
        """The gateway told the settings of a UART; ports without a simulated line are ignored."""
        if port in self.lines:
            self.lines[port].announce(Serial(baud, parity, stop))

    def close(self):
        for line in self._all():
            line.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
