"""RTU codec: encode a read of 91 registers, check its reply of 187 bytes, hand out the data."""

from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.register_message import ReadInputRegistersRequest

from host_tests.bench.interpreter import MODBUS, WIDTHS, figures
from host_tests.bench.table import Table, times, us
from host_tests.bench.timing import median_us
from tools.rig.rtu import seal

_INSIDE = (  # as inside/codec_speed.py tells
    "OpenSG, request made once, as the meters' reader does",
    "OpenSG, a new request each time",
    "micropython-modbus 2.3.7",
)
UNIT, ADDRESS, COUNT = 33, 101, 91
REPLY = seal(bytes((UNIT, 4, 2 * COUNT)) + bytes(index * 37 & 0xFF for index in range(2 * COUNT)))


def tables():
    inside = {bits: figures(bits, "codec_speed.py", REPLY.hex(), UNIT, ADDRESS, COUNT, peers=MODBUS) for bits in WIDTHS}
    table = Table(__doc__.strip(), "64 bit", "ours x", "32 bit", "ours x", "garbage, 32 bit")
    for index, label in enumerate(_INSIDE):
        cells = []
        for bits in WIDTHS:
            took = inside[bits]["us"]
            cells += [us(took[index]), times(took[index] / took[0])]
        table.add(label, *cells, f"{inside[32]['bytes'][index]} B")
    took = median_us(_pymodbus)
    table.add("pymodbus 3.16.1, CPython (registers decoded too)", us(took), times(took / inside[64]["us"][0]))
    yield table


def _pymodbus(count):
    framer = FramerRTU(DecodePDU(False))
    for _ in range(count):
        framer.buildFrame(ReadInputRegistersRequest(address=ADDRESS, count=COUNT, dev_id=UNIT))
        _, pdu = framer.handleFrame(REPLY, UNIT, 0)
        assert pdu is not None
