"""What tools/frozen freezes into the interpreter of a development machine: the whole application and the host board.

As on the device with -O3: no assertions, no line numbers. Modules of the device's own hardware come along, unused.
"""

import os
import subprocess
import sys

_TOP = "../.."
_board = os.environ.get("OPENSG_BOARD", "HOST")  # HOST-SG_W1: with what that board has and no more (tools/parts.py)

_command = [sys.executable, "-m", "tools.bundle", _board]
_paths = subprocess.run(_command, cwd=_TOP, check=True, capture_output=True, text=True).stdout.split()

include("$(MPY_DIR)/extmod/asyncio")

for _room in ("lib", "firmware"):
    _files = [_path[len(_room) + 1 :] for _path in _paths if _path.startswith(_room + "/")]
    package(_room, files=_files, base_path=_TOP + "/build/bundle/" + _board, opt=3)  # tools/bundle.py

package("umqtt", base_path=_TOP + "/.tools/device", opt=3)
module("web_assets.py", base_path=_TOP + "/build/web/" + _board, opt=3)
module("board.py", base_path="." if _board == "HOST" else _TOP + "/build/boards/" + _board, opt=3)
module("start.py", opt=3)
