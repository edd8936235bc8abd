"""Answers Modbus requests from what the gateway knows: its own unit, and every meter as floats and as a SunSpec device.

No bus is asked, so it does not wait. Called by whoever received the request; loaded by Router.module(), as are the parts that
only some requests need (registers_*.py). Tables: registers_own.py, registers_mirror_map.py; in words: docs/modbus-map.md.
"""

from micropython import const

from lib.modbus.errors import DEVICE_FAILURE, ILLEGAL_FUNCTION, PeerError
from lib.modbus.server import decode, encode_exception, encode_written, write_range
from lib.modbus.window import Window

_READ_HOLDING = const(3)
_READ_INPUT = const(4)
_WRITE_ONE = const(6)
_WRITE = const(16)
_WRITE_AND_READ = const(23)
_SUNSPEC = const(40000)


def answer(gateway, device, pdu, out):
    """Write the reply to a request into `out` and return its length.

    `device`: the Device whose mirror is asked, None for the gateway itself. `pdu`, `out`: memoryviews that do not overlap, the
    function code first; `out` has at least 253 bytes. Whatever a client sends is answered, if need be with exception 1 to 4;
    4 also when there is no memory.
    """
    function = pdu[0] if len(pdu) else 0
    try:
        if function == _READ_HOLDING or function == _READ_INPUT:
            _, address, count, _ = decode(pdu)
            return _read(gateway, device, function, address, count, out)
        if device is not None or function not in (_WRITE_ONE, _WRITE, _WRITE_AND_READ):
            raise PeerError(ILLEGAL_FUNCTION)
        writes = _part(gateway, "writes")
        writes.check_unlocked(gateway)
        _, address, count, values = decode(pdu)
        if function == _WRITE_AND_READ:
            _read(gateway, None, function, address, count, out)  # nothing is written if that cannot be read
            writes.write(gateway, write_range(pdu)[0], values)
            return _read(gateway, None, function, address, count, out)
        writes.write(gateway, address, values)
        return encode_written(out, pdu)
    except PeerError as error:
        return encode_exception(out, function, error.code)
    except MemoryError:
        return encode_exception(out, function, DEVICE_FAILURE)


def _read(gateway, device, function, address, count, out):
    end = 2 + 2 * count
    out[0] = function
    out[1] = 2 * count
    out[2:end] = bytes(2 * count)
    if device is None:
        name = "inputs" if function == _READ_INPUT else "settings"
    else:
        name = "sunspec" if address >= _SUNSPEC else "mirror"
    _part(gateway, name).read(gateway, device, Window(out[2:end], address, count))
    return end


def _part(gateway, name):
    return gateway.router.module("firmware.services.registers_" + name)
