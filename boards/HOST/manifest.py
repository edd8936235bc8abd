"""What tools/frozen freezes into the interpreter of a development machine: the whole application and the host board.

As on the device with -O3: no assertions, no line numbers. Modules of the device's own hardware come along, unused.
"""

import os

_TOP = "../.."

include("$(MPY_DIR)/extmod/asyncio")

for _room in ("lib", "firmware"):
    _files = []
    for _folder, _, _names in os.walk(os.path.join(_TOP, _room)):
        for _name in _names:
            if _name.endswith(".py"):
                _files.append(os.path.relpath(os.path.join(_folder, _name), os.path.join(_TOP, _room)))
    package(_room, files=sorted(_files), base_path=_TOP + "/build/lean", opt=3)  # tools/lean.py

package("umqtt", base_path=_TOP + "/.tools/device", opt=3)
module("web_assets.py", base_path=_TOP + "/build/web", opt=3)
module("web_profile.py", base_path=_TOP + "/build/web", opt=3)
module("web_iec.py", base_path=_TOP + "/build/web", opt=3)
module("board.py", opt=3)
module("start.py", opt=3)
