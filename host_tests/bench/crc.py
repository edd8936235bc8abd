"""CRC-16 of a frame of 256 bytes."""

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

from pymodbus.framer import FramerRTU

from host_tests.bench.interpreter import HERE, MODBUS, WIDTHS, NotMeasured, figures
from host_tests.bench.table import Table, times, us
from host_tests.bench.timing import median_us

_INSIDE = (  # as inside/crc_speed.py tells
    "OpenSG, viper, two tables",
    "micropython-modbus 2.3.7, Python, one table",
    "plain Python in MicroPython, bit by bit",
)
DATA = bytes(index * 73 + 41 & 0xFF for index in range(256))


def tables():
    inside = {bits: figures(bits, "crc_speed.py", DATA.hex(), peers=MODBUS) for bits in WIDTHS}
    values = {value for told in inside.values() for value in told["values"]}
    ours = inside[64]["us"][0]
    table = Table(__doc__.strip(), "64 bit", "ours x", "32 bit", "ours x")
    for index, label in enumerate(_INSIDE):
        cells = []
        for bits in WIDTHS:
            took = inside[bits]["us"]
            cells += [us(took[index]), times(took[index] / took[0])]
        table.add(label, *cells)
    took = median_us(_pymodbus)
    swapped = FramerRTU.compute_CRC(DATA)
    values.add((swapped & 0xFF) << 8 | swapped >> 8)
    table.add("pymodbus 3.16.1, CPython", us(took), times(took / ours))
    compiler = shutil.which("cc")
    if compiler:
        function = _compiled(compiler)
        took = median_us(lambda count: function(DATA, len(DATA), count))
        values.add(function(DATA, len(DATA), 1))
        table.add("C, one table, cc -O2, loop in C", us(took), times(took / ours))
    else:
        table.note("there is no C compiler `cc` on this machine: no row for C")
    if len(values) != 1:
        raise NotMeasured(f"not all found the same CRC: {sorted(values)}")
    yield table


def _pymodbus(count):
    compute = FramerRTU.compute_CRC
    for _ in range(count):
        compute(DATA)


def _compiled(compiler):
    """crc16(data, length, count) of crc16.c as a function; the library stays loaded when its file is gone."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "crc16.so"
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, HERE / "crc16.c"], check=True)
        function = ctypes.CDLL(str(library)).crc16
    function.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint]
    function.restype = ctypes.c_uint
    return function
