"""The rig around the stand-in gateway: `stand_in_rig.py FOLDER BOARD WATCHDOG_S [POWER_CUT]`, prints the ready line."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from tools.rig import field
from tools.rig.station import Station

folder, board, watchdog_s, *power_cut = sys.argv[1:]
options = {
    "has_slots": False,
    "operations": Path(folder) / "operations",
    "flash": Path(folder) / "flash",
    "log": Path(folder) / "log",
    "board": board,
    "ports": {},
    "http_port": 0,
    "modbus_port": 0,
    "discovery_port": 0,
    "netbios_port": 0,
    "settings": {"left_ir_enabled": 1},
    "clock_set": True,
    "power_cut": int(power_cut[0]) if power_cut else None,
    "fast": True,
}
command = [sys.executable, str(Path(__file__).with_name("stand_in_gateway.py"))]
with field.Field(field.load(field.DEFAULT)["meters"], folder, fast=True) as simulated:
    station = Station(simulated, options, command, float(watchdog_s))
    status = station.run(lambda ready: print(json.dumps(ready), flush=True), 0)
sys.exit(status)
