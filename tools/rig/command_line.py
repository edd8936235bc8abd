"""`python -m tools.rig up`: the options, and what is printed."""

import argparse
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.parts import board_data
from tools.rig import boot_loader, flash
from tools.rig import field as fields
from tools.rig.errors import RigError
from tools.rig.gateway import WATCHDOG_S
from tools.rig.modem import Modem
from tools.rig.station import TOP, Station
from tools.rig.world import World

HEAPS = {32: "112k", 64: "448k"}
_SHOWN = 20  # meters of a port that are listed
_PORTS = ("http", "modbus", "discovery", "netbios")  # of the gateway, each with an option
# Slots of the RS-485 line as the default field has them: 2 energy meter, 4 PQ meter.
SETTINGS = {
    "wifi_ssid": "Urbancic",
    "left_ir_enabled": 1,
    "ir_ext_rel_mode": 1,
    "rs485_type_1": 2,
    "rs485_addr_1": 35,
    "rs485_type_2": 4,
    "rs485_addr_2": 36,
}


def parser():
    top = argparse.ArgumentParser(prog="rig", description="The gateway on your desk, with simulated meters.")
    up = top.add_subparsers(dest="command", required=True).add_parser("up", help="start everything")
    up.add_argument("--json", action="store_true", help="print one JSON line when ready")
    up.add_argument("--bits", type=int, choices=(32, 64), default=64, help="which MicroPython build")
    up.add_argument(
        "--frozen",
        action="store_true",
        help="run the application frozen into the interpreter (tools/frozen), as the device does; always so on 32 bits",
    )
    up.add_argument(
        "--image",
        type=Path,
        help="the application (tools.image) that a new flash chip begins with; on 32 bits it takes more heap than a device has",
    )
    up.add_argument(
        "--slots",
        action="store_true",
        help="give a frozen application the two slots, too; whichever the boot loader chooses, it is the frozen one that runs",
    )
    up.add_argument(
        "--release-key", action="append", default=[], metavar="ID=HEX", help="the public key of one who may sign upgrades"
    )
    up.add_argument("--trial-s", type=float, default=300, help="how long a new version may take to prove itself")
    up.add_argument("--watchdog-s", type=float, default=WATCHDOG_S, help="how long the watchdog waits to be fed")
    up.add_argument("--heap", help="the gateway's heap (default 112k on 32 bits, 448k on 64)")
    up.add_argument("--flash", type=Path, help="the flash chip as a file; made when missing, kept when present")
    up.add_argument("--sd", type=Path, help="the SD card as a file; made when missing; without it there is none")
    up.add_argument("--log", type=Path, help="where the gateway's output goes")
    up.add_argument("--port", action="append", default=[], metavar="NAME=TTY", help="wire this port to a serial device")
    up.add_argument("--meters", type=Path, default=fields.DEFAULT, help="JSON of simulated meters (see tools/rig/__init__.py)")
    up.add_argument("--settings", type=Path, help="JSON merged into the settings at first start")
    for name in _PORTS:
        up.add_argument(f"--{name}-port", type=int, default=0, help="a fixed port (0 = any)")
    up.add_argument(
        "--board", choices=boards(), help="behave as this board; without it, the gateway has all that any board has"
    )
    up.add_argument("--fast", action="store_true", help="no baud-rate pacing on simulated lines")
    up.add_argument("--time-scale", type=float, default=1.0, help="the wall clock runs so many times as fast")
    up.add_argument("--clock", help="wall clock at the start as seconds since 1970, or none: the gateway does not know it")
    up.add_argument(
        "--power-cut", type=int, metavar="N", help="die at the N-th flash write or erase since power-on; exit status 42"
    )
    up.add_argument("--flash-log", help="a file for what each flash write or erase does: see firmware/port/flash_file.py")
    return top


def boards():
    return sorted(path.parent.name for path in (TOP / "boards").glob("*/mpconfigboard.cmake") if path.parent.name != "common")


def main(arguments=None):
    options = parser().parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="opensg-rig-"))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # until the station takes over
    try:
        status = _up(options, folder)
    except KeyboardInterrupt:
        status = 0
    except (RigError, SystemExit) as error:  # the image builder ends with SystemExit and a sentence
        print(f"rig: {error}", file=sys.stderr)
        status = 1
    finally:
        if not (folder / "crashed").exists():
            shutil.rmtree(folder, ignore_errors=True)
    return status


def _up(options, folder):
    sys.setswitchinterval(0.0005)  # the lines' threads must not wait long for each other
    content = fields.load(options.meters)
    ports = _external(options.port)
    settings = _settings(options, content)
    clock = content.get("clock", 0) if options.clock is None else _clock(options.clock)
    world = World(clock or None, options.time_scale)
    command, image, frozen = _application(options)
    chip = (options.flash or folder / "flash.bin").absolute()
    fresh = not chip.exists() or chip.stat().st_size == 0
    if image:
        _flash(chip, image, folder / "operations", flash.Layout(options.board))
    with fields.Field(content["meters"], folder, world, options.fast, ports) as field:
        station = Station(
            field,
            {
                "has_slots": image is not None,
                "is_frozen": frozen,
                "flash": chip,
                "operations": folder / "operations",
                "sd": str(options.sd.absolute()) if options.sd else None,
                "log": (options.log or folder / "gateway.log").absolute(),
                "board": options.board,
                "ports": ports,
                **{f"{name}_port": getattr(options, f"{name}_port") for name in _PORTS},
                "settings": settings if fresh else None,
                "clock_set": clock is not None,
                "power_cut": options.power_cut,
                "flash_log": options.flash_log,
                "fast": options.fast,
                "aioble": _aioble(),
                "release_keys": _release_keys(options.release_key),
                "trial_s": options.trial_s,
                "modem": _modem(options, folder),
            },
            command,
            options.watchdog_s,
        )
        show = _show_json if options.json else lambda ready: _show(ready, field)
        status = station.run(show, _stdin_pipe())
        if status == 1:
            (folder / "crashed").touch()  # what is left is worth a look
        return status


def _application(options):
    """What starts the gateway, the image for its flash, None if that has no slots, and whether the application is frozen."""
    frozen = options.frozen or options.bits == 32 and not options.image  # an image would not fit the heap of a device
    board = f"HOST-{options.board}" if options.board else "HOST"
    name = f"micropython{options.bits}" + (f"-frozen{board[4:]}" if frozen else "")
    micropython = TOP / ".tools" / "bin" / name
    if frozen:
        if subprocess.run(
            [TOP / "tools" / "frozen", str(options.bits), board], stdin=subprocess.DEVNULL, check=False
        ).returncode:
            raise RigError(f"there is no {micropython}")
    elif not micropython.exists():
        raise RigError(f"there is no {micropython}; run tools/setup")
    command = [str(micropython), "-X", f"heapsize={options.heap or HEAPS[options.bits]}"]
    command += ["-m", "start"] if frozen else [str(TOP / "boards" / "HOST" / "start.py")]
    if frozen and not options.slots:
        return command, None, True
    from tools import image

    return command, options.image or image.build(board, options.bits), frozen


def _flash(chip, image, counter, layout):
    """Make a new chip, and write the image to one that was never upgraded: who builds anew wants that to run."""
    flash.prepare(chip, layout)
    if not boot_loader.was_upgraded(flash.Flash(chip, counter, layout=layout)):
        flash.write_image(chip, image, layout=layout)


def _modem(options, folder):
    """The simulated modem of a board that has one, None for another."""
    return Modem(folder / "modem") if options.board and "modem" in board_data(options.board)["PARTS"] else None


def _release_keys(arguments):
    keys = {}
    for argument in arguments:
        number, _, key = argument.partition("=")
        if not number.isdecimal() or not 0 < int(number) < 256 or not re.fullmatch("[0-9a-fA-F]{64}", key):
            raise RigError(f"--release-key takes ID=HEX, a number of 1 to 255 and 32 bytes, not {argument!r}")
        keys[int(number)] = key
    return keys


def _aioble():
    """The folder that holds the package aioble, as the environment tells; None: the stand-in serves."""
    folder = os.environ.get("OPENSG_AIOBLE")
    if folder and not (Path(folder) / "aioble" / "__init__.py").exists():
        raise RigError(f"OPENSG_AIOBLE is not a folder that holds the package aioble: {folder}")
    return str(Path(folder).absolute()) if folder else None


def _external(arguments):
    ports = {}
    for argument in arguments:
        name, _, tty = argument.partition("=")
        if name not in fields.PORTS or not tty:
            raise RigError(f"--port takes NAME=TTY with one of {', '.join(fields.PORTS)}, not {argument!r}")
        ports[name] = tty
    return ports


def _settings(options, content):
    """The rig's own, then the meters file's, then those of --settings."""
    settings = {**SETTINGS, **content.get("settings", {})}
    if options.settings:
        try:
            settings.update(json.loads(options.settings.read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise RigError(f"the settings file {options.settings} cannot be read: {error}") from error
    return settings


def _clock(text):
    if text == "none":
        return None
    try:
        return float(text)
    except ValueError:
        raise RigError(f"--clock takes seconds since 1970 or none, not {text!r}") from None


def _stdin_pipe():
    """Standard input when its end means that whoever started us is gone: a pipe. Else None."""
    try:
        mode = os.fstat(0).st_mode
    except OSError:
        return None
    return 0 if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) else None


def _show_json(ready):
    print(json.dumps(ready), flush=True)


def _show(ready, field):
    print(f"{ready['serial']} is up at {ready['http']} (proof of possession {ready['pop']})")
    for port in dict.fromkeys(meter.port for meter in field.meters.values()):
        meters = [meter for meter in field.meters.values() if meter.port == port]
        for meter in meters[:_SHOWN]:
            host = getattr(meter, "host", None)
            print(f"  {port:9}{meter.address:>4}  {meter.model} {meter.serial}{f' at {host}' if host else ''}")
        if len(meters) > _SHOWN:
            print(f"  {port:9}      and {len(meters) - _SHOWN} more")
    print(f"  try: curl '{ready['http']}/get_command?command=get_measurements1'")
    host, port = ready["ble"]
    print(f"  for a phone, while it knows no network (over Bluetooth, {host}:{port}): {ready['code']}")
    host, port = ready["control"]
    print(f"  control channel {host}:{port}, log {ready['log']}; stop with Ctrl-C", flush=True)
