"""Imports go one way: the rooms of the design, kept by looking at every import of lib/, firmware/ and boards/.

lib knows no product; port and bus know no meter; meters and services meet only in state; only what lies at the top of
firmware/ knows all. The table below is the rule; each test case breaks it once to show that the check would notice.
"""

import ast
from pathlib import Path

import pytest

from tools import module_names

TOP = Path(__file__).resolve().parent.parent

# What every codec may use: no input or output, no clock
PURE = {"micropython", "struct", "array", "binascii", "hashlib", "cryptolib", "json"}
LOOP = {"asyncio", "time"}
SOCKETS = {"socket", "select", "errno", "os"}
HARDWARE = {"machine", "network", "bluetooth", "esp32", "vfs"}
HOST = {"ffi", "termios", "select", "uctypes", "vfs"}  # of the unix port only

# room: what it may import, beside itself. The longest name that fits a file is its room. A name with a dot is a room of
# ours and stands for all below it; one without is a module of MicroPython.
ROOMS = {
    "lib": PURE,
    "lib.dlms": PURE | {"lib.clock", "lib.crypto"},
    "lib.ota": PURE | {"lib.crypto"},
    "lib.provision": PURE | {"lib.crypto"},
    "lib.store": PURE | {"errno", "io", "os"},
    "lib.aio": LOOP | SOCKETS | {"micropython"},
    "lib.http": PURE | LOOP | SOCKETS | {"lib.aio"},
    "lib.mqtt": PURE | LOOP | {"os", "lib.aio", "umqtt"},
    "firmware.port": PURE
    | LOOP
    | SOCKETS
    | HARDWARE
    | {"board", "lib.aio", "lib.clock", "lib.ota", "lib.text", "gc", "sys", "firmware.port"},
    "firmware.bus": PURE | LOOP | {"lib", "firmware.bus"},
    "firmware.state": PURE | LOOP | {"os", "gc", "lib", "firmware.state"},
    "firmware.meters": PURE | LOOP | {"lib", "firmware.state", "firmware.meters"},
    "firmware.services": PURE | LOOP | SOCKETS | {"lib", "firmware.state", "firmware.version", "web_assets"},
    "firmware": PURE | LOOP | {"gc", "sys", "errno", "board", "lib", "firmware"},
    "boards": set(),
}
# Modules that the rooms' table does not fit, with the reason. They may import these in addition.
ALSO = {
    "firmware.port.flash_file": HOST,  # the flash chip as a file
    "firmware.port.uart_pty": HOST,  # a terminal device as a UART
    "firmware.port.esp32": {"_thread"},  # for what blocks in the chip's driver
    "lib.aio.tls_client": {"tls"},  # makes the context of a client
    "firmware.services.modbus_tls": {"tls"},  # makes the context of a server
    "firmware.services.provisioning_code": {"board"},  # whether there is a setting of it
    # Old connections give back their room before new ones take some; not every board has reserve servers and jobs.
    "firmware.services.push": {"gc", "board"},
    "firmware.services.links": {"board"},  # as above
    **{f"firmware.services.{name}": {"board"} for name in ("login", "session", "status")},  # whether users have roles
    "firmware.services.commands": {"board"},  # whether it has DLMS meters
    "firmware.services.relays": {"board"},  # as above
    "firmware.services.link_mqtt": {"board"},  # whether it keeps load profiles
    "firmware.services.link_post": {"board"},  # as above
    "firmware.state.modbus_units": {"board"},  # whether it has IEC meters
    "boards.HOST.start": HOST | {"json", "os", "sys", "firmware"},  # does what an interpreter with frozen code does
    "boards.STOCK.reader": {"asyncio", "gc", "json", "sys", "time", "wire", "firmware"},  # puts bus and meters together
    "boards.common._boot": {"esp32", "sys", "vfs"},  # mounts the file system
    "boards.common.main": {"machine", "sys", "time", "board", "firmware.main", "firmware.port"},  # runs the application
}
# Parts of several services, no service themselves: words and formats they write, names they look up.
SHARED_BY_SERVICES = {
    f"firmware.services.{name}"
    for name in (
        *("sg_text", "info", "energy_log", "settings", "resolver", "neighbours", "wifi_networks", "push_connect"),
        *("registers_own", "registers_settings", "registers_mirror_map"),
        *("upgrade_connect", "upgrade_install"),
        *("payload", "pieces", "push_topics", "payload_flat", "dlms_server_objects", "profile_text", "profile_message"),
        "dlms_text",
    )
}
# The rule in words, for whoever breaks it
WHY = {
    "lib": "lib knows nothing of the product, and codecs touch neither input, output nor clock",
    "firmware.port": "a port knows hardware, no bus, meter, state or service",
    "firmware.bus": "a bus is handed its UART; it knows no hardware, meter, state or service",
    "firmware.state": "state knows no bus, meter or service",
    "firmware.meters": "a meter is handed its bus; it knows state and codecs",
    "firmware.services": "services know state and codecs, not each other, no port and no bus",
    "firmware": "the top of firmware/ knows all rooms, but no hardware",
    "boards": "a board is data",
}


def module_of(path):
    return ".".join(path.relative_to(TOP).with_suffix("").parts)


def room_of(module, rooms):
    """The longest name of `rooms` that is the module or a package around it, None if there is none."""
    fitting = [room for room in rooms if module == room or module.startswith(room + ".")]
    return max(fitting, key=len, default=None)


def imports(tree, module):
    """(line, name of a module) for every import, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}:{node.lineno}: relative imports hide where they lead"
            assert node.module is not None
            for alias in node.names:
                yield node.lineno, submodule(node.module, alias.name)


def submodule(package, name):
    """`from package import name` may mean a module of the package, or a name of a module."""
    inner = TOP.joinpath(*package.split("."), name)
    return f"{package}.{name}" if inner.with_suffix(".py").exists() or inner.is_dir() else package


def is_allowed(module, imported):
    room = room_of(module, ROOMS)
    assert room is not None, f"{module} lies in no room"
    if imported in SHARED_BY_SERVICES and room == "firmware.services":
        return True
    if room.startswith("lib"):  # a package of lib is a room of its own
        own = ".".join(module.split(".")[:2])
        if imported == own or imported.startswith(own + "."):
            return True
    allowed = ROOMS[room] | ALSO.get(module, set())
    return room_of(imported, allowed) is not None


def offences(module, source, where):
    """Sentences, one for each import that leads the wrong way."""
    room = room_of(module, ROOMS) or ""
    why = WHY[room_of(room, WHY) or room]
    found = dict.fromkeys(imports(ast.parse(source), module))
    return [f"{where}:{line}: {module} imports {name}: {why}" for line, name in found if not is_allowed(module, name)]


def sources():
    for room in ("lib", "firmware", "boards"):
        for path in sorted((TOP / room).rglob("*.py")):
            if path.name != "manifest.py":  # a list of files for MicroPython's build
                yield path


def test_imports_go_one_way():
    found = []
    for path in sources():
        found += offences(module_of(path), path.read_text(), path.relative_to(TOP))
    assert not found, "\n" + "\n".join(found)


def test_every_exception_is_still_needed():
    for module, also in ALSO.items():
        path = TOP.joinpath(*module.split(".")).with_suffix(".py")
        assert path.exists(), f"ALSO names {module}, which is gone"
        used = {imported for _, imported in imports(ast.parse(path.read_text()), module)}
        room = room_of(module, ROOMS)
        assert room is not None
        assert any(room_of(name, also) and not room_of(name, ROOMS[room]) for name in used), f"{module} needs no exception"


def test_the_names_of_all_modules_are_in_flash():
    assert module_names.TARGET.read_text() == module_names.text(), "run python -m tools.module_names"


@pytest.mark.parametrize("path", sorted((TOP / "boards").glob("*/board.py")), ids=lambda path: path.parent.name)
def test_a_board_is_data(path):
    assert not list(imports(ast.parse(path.read_text()), module_of(path)))


# module, an import it must not have
WRONG_WAYS = (
    ("lib.modbus.crc", "import asyncio"),
    ("lib.modbus.crc", "import time"),
    ("lib.modbus.crc", "import lib.http.server"),
    ("lib.clock.sntp", "from time import ticks_ms"),
    ("lib.inputs.debounce", "import machine"),
    ("lib.http.server", "from firmware.state import settings"),
    ("lib.aio.supervisor", "from lib.http import server"),
    ("lib.aio.supervisor", "import machine"),
    ("lib.store.document", "import socket"),
    ("firmware.port.uart_esp32", "from firmware.bus.modbus_master import ModbusMaster"),
    ("firmware.port.esp32", "from firmware.state.settings import Settings"),
    ("firmware.bus.modbus_master", "import machine"),
    ("firmware.bus.modbus_master", "from firmware.port.uart_pty import UartPty"),
    ("firmware.bus.modbus_master", "from firmware.meters import ie"),
    ("firmware.bus.modbus_master", "from firmware.state.readings import Device"),
    ("firmware.state.readings", "from firmware.bus.queue import POLL"),
    ("firmware.state.readings", "from firmware.meters import catalogue"),
    ("firmware.state.clock", "import machine"),
    ("firmware.meters.meter", "from firmware.bus.queue import POLL"),
    ("firmware.meters.meter", "from firmware.services.rest import get"),
    ("firmware.meters.meter", "import socket"),
    ("firmware.services.rest", "from firmware.services.relays import post"),
    ("firmware.services.rest", "from firmware.services import relays"),
    ("firmware.services.rest", "def f():\n    from firmware.bus.queue import COMMAND"),
    ("firmware.services.rest", "from firmware.port.host import Platform"),
    ("firmware.services.rest", "from firmware.main import start"),
    ("firmware.main", "import machine"),
    ("boards.SG_W1.board", "import machine"),
)
RIGHT_WAYS = (
    ("lib.modbus.reply", "from lib.modbus.crc import crc16"),
    ("lib.http.connection", "import asyncio, errno, socket, time"),
    ("lib.store.document", "import os"),
    ("firmware.port.net_wlan", "import network"),
    ("firmware.bus.modbus_master", "from lib.modbus.reply import ReplyReader"),
    ("firmware.meters.meter", "from firmware.state.readings import Group"),
    ("firmware.services.rest", "from firmware.services import sg_text"),
    ("firmware.main", "from firmware.port.host import Platform"),
)


@pytest.mark.parametrize(("module", "line"), WRONG_WAYS)
def test_the_wrong_way_is_noticed(module, line):
    (offence,) = offences(module, line, "there.py")
    assert offence.startswith("there.py:")


@pytest.mark.parametrize(("module", "line"), RIGHT_WAYS)
def test_the_right_way_is_free(module, line):
    assert not offences(module, line, "there.py")
