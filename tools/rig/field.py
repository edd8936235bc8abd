"""The field: all simulated lines with the meters on them, built from a meters file."""

import json
from pathlib import Path

from tools.rig.catalogue import device_class
from tools.rig.errors import RigError
from tools.rig.families.iec import IecMeter
from tools.rig.iec_line import IecLine
from tools.rig.line import Line
from tools.rig.wire import Serial
from tools.rig.world import World

PORTS = ("ir_left", "ir_right", "rs485")
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


def build_meter(entry, world):
    """A device from one entry of a meters file; raises RigError."""
    if not isinstance(entry, dict):
        raise RigError(f"a meter is an object, not {entry!r}")
    if entry.get("port", "rs485") not in PORTS:
        raise RigError(f"there is no port {entry['port']}; there are {', '.join(PORTS)}")
    name = entry.get("family") or entry.get("model") or ""
    kind = device_class(name)
    if kind is None:
        raise RigError(f"no family of meters is called {name!r}")
    try:
        return kind(entry, world)
    except (RigError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RigError(f"the meter {name} at {entry.get('address', 33)} is not right: {error}") from error


def _line_class(port, meters):
    """A line has meters of one protocol."""
    kinds = {IecLine if isinstance(meter, IecMeter) else Line for meter in meters} or {Line}
    if len(kinds) > 1:
        raise RigError(f"{port} has meters of two protocols")
    return kinds.pop()


class Field:
    """`lines` by port, `meters` by name. Ports in `external` get no simulated line."""

    def __init__(self, entries, folder, world=None, fast=False, external=()):
        self.world = world or World()
        self.meters = {}
        on_port = {port: [] for port in PORTS}
        for entry in entries:
            meter = build_meter(entry, self.world)
            if meter.port in external:
                continue
            name, number = meter.name, 2
            while meter.name in self.meters:
                meter.name, number = f"{name}-{number}", number + 1
            self.meters[meter.name] = meter
            on_port[meter.port].append(meter)
        self.lines = {
            port: _line_class(port, meters)(port, meters, Path(folder) / port, fast)
            for port, meters in on_port.items()
            if port not in external
        }
        for line in self.lines.values():
            line.start()

    def meter(self, name):
        """By name, serial number or "port:address"; raises RigError."""
        for meter in self.meters.values():
            if name in (meter.name, f"{meter.port}:{meter.address}") or (meter.serial and name == meter.serial):
                return meter
        raise RigError(f"there is no meter {name!r}; there are {', '.join(self.meters)}")

    def line(self, port):
        if port not in self.lines:
            raise RigError(f"there is no simulated line {port!r}; there are {', '.join(self.lines)}")
        return self.lines[port]

    def announce(self, port, baud, parity, stop):
        """The gateway told the settings of a UART; ports without a simulated line are ignored."""
        if port in self.lines:
            self.lines[port].announce(Serial(baud, parity, stop))

    def close(self):
        for line in self.lines.values():
            line.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
