"""What is frozen on every ESP32 board; a board's own manifest includes this with its name and adds its board.py.

The port's own Python modules stay out: _boot, flashbdev and inisetup are replaced by our _boot.py, nobody uses the others.
-O3 drops assertions and line numbers; the modules are those of tools/bundle.py, made here, so that they are never older than
their sources. Which of them, and what of their tables and of the pages, the board has is told by tools/parts.py.
"""

import subprocess
import sys

_TOP = "../.."

for _tool in ("tools.web", "tools.bundle"):
    _command = [sys.executable, "-m", _tool, options.board]
    _paths = subprocess.run(_command, cwd=_TOP, check=True, capture_output=True, text=True).stdout.split()

include("$(MPY_DIR)/extmod/asyncio")
if "firmware/port/ble_aioble.py" in _paths:
    require("aioble-peripheral")  # for provisioning: of aioble only what a device needs
    require("aioble-server")
require("umqtt.simple")

for _room in ("lib", "firmware"):
    _files = [_path[len(_room) + 1 :] for _path in _paths if _path.startswith(_room + "/")]
    package(_room, files=_files, base_path=_TOP + "/build/bundle/" + options.board, opt=3)

module("web_assets.py", base_path=_TOP + "/build/web/" + options.board, opt=3)
module("_boot.py", opt=3)
module("boot.py", opt=3)
module("main.py", opt=3)
