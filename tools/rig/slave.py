"""The Modbus side of a simulated device: a request's PDU in, the answer's PDU out.

Function codes 03, 04, 06 and 16, as the meters take (sheet, section 2); limits of Modbus Application Protocol V1.1b3,
6.3, 6.4, 6.6 and 6.12.
"""

import struct

from tools.rig.registers import HOLDING, ILLEGAL_FUNCTION, ILLEGAL_VALUE, INPUT, Refused

_BASES = {3: HOLDING, 4: INPUT}


def answer(pdu, device):
    """Answer of `device`, which offers read(base, address, count) and write(function, address, words)."""
    function = pdu[0]
    try:
        if function in _BASES:
            return _read(pdu, device)
        if function == 6:
            return _write_one(pdu, device)
        if function == 16:
            return _write_many(pdu, device)
        raise Refused(ILLEGAL_FUNCTION)
    except Refused as refusal:
        return bytes((function | 0x80, refusal.code))


def _read(pdu, device):
    if len(pdu) != 5:
        raise Refused(ILLEGAL_VALUE)
    function, address, count = struct.unpack(">BHH", pdu)
    if not 1 <= count <= 125:
        raise Refused(ILLEGAL_VALUE)
    words = device.read(_BASES[function], address, count)
    return struct.pack(f">BB{count}H", function, 2 * count, *words)


def _write_one(pdu, device):
    if len(pdu) != 5:
        raise Refused(ILLEGAL_VALUE)
    function, address, word = struct.unpack(">BHH", pdu)
    device.write(function, address, [word])
    return bytes((device.WRITE_ANSWER,)) + pdu[1:]


def _write_many(pdu, device):
    if len(pdu) < 6:
        raise Refused(ILLEGAL_VALUE)
    function, address, count, size = struct.unpack(">BHHB", pdu[:6])
    if not 1 <= count <= 123 or size != 2 * count or len(pdu) != 6 + size:
        raise Refused(ILLEGAL_VALUE)
    device.write(function, address, list(struct.unpack(f">{count}H", pdu[6:])))
    return pdu[:5]
