"""Which modules a board has: those of what its board.py names in PROTOCOLS (of its ports) and PARTS (all else).

PARTS_OF says which modules belong to what a board may lack; everything else is on every board. Code that needs such a module
asks `board.PROTOCOLS` or `board.PARTS`, and imports it where it is used.
"""

import ast
from fnmatch import fnmatchcase

from tools.image import TOP

PARTS_OF = {
    "iec62056": (
        *("lib/iec62056/*", "firmware/iec.py", "firmware/bus/iec*", "firmware/meters/iec*"),
        *("firmware/state/iec*", "firmware/services/iec*", "web_iec.py"),
    ),
    "tunnel": ("lib/rfc2217/*", "firmware/bus/tunnel*", "firmware/services/tunnel.py", "firmware/services/tunnel_session.py"),
    "profile": (
        "lib/store/profile*",
        "firmware/state/profile*",
        "firmware/services/profile*",
        "firmware/services/demand*",
        "web_profile.py",
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
    ),
    "setup": ("firmware/services/setup_ap.py",),
    # Iskra's own search for gateways, and names by NetBIOS
    "discovery": ("firmware/services/discovery*", "firmware/services/netbios*", "firmware/services/neighbours.py"),
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
_UNUSED = ("lib/http/files.py", "lib/modbus/other_*", "lib/provision/security0.py")


def board_data(board):
    """Return {name: value} of a board.py: literals only."""
    tree = ast.parse((TOP / "boards" / board / "board.py").read_text())
    return {ast.unparse(node.targets[0]): ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign)}


def part_of(path):
    """Return the name of the part that a module of the application belongs to, None if every board has it."""
    for part, patterns in PARTS_OF.items():
        if _fits(path, patterns):
            return part
    return None


def chooser(board):
    """Return a function that tells of a path inside the image whether the board has that module."""
    data = board_data(board)
    if data["PLATFORM"] == "host":
        return lambda path: True
    present = {None, *data["PROTOCOLS"], *data["PARTS"]}
    return lambda path: part_of(path) in present and not _fits(path, _HOST_ONLY + _UNUSED)


def _fits(path, patterns):
    return any(fnmatchcase(str(path), pattern) for pattern in patterns)
