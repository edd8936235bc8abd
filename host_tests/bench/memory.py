"""Memory: the heap of the whole gateway with four devices, and the flash its code takes."""

import time

from host_tests.bench.polling import FROZEN, IMAGE, IS_FROZEN, until
from host_tests.bench.table import Table, kilobytes, percent
from host_tests.rig import Rig
from tools import image

_HEAP = 64 * 1024
_FLASH = 220 * 1024
_BOARD = "SG_W1"
_IDLE_S = 5
_DEFAULT_METERS = 3  # of the rig's default field; and one bistable switch


def tables():
    table = Table("Heap after a collection, 32 bit, default field", "heap", "used", "free", "of budget", "budget")
    kinds = [("code frozen into the interpreter, as on the device", FROZEN)] if IS_FROZEN else []
    for label, options in [*kinds, ("code in a ROMFS image, mapped outside the heap", IMAGE)]:
        used, free = _heap(options)
        budget = kilobytes(_HEAP) if options is FROZEN else "none"
        table.add(label, options["heap"], kilobytes(used), kilobytes(free), percent(used / _HEAP), budget)
    if not IS_FROZEN:
        table.note("no frozen interpreter was built (tools/frozen): what the device needs was not measured")
    table.note("with an image, what modules define (functions, classes, names) is made on the heap; frozen, it stays in flash")
    yield table

    sizes = image.frozen_sizes(_BOARD)
    table = Table(f"Flash: all modules of {_BOARD} as .mpy, -O3, for {image.DEVICE}", "modules", "size", "of budget", "budget")
    total = sum(sizes.values())
    table.add("in all", str(len(sizes)), kilobytes(total), percent(total / _FLASH), kilobytes(_FLASH))
    for room in image.ROOMS:
        inside = [size for path, size in sizes.items() if path.startswith(room + "/")]
        table.add(f"  {room}/", str(len(inside)), kilobytes(sum(inside)), percent(sum(inside) / _FLASH))
    yield table


def _heap(options):
    """(used, free) bytes of a gateway that found its field and went on for a few seconds."""
    with Rig(**options) as rig:

        def complete():
            status = rig.get_json("/get_command?command=get_status")
            return (status["measurement_device_count"], status["bicom_device_count"]) == (_DEFAULT_METERS, 1)

        until(rig, complete)
        time.sleep(_IDLE_S)
        told = rig.control("heap")
    return told["used"], told["free"]
