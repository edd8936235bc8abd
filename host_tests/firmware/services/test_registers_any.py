"""Whatever a client sends to the gateway's own unit or to a meter's mirror is answered, and nothing grows."""

import gc

from firmware.services.registers_mirror_map import BLOCKS, SUNSPEC_BLOCKS
from firmware.services.registers_own import HOLDING_BLOCKS, INPUT_BLOCKS
from firmware.state.modbus_access import needed
from host_tests.fakes.register_gateway import Gateway, configure, put

REQUESTS = 10000
FUNCTIONS = (3, 4, 3, 4, 6, 16, 16, 23, 1, 2, 5, 15, 7, 8, 43, 0x83, 0)


class Dice:
    """A generator of numbers that gives the same ones everywhere (a linear congruence modulo 2**31 - 1)."""

    def __init__(self, seed):
        self._state = seed

    def below(self, most):
        self._state = self._state * 48271 % 0x7FFFFFFF
        return self._state % most

    def text(self, length):
        return bytes([self.below(256) for _ in range(length)])


def request(dice, device):
    """A PDU: mostly of the right form, at an address near something."""
    function = FUNCTIONS[dice.below(len(FUNCTIONS))]
    if dice.below(8) == 0:
        return bytes((function,)) + dice.text(dice.below(253))
    places = BLOCKS + SUNSPEC_BLOCKS if device else INPUT_BLOCKS if function == 4 else HOLDING_BLOCKS
    first, registers = places[dice.below(len(places))]
    address = max(0, first + dice.below(registers + 2) - 1) if dice.below(20) else dice.below(0x10000)
    count = (1, 1, 2, 2, 4, 10, 20, 123, 125, 126, 0)[dice.below(11)]
    place = bytes((address >> 8, address & 255))
    sized = place + bytes((0, count))
    if function == 6:
        return bytes((6,)) + place + (dice.text(2) if dice.below(2) else bytes((0, dice.below(10))))
    if function in (15, 16, 23):
        count = min(count, 121)
        values = dice.text(2 * count) if dice.below(3) == 0 else bytes([32 + dice.below(2) * dice.below(90)] * (2 * count))
        head = sized if function == 23 else b""
        return bytes((function,)) + head + place + bytes((0, count, 2 * count)) + values
    return bytes((function,)) + sized


async def run(gateway, devices, dice, count):
    """Ask; return how many requests were not refused."""
    served = 0
    for number in range(count):
        device = devices[number % len(devices)]
        if number % 50 == 0:
            gateway.pass_s(31)
            if dice.below(4):
                needed(gateway).open(gateway.clock.uptime_s(), 1 + dice.below(9))
        pdu = bytes.fromhex("06000c0001") if number % 90 == 45 else request(dice, device)
        reply = bytes.fromhex(gateway.ask(pdu.hex(), device))
        asked = pdu[0] if pdu else 0
        if reply[0] & 0x80 and len(reply) == 2:
            assert reply[0] == asked | 0x80 and 1 <= reply[1] <= 4, (pdu, reply)
            continue
        served += 1
        if asked in (3, 4, 23):
            assert reply[0] == asked and reply[1] == 2 * (pdu[3] << 8 | pdu[4]) and len(reply) == 2 + reply[1]
        else:
            assert asked in (6, 16) and reply == pdu[:5] and not device
    return served


async def test_any_request_is_answered():
    gateway = Gateway(locked=1)
    device = gateway.meter()
    put(device, U1=(22050, -2), counter1nr=(2147483647, 3), P1=(-8388608, 127), I1=(16777215, -127))
    configure(device, 0, 6)
    gateway.inputs.reset_pulses = lambda: None
    dice = Dice(17)
    await run(gateway, (None, device, None), dice, 500)
    gc.collect()
    before = gc.mem_alloc()
    served = await run(gateway, (None, device, None), dice, REQUESTS)
    assert served > REQUESTS // 10, served
    assert gateway.settings.revision > 9, gateway.settings.revision
    gateway.pass_s(1200)
    gateway.read(3, 2001, 4)
    gc.collect()
    assert gc.mem_alloc() - before < 16384, (before, gc.mem_alloc())  # what was saved, and restarts that wait
