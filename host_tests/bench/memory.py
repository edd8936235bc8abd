"""Memory: the heap of the whole gateway with four devices, and the flash its code takes."""

import time

from host_tests.bench.polling import until
from host_tests.bench.table import Table, kilobytes, percent
from host_tests.rig import Rig
from tools import image
from tools.rig.command_line import HEAPS

_HEAP = 64 * 1024
_FLASH = (220 + 120) * 1024  # code and pages together
_BOARD = "SG_W1"
_IDLE_S = 13  # what was loaded for a request is dropped after ten
_DEFAULT_METERS = 3  # of the rig's default field; and one bistable switch


def tables():
    table = Table("Heap after a collection, default field of four devices", "heap", "used", "free", "of budget", "budget")
    used, free = _heap(32)
    label = "32 bit, code frozen into the interpreter, as on the device"
    table.add(label, HEAPS[32], kilobytes(used), kilobytes(free), percent(used / _HEAP), kilobytes(_HEAP))
    used, free = _heap(64)
    table.add("64 bit, code in an image (objects twice as large)", HEAPS[64], kilobytes(used), kilobytes(free), "", "none")
    yield table

    sizes = image.frozen_sizes(_BOARD)
    table = Table(f"Flash: all modules of {_BOARD} as .mpy, -O3, for {image.DEVICE}", "modules", "size", "of budget", "budget")
    total = sum(sizes.values())
    table.add("in all", str(len(sizes)), kilobytes(total), percent(total / _FLASH), kilobytes(_FLASH))
    pages = sizes.pop(image.WEB)
    table.add("  the pages", "", kilobytes(pages), percent(pages / _FLASH))
    for room in image.ROOMS:
        inside = [size for path, size in sizes.items() if path.startswith(room + "/")]
        table.add(f"  {room}/", str(len(inside)), kilobytes(sum(inside)), percent(sum(inside) / _FLASH))
    yield table


def _heap(bits):
    """(used, free) bytes of a gateway that found its field and went on for a few seconds."""
    with Rig(bits=bits) as rig:

        def complete():
            status = rig.get_json("/get_command?command=get_status")
            return (status["measurement_device_count"], status["bicom_device_count"]) == (_DEFAULT_METERS, 1)

        until(rig, complete)
        time.sleep(_IDLE_S)
        told = rig.control("heap")
    return told["used"], told["free"]
