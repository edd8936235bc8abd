"""Our Modbus codec behind JSON lines, for the peers' tests: runs in MicroPython, answers each line of stdin with one."""

import json
import sys

from lib.modbus import other_replies as replies
from lib.modbus import other_requests as make_other
from lib.modbus import request as make
from lib.modbus import server
from lib.modbus.errors import PeerError
from lib.modbus.reply import ReplyReader

reader = ReplyReader()
slave = server.RequestReader(0)
adu = memoryview(bytearray(256))


def fill(collector, wire):
    collector.room()[: len(wire)] = wire
    collector.filled(len(wire))


def build(name, arguments):
    """The frame of a request, and the size of the reply it expects."""
    request = getattr(make_other if hasattr(make_other, name) else make, name)(*arguments)
    return request.adu.hex(), request.reply_size


def read(asked, wire):
    """The PDU of the reply `wire` to the request frame `asked`, or the code of the exception."""
    frame = bytes.fromhex(asked)
    reader.restart(make.raw(frame[0], frame[1:-2]))
    fill(reader, bytes.fromhex(wire))
    try:
        pdu = reader.pdu()
        return bytes(reader.silence() if pdu is None else pdu).hex()
    except PeerError as error:
        return error.code


def take(unit, wire):
    """What a slave makes of the request frame `wire`."""
    slave.unit = unit
    slave.restart()
    fill(slave, bytes.fromhex(wire))
    function, address, count, values = server.decode(slave.pdu())
    return function, address, count, values and bytes(values).hex()


def answer(unit, function, values):
    """The frame of a reply: with values to a read, with a request's PDU to a write, with a code an exception."""
    pdu = adu[1:]
    if isinstance(values, int):
        length = server.encode_exception(pdu, function, values)
    elif isinstance(values, str):
        length = server.encode_written(pdu, bytes.fromhex(values))
    elif function <= 2:
        length = replies.encode_bits(pdu, function, values)
    else:
        length = replies.encode_registers(pdu, function, values)
    return bytes(adu[: server.close_adu(adu, unit, length)]).hex()


for line in sys.stdin:
    what, arguments = json.loads(line)
    print(json.dumps(globals()[what](*arguments)))
