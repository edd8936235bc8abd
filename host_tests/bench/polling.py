"""What the bench's polled fields have in common: a rig with RS-485 alone, polled without a pause."""

import contextlib
import time

from host_tests.rig import Rig, RigFailed

CODES = {9600: 3, 19200: 4, 115200: 7}  # rs485_baud_rate
_FOUND_S = 60
_STEP_S = 0.004


@contextlib.contextmanager
def polled(baud, addresses):
    """A rig on 32 bits in which an IE38MD at each address is polled for ever; entered when all were found."""
    settings = {"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_baud_rate": CODES[baud], "poll_ms": 0, "rs485_type_2": 0}
    meters = []
    for slot, address in enumerate(addresses, 1):
        settings[f"rs485_type_{slot}"] = 2
        settings[f"rs485_addr_{slot}"] = address
        meters.append({"port": "rs485", "model": "IE38MD", "serial": f"X{address:07}", "address": address, "baud": baud})
    with Rig(bits=32, meters=meters, settings=settings) as rig:
        until(rig, lambda: rig.get_json("/get_command?command=get_devices")["total_meas"] == len(addresses))
        yield rig


def until(rig, condition):
    """Wait for something that nothing announces."""
    end = time.monotonic() + _FOUND_S
    while not condition():
        if time.monotonic() > end:
            raise RigFailed(f"not all was there after {_FOUND_S} s: {rig.log()[-500:]}")
        time.sleep(0.2)


def at_frame(rig):
    """The wire's counters just after a request was heard: between two of these lie whole transactions."""
    before = rig.control("wire", port="rs485")["frames"]
    while True:
        wire = rig.control("wire", port="rs485")
        if wire["frames"] != before:
            return wire
        time.sleep(_STEP_S)


def statistics(rig):
    return rig.get_json("/get_command?command=get_statistics")
