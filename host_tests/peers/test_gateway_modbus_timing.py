"""How long Modbus TCP clients wait while others, the gateway's own polls and a dead unit use the same slow wire, in true time.

Here characters take their time: 91 registers at 9600 baud are a quarter of a second. What is promised: a read of a meter that
is there comes back within a second whatever the others do.
"""

import threading
import time

import pytest

from host_tests.gateway import answered, change, detected, gateway, statistics
from host_tests.modbus_client import Client, read

READS = 30
WITHIN_S = 1.0
DEAD = 37  # configured, and nobody has this address
EVERY = 4  # of the other client's requests one goes to the dead unit
NOBODY_THERE = "840b"
HICCUPS = 3  # reads that this machine, not the gateway, may hold up: each is repeated at once
MARGIN_S = 0.5
ALL = read(4, 100, 91)
SETTINGS = {
    "rs485_baud_rate": 3,
    "poll_ms": 0,
    "left_ir_enabled": 0,
    "ir_ext_rel_mode": 0,
    **{f"rs485_type_{slot}": 2 for slot in (1, 2, 3)},
    **{f"rs485_addr_{slot}": address for slot, address in ((1, 35), (2, 36), (3, DEAD))},
}
METERS = [
    {"model": "WM3M4C", "serial": "S35", "address": 35, "baud": 9600},
    {"model": "MC666", "serial": "S36", "address": 36, "baud": 9600},
]


@pytest.fixture(scope="module")
def rig():
    with gateway(32, fast=False, meters=METERS, settings=SETTINGS) as rig:
        detected(rig, 2)
        answered(rig, "get_counters1")
        answered(rig, "get_counters2")
        yield rig


def timed(client, unit, pdu):
    """(answer, seconds)."""
    began = time.monotonic()
    answer = client.ask(unit, pdu)
    return answer, time.monotonic() - began


class Other(threading.Thread):
    """A client that asks unit 36 without a pause, and the dead unit now and then. `dead`: seconds that each of those took."""

    def __init__(self, rig):
        super().__init__(daemon=True)
        self._rig = rig
        self.is_over = False
        self.count = 0
        self.dead = []
        self.wrong = []

    def run(self):
        with Client(self._rig) as client:
            while not self.is_over:
                self.count += 1
                if self.count % EVERY:
                    answer, _ = timed(client, 36, ALL)
                    is_right = answer.startswith("04b6")
                else:
                    answer, took_s = timed(client, DEAD, ALL)
                    self.dead.append(took_s)
                    is_right = answer == NOBODY_THERE
                if not is_right:
                    self.wrong.append(answer)


def test_a_read_takes_less_than_a_second_whatever_the_others_do(rig):
    other = Other(rig)
    other.start()
    took, late = [], []
    try:
        with Client(rig) as client:
            while len(took) < READS:
                wire = rig.control("wire", port="rs485")
                answer, took_s = timed(client, 35, ALL)
                assert answer.startswith("04b6"), answer
                if took_s >= WITHIN_S:
                    now = rig.control("wire", port="rs485")
                    late.append((round(took_s, 3), {name: round(now[name] - wire[name]) for name in ("frames", "busy_ms")}))
                    answer, took_s = timed(client, 35, ALL)
                assert took_s < WITHIN_S, (late, took_s)
                took.append(took_s)
    finally:
        other.is_over = True
        other.join()
    assert len(late) <= HICCUPS, late
    assert not other.wrong
    assert other.count >= READS // 2 and len(other.dead) >= 3, "the other client hardly had a turn"
    patience_s = 2.5  # modbus_wait_ms
    assert max(other.dead) < patience_s + MARGIN_S, other.dead
    polled = statistics(rig, "rs485", 35)["answered"] - len(took) - len(late)
    assert polled > 0 and statistics(rig, "rs485", DEAD)["answered"] == 0


def test_a_dead_unit_is_told_within_the_wait_that_was_set(rig):
    """Be it shorter than what the wire needs to find out, and with the wire in use by others."""
    other = Other(rig)
    change(rig, modbus_wait_ms=400)
    try:
        with Client(rig) as client:
            assert client.ask(35, read(4, 1, 8)).startswith("0410")
            other.start()
            for address in range(5):
                answer, took_s = timed(client, 90 + address, read(4, 1, 8))  # units that nobody has heard of
                assert answer == NOBODY_THERE and took_s < 0.4 + MARGIN_S, took_s
                answer, took_s = timed(client, DEAD, read(4, address, 8))
                assert answer == NOBODY_THERE and took_s < 0.4 + MARGIN_S, took_s
    finally:
        other.is_over = True
        change(rig, modbus_wait_ms=2500)
        other.join()
    assert not [answer for answer in other.wrong if answer != NOBODY_THERE]  # its own wait may have been too short
