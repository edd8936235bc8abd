"""What a board has: what belongs to its board.py's PROTOCOLS (of its ports) and PARTS (all else), and what belongs to none.

PARTS_OF says which modules belong to what a board may lack, and which functions and rows in other modules (path:name),
SETTINGS_OF which settings, CHOICES_OF which words to choose, TEXTS_OF which texts of the pages; everything else is on every
board. Code that needs such a module or setting asks `"part" in board.PARTS` or `board.PROTOCOLS`, first of all where it asks
for more, and imports the module where it is used; scripts of the pages ask HAS.part. Addresses of the web server go with their
modules; registers, and texts of settings, go with the settings.

HOST has everything. HOST-SG_W1 is the host with no more than SG_W1 has: what the rig's --board starts.
"""

import ast
import os
import re
from fnmatch import fnmatchcase

from tools.image import TOP
from tools.partitions import partition

PARTS_OF = {
    "iec62056": (
        *("lib/iec62056/*", "firmware/iec.py", "firmware/bus/iec*", "firmware/meters/iec*"),
        *(
            "firmware/state/iec*",
            "firmware/services/iec*",
            "firmware/field.py:_open_reader",
            "firmware/state/readings.py:widen",
        ),
        *("firmware/services/hass.py:Pavg", "firmware/services/hass.py:Pmax*", "lib/clock/calendar.py:to_unix"),
    ),
    "dlms": (
        *("lib/dlms/*", "firmware/dlms*", "firmware/bus/dlms*", "firmware/meters/dlms*", "firmware/state/dlms*"),
        *("firmware/services/dlms*", "lib/store/archive*", "lib/store/mark.py", "lib/store/pages.py", "lib/text/csv.py"),
        "lib/crypto/gcm*",
        "firmware/state/modbus_units.py:_with_dlms",
        *("firmware/main.py:dlms_meters", "firmware/main.py:_make_dlms", "firmware/field.py:*dlms*"),
        *("firmware/services/link_mqtt.py:_serve_orders", "firmware/services/push.py:_feed_archive"),
    ),
    "tunnel": (
        *("lib/rfc2217/*", "firmware/bus/tunnel*", "firmware/services/tunnel*", "firmware/state/sources.py"),
        *("firmware/field.py:borrow", "firmware/field.py:give_back"),
        *("firmware/bus/modbus_*.py:pause", "firmware/bus/modbus_*.py:resume", "firmware/bus/modbus_*.py:_turn_away"),
    ),
    "profile": (
        *("lib/store/profile*", "lib/store/varint.py"),
        "firmware/state/profile*",
        "firmware/services/profile*",
        "firmware/services/demand*",
        *("firmware/services/push_profile.py", "firmware/services/link_*.py:*_profile"),
    ),
    "sd": ("firmware/port/sd_spi.py", "firmware/port/*.py:card"),
    # What terminals of a central server have besides
    "server": (
        *("firmware/services/push_reserve.py", "firmware/services/push_jobs.py", "lib/clock/recurrence.py"),
        "firmware/services/front_server.py",
    ),
    "modem": (
        "lib/modem/*",
        "firmware/port/*_ppp.py",
        "firmware/port/ppp_*",
        "firmware/port/modem_*",
        "firmware/services/modem*",
    ),
    "lan": ("firmware/port/net_lan.py", "firmware/port/lan_*"),
    "bluetooth": ("firmware/port/ble_*",),
    # Espressif's provisioning; without it people come to the pages over the own access point
    "phones": (
        *("lib/provision/*", "lib/crypto/srp.py", "lib/crypto/x25519.py", "firmware/services/provisioning.py"),
        *("firmware/services/provisioning_ap.py", "firmware/services/provisioning_guard.py"),
        *("firmware/services/network_trial.py:try_network", "lib/crypto/aes.py:open_sealed", "lib/crypto/sha512.py:sha512"),
        *("lib/crypto/field25519.py:scale", "lib/crypto/field25519.py:swap"),
    ),
    "setup": ("firmware/services/setup_ap.py",),
    # Users by name, whose roles have rights; without it there are admin and reader
    "roles": (
        *("firmware/state/roles.py", "firmware/services/users.py", "firmware/services/clock_set.py"),
        *("firmware/services/login.py:demand", "firmware/services/login.py:forget", "firmware/services/login.py:roles"),
    ),
    # Iskra's own search for gateways, and names by NetBIOS
    "discovery": ("firmware/services/discovery*", "firmware/services/netbios*", "firmware/services/neighbours.py"),
}
SETTINGS_OF = {
    "iec62056": ("ir_protocol", "iec_*"),
    "dlms": ("dlms_*",),
    "tunnel": ("tunnel_*",),
    "profile": ("demand_*",),
    "server": ("mqtt#_reserve_*", "job#_*"),
    "modem": ("modem_*",),
    "phones": ("prov_security",),
    "discovery": ("udp_enabled",),
}
CHOICES_OF = {"iec62056": ("IEC 62056-21",), "dlms": ("DLMS",), "tunnel": ("Transparent port",)}
TEXTS_OF = {
    "iec62056": (
        *("nav.iec", "iec", "iec.*", "setting.iec.*", "hint.iec.*", "device.present", "choice.Left infrared"),
        *("say.plain letters *", "say.letters, digits and blanks *", "say.no brackets *", "say.# to #, /# to *", "say.auto, *"),
        *("say.at least the speed *", "say.another meter *", "say.one meter *", "say.there is room for # meters"),
        *("say.nobody reads *", "say.another read-out *", "say.the meter does not answer"),
    ),
    "dlms": (
        *("nav.dlms", "dlms.*", "setting.dlms.*", "choice.Optical head", "choice.Network", "choice.Automatic"),
        *("choice.1 byte", "choice.[24] bytes", "choice.Password", "choice.Service-specific", "choice.General"),
        *("say.a number of letters, *", "say.an address such as #.#.#.#:# *", "say.behind #x *", "say.# hexadecimal *"),
        *("say.the name of a table *", "say.the meter's number *", "say.an address is *"),
        *("say.only a meter *", "say.the address does not fit *", "say.there is no such *", "say.this authentication *"),
        *("say.ciphering and *", "say.switching needs *", "say.there are more cells *", "say.UTF-# *", "say.the first line *"),
        *("say.somebody else *", "say.its port is off", "say.the line is busy"),
        *("say.the meter # has this address", "say.this meter is in *"),
        *(
            "say.the meter does not answer: *",
            "say.the meter refused: *",
            "say.the gateway's clock *",
            "say.its relay ignores *",
        ),
    ),
    "tunnel": (
        "tunnel",
        "tunnel.*",
        "say.no serial port is chosen for it",
        "say.addresses such as *",
        "say.the first address *",
    ),
    "profile": ("nav.profile", "profile.*", "demand.*", "log.*"),
    "roles": (
        *("nav.users", "users", "users.*", "right.*", "login.right", "say.your role *", "say.the present password is wrong"),
        *(
            "say.a list of rights *",
            "say.the administrator *",
            "say.there is room for # roles",
            "say.there is room for # users",
        ),
        *("say.this role *", "say.somebody has this role", "say.the last administrator stays", "say.who has more rights *"),
        *("say.a name of at most *", "say.letters, digits and . *"),
    ),
    "server": ("links.main", "links.reserve", "say.the link has no reserve *"),
    "modem": ("status.operator", "status.modem_rssi"),
}
# No device has these: what plays hardware on the host
_HOST_ONLY = (
    "firmware/port/*_fake.py",
    "firmware/port/*_file.py",
    "firmware/port/*_pty.py",
    "firmware/port/host.py",
    "firmware/port/rig_link.py",
)
# No service of a device uses these: pages are no files, security 0 is for tests, no bus needs the rare functions of Modbus
_UNUSED = ("lib/http/files.py", "lib/modbus/other_*", "lib/provision/security0.py", "lib/clock/posix_tz.py:is_dst")


# Flash for code and pages, as .mpy: docs/boards.md tells where that comes from. 220 KB of code and 120 KB of pages share it.
_BUDGET = (220 + 120) * 1024
_WITHOUT_BLUETOOTH = 120 * 1024  # more
_SLOT = 0x1B0000  # in which that is; what a slot has more may be filled but for a fifth, for frozen code takes more than .mpy
_SCHEMA = "firmware/state/schema.py"
_ASKED = re.compile(r'"(\w+)" in board\.(?:PARTS|PROTOCOLS)')
# A table without rows as an element of a constant; what it begins with is its page, or its first register
_EMPTY = re.compile(r'^    \(\n        (.+),\n(?:        .+,\n)*        """\n""",\n(?:        .+,\n)?    \),\n', re.MULTILINE)


def board_file(board):
    """Return the board.py of a board; that of HOST-SG_W1 is made here."""
    host, _, played = board.partition("-")
    if not played:
        return TOP / "boards" / board / "board.py"
    data = board_data(host) | {name: board_data(played)[name] for name in ("MODEL", "FLASH_MB", "PORTS", "PROTOCOLS", "PARTS")}
    file = TOP / "build" / "boards" / board / "board.py"
    text = "".join(f"{name} = {value!r}\n" for name, value in data.items())
    if not file.exists() or file.read_text() != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(f".{os.getpid()}")
        new.write_text(text)
        new.replace(file)  # whole or not at all: several builds may run at once
    return file


def board_data(board):
    """Return {name: value} of a board.py: literals only."""
    tree = ast.parse(board_file(board).read_text())
    return {ast.unparse(node.targets[0]): ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign)}


def lacks(board):
    """Return the names of the parts that a board does not have."""
    data = board_data(board)
    return set(PARTS_OF) - set(data["PROTOCOLS"]) - set(data["PARTS"])


def budget(board):
    """Return how many bytes of flash the modules and pages of a board may take."""
    more = (partition(board, "ota_0").size - _SLOT) * 4 // 5
    return _BUDGET + (_WITHOUT_BLUETOOTH if "bluetooth" in lacks(board) else 0) + more


def part_of(path, patterns_of=PARTS_OF):
    """Return the name of the part that a module of the application belongs to, None if every board has it.

    `patterns_of`: SETTINGS_OF, to ask so of a setting.
    """
    for part, patterns in patterns_of.items():
        if _fits(path, patterns):
            return part
    return None


def chooser(board):
    """Return a function that tells of a path inside the image whether the board has that module."""
    lacking = lacks(board)
    never = () if board_data(board)["PLATFORM"] == "host" else _HOST_ONLY + _UNUSED
    return lambda path: part_of(path) not in lacking and not _fits(path, never)


def reduced(board, path, source):
    """Return the source of a module as it is on a board: without the rows of its tables that belong to what the board lacks,
    and with answers where it asks the board, by which the compiler leaves out the rest."""
    lacking = lacks(board)
    if not lacking:
        return source
    text = _ASKED.sub(lambda found: str(found[1] not in lacking), _without_functions(board, str(path), source))
    if "board." not in text:
        text = text.replace("import board\n", "", 1)
    of_row = _ROWS.get(str(path))
    if of_row is None:
        return text
    rows = [of_row(line, lacking) for line in text.splitlines(keepends=True)]
    text = "".join(row for row in rows if row is not None)
    for first in _EMPTY.findall(text):
        text = re.sub(rf"^    \({first}, \d+\),\n", "", text, flags=re.MULTILINE)  # the block of registers
    return _EMPTY.sub("", text)


def _without_functions(board, path, source):
    has = chooser(board)
    patterns = [*_UNUSED, *(pattern for patterns in PARTS_OF.values() for pattern in patterns)]
    if not has(path) or not _fits(path, [pattern.partition(":")[0] for pattern in patterns if ":" in pattern]):
        return source
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not has(f"{path}:{node.name}"):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            lines[first - 1 : node.end_lineno] = [""] * len(lines[first - 1 : node.end_lineno])
    return "".join(lines)


def _setting(line, lacking):
    name, bar, rest = line.partition("|")
    if bar and part_of(name, SETTINGS_OF) in lacking:
        return None
    for part in lacking & set(CHOICES_OF):
        for word in CHOICES_OF[part]:
            rest = re.sub(rf",\d+={word}(?=[,|])", "", rest)
    return name + bar + rest


def _register(line, lacking):
    row = re.match(r"\d+ (\S+)", line)
    return None if row and part_of(row[1], SETTINGS_OF) in lacking else line


def _route(line, lacking):
    row = re.match(r"[A-Z]+ /\S* \w+ (\w+) \w+", line)
    return None if row and part_of(f"firmware/services/{row[1]}.py") in lacking else line


def _value(line, lacking):
    return None if part_of("firmware/services/hass.py:" + line.partition("|")[0]) in lacking else line


def _name(line, lacking):
    row = re.match(r"import (\S+) as _$", line)
    return None if row and part_of(row[1].replace(".", "/") + ".py") in lacking else line


# Modules with tables of which a board may lack rows: function(line, names of lacking parts) returns the line, or None
_ROWS = {
    _SCHEMA: _setting,
    "firmware/services/registers_own.py": _register,
    "firmware/routes.py": _route,
    "firmware/services/hass.py": _value,
    "firmware/names.py": _name,
}


def useless(board):
    """Return a function that tells of the key of a text whether the pages of a board have no use for it."""
    patterns = [pattern for part in lacks(board) for pattern in TEXTS_OF.get(part, ())]
    gone = _keys("HOST") - _keys(board)
    return lambda key: key in gone or _fits(key, patterns)


def settings(board):
    """Return the schema's TABLES as a board has them."""
    text = reduced(board, _SCHEMA, (TOP / _SCHEMA).read_text())
    assigned = [node for node in ast.parse(text).body if isinstance(node, ast.Assign)]
    (tables,) = [node.value for node in assigned if ast.unparse(node.targets[0]) == "TABLES"]
    return ast.literal_eval(tables)


def _keys(board):
    """Return the keys of all texts about a board's settings."""
    keys = set()
    for page, rows, _ in settings(board):
        keys |= {f"{kind}.{page}" for kind in ("page", "card", "section")}
        for row in rows.strip().split("\n"):
            name, kind, _, values, _, _ = row.split("|")
            keys |= {f"{kind}.{name}" for kind in ("setting", "hint", "heading")}
            if kind == "choice":
                keys |= {"choice." + pair.partition("=")[2] for pair in values.split(",")}
    return keys


def _fits(path, patterns):
    return any(fnmatchcase(str(path), pattern) for pattern in patterns)
