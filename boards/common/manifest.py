"""What is frozen on every ESP32 board; a board's own manifest includes this and adds its board.py.

The port's own Python modules stay out: _boot, flashbdev and inisetup are replaced by our _boot.py, nobody uses the others.
-O3 drops assertions and line numbers; the modules are those of tools/lean.py, made here, so that they are never older than
their sources. The pages have to be there (`python -m tools.web`).
"""

import os
import subprocess
import sys

_TOP = "../.."
_HOST_ONLY = (
    "aioble_fake.py",
    "bluetooth_fake.py",
    "flash_file.py",
    "host.py",
    "radio_fake.py",
    "rig_link.py",
    "slots_file.py",
    "uart_pty.py",
)  # no device has these
# Of lib, what no service of a device uses: security 0 is for tests, pages are no files, no bus speaks IEC 62056-21 yet.
_UNUSED = (
    "files.py",
    "iec62056",
    "other_replies.py",
    "other_requests.py",
    "other_types.py",
    "security0.py",
)

# What belongs to a protocol that the board has not got (PROTOCOLS of its board.py)
_IEC = ("iec.py", "iec_reader.py", "iec_codes.py", "iec_family.py", "iec_clock.py", "iec_profile.py", "iec_meters.py")

subprocess.run([sys.executable, "-m", "tools.lean"], cwd=_TOP, check=True)

include("$(MPY_DIR)/extmod/asyncio")
require("aioble-peripheral")  # for provisioning: of aioble only what a device needs
require("aioble-server")
require("umqtt.simple")

for _room in ("lib", "firmware"):
    _files = []
    for _folder, _, _names in os.walk(os.path.join(_TOP, _room)):
        for _name in _names:
            _is_host = _name in _HOST_ONLY and os.path.basename(_folder) == "port"
            _is_unused = _room == "lib" and (_name in _UNUSED or os.path.basename(_folder) in _UNUSED)
            _is_unused = _is_unused or _room == "firmware" and _name in _IEC
            if _name.endswith(".py") and not _is_host and not _is_unused:
                _files.append(os.path.relpath(os.path.join(_folder, _name), os.path.join(_TOP, _room)))
    package(_room, files=sorted(_files), base_path=_TOP + "/build/lean", opt=3)

module("web_assets.py", base_path=_TOP + "/build/web", opt=3)
module("_boot.py", opt=3)
module("boot.py", opt=3)
module("main.py", opt=3)
