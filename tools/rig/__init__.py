"""The rig: the gateway on your desk, with simulated meters on real pseudo-terminals and a control channel.

`python -m tools.rig up [--json] [options]` starts everything and runs until SIGTERM, SIGINT or the end of a stdin pipe.

A meters file (`--meters`) is a JSON list of meters, or {"meters": [...], "settings": {...}, "clock": UNIX or null}:

    {"port": "rs485", "family": "WM3M4", "model": "WM3M4C", "serial": "18230001", "address": 35,
     "values": {"U1": 220.5, "counter1nr": 200}, "registers": {"30105": "FD00C35A"}}

    port       ir_left, ir_right or rs485
    family     IE38, IE35, IE14, WM3M4, WM3, WM1, MC, iMC, MT, Bicom, IR Bicom, 7M.24, 7M.38, 7M.34.8; else told from the model
    model, serial, address, name, description, location, software_version (123 = 1.23), hardware_version
    baud, parity ("N", "E", "O"), stop       the meter's own line; 19200 8N1 on infrared, 115200 8N1 on RS-485
    delay_ms   from the end of the request (silence included) to the first character of the answer; 20
    fault      one of tools.rig.faults.METER_FAULTS
    values     pinned: names of /get_command ("frequency", "P0", "PF1", "THDUp1", "tariff"), counters in Wh, varh or VAh,
               "state" of a Bicom, "invalid" (bits of 30101)
    registers  raw words in hex by register number; they win over everything
    counters   what the counters start with; these go on counting
    load       {"I": amperes, "angle": degrees, positive is inductive, beyond 90 is export}
    frozen     true: nothing moves
    relay      0 or 1: a relay hangs on this meter's infrared port (30197); left out: none (255)
    clock_set  false: the meter does not know the time (30044 bit 4)
    time_blocks  true: an IE of the newer kind, with five tariff blocks

IEC 62056-21 meters ("family": "IEC Makel", Kohler, Luna, Viko, EMH, Landis, Iskra, Elster) are described in families/iec.py,
DLMS meters ("family": "DLMS"), which the port "network" may have, too, in families/dlms.py.

    count      so many of this entry, serial and address one higher each time; 1

Source of the maps: the sheet of Iskra devices, by its section numbers. Nothing here imports the firmware, so that a
mistake in its tables cannot cancel out against ours.
"""
