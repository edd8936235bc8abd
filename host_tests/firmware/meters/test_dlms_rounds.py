"""Which DLMS meter is next, of a thousand: each once in its period, none that failed before its time, in constant RAM."""

import gc

from firmware.meters.dlms import LOCKING, code_of, reason_of
from firmware.meters.dlms_round import DAILY, PRESENT, PROFILE
from firmware.meters.dlms_rounds import DlmsRounds
from firmware.state.dlms_state import State

NOW = 1790000000
COUNT = 1000
SETTINGS = {"dlms_present_min": 15, "dlms_profile_hours": 1, "dlms_daily_at": 10}


class Clock:
    is_set = True
    now = NOW

    def utc(self):
        return self.now


class Listed:
    """A list of `count` meters; those on another wire have an even id if `mixed`."""

    is_loaded = True
    coming = False

    def is_coming(self):
        return self.coming

    def __init__(self, count, mixed=False):
        self.count = count
        self.mixed = mixed
        self.records = {}

    def each(self, start=0):
        while start < self.count:
            yield start, start + 1
            start += 1

    def state(self, number):
        return State(self.records.get(number))

    def put(self, number, state):
        self.records[number] = state.record()

    def find(self, number):
        port = 2 if self.mixed and number % 2 == 0 else 0
        return f"{number}|{number}||{port}|||||||||||||||||1|0"


class Archiving:
    is_told = False


class Kept:
    archive = True
    archiving = Archiving()

    def __init__(self, meters):
        self.meters = meters
        self.clock = Clock()
        self.devices = dict.fromkeys(range(1, meters.count + 1))

    def get(self, name):
        return SETTINGS[name]

    def day_begin(self, now):
        return now - now % 86400


def served(rounds, kept, most=10000, may_probe=True):
    """Serve all that are due now; return [(id, bits)]."""
    found = []
    for _ in range(most):
        number = rounds.due(may_probe)
        if number is None:
            return found
        if number:
            found.append((number, rounds._due_now))
            state = kept.meters.state(number)
            state.read_well(kept.clock.now)
            state.newest[0] = kept.clock.now
            kept.meters.put(number, state)
    raise AssertionError("it never rests")


def test_each_once_in_its_period():
    kept = Kept(Listed(COUNT))
    rounds = DlmsRounds(kept, 0)
    assert sorted(served(rounds, kept)) == [(number, PRESENT | PROFILE | DAILY) for number in range(1, COUNT + 1)]
    assert served(rounds, kept) == []
    kept.clock.now = NOW // 900 * 900 + 900
    wanted = PRESENT | (PROFILE if kept.clock.now % 3600 == 0 else 0)
    assert sorted(served(rounds, kept)) == [(number, wanted) for number in range(1, COUNT + 1)]
    kept.clock.now += 899
    assert served(rounds, kept) == []


def test_those_of_other_wires_are_left_alone():
    kept = Kept(Listed(10, True))
    assert [number for number, _ in served(DlmsRounds(kept, 2), kept)] == [2, 4, 6, 8, 10]


def test_nobody_is_read_while_a_list_comes():
    kept = Kept(Listed(2))
    kept.meters.coming = True
    assert served(DlmsRounds(kept, 0), kept) == []
    kept.meters.coming = False
    assert [number for number, _ in served(DlmsRounds(kept, 0), kept)] == [1, 2]


def test_who_failed_waits_longer_each_time():
    kept = Kept(Listed(2))
    rounds = DlmsRounds(kept, 0)
    for failures, minutes in ((1, 1), (2, 2), (3, 5), (4, 15), (5, 60), (9, 60)):
        state = State()
        for _ in range(failures):
            state.failed(NOW, code_of("no answer"))
        kept.meters.put(1, state)
        for late_s, is_due in ((-1, False), (0, True)):
            kept.clock.now = NOW + 60 * minutes + late_s
            rounds.again()
            assert rounds._wanted(1, kept.clock.now, True) > 0 if is_due else not rounds._wanted(1, kept.clock.now, True)
            assert not rounds._wanted(1, kept.clock.now, False)


def test_a_meter_that_might_lock_itself_is_left_alone():
    kept = Kept(Listed(1))
    rounds = DlmsRounds(kept, 0)
    state = State()
    state.failed(NOW, code_of("authentication failure"))
    assert state.reason in LOCKING and reason_of(state.reason) == "authentication failure"
    kept.meters.put(1, state)
    assert not rounds._wanted(1, NOW + 359 * 60, True)
    assert rounds._wanted(1, NOW + 360 * 60, True)


def test_gaps_are_filled_when_nobody_else_is_due():
    kept = Kept(Listed(3))
    rounds = DlmsRounds(kept, 0)
    served(rounds, kept)
    state = kept.meters.state(2)
    state.newest[0] = NOW - 86400
    kept.meters.put(2, state)
    rounds.again()
    assert served(rounds, kept) == [(2, PROFILE)]


def test_a_clock_that_was_set_back_stops_nobody():
    kept = Kept(Listed(3))
    rounds = DlmsRounds(kept, 0)
    served(rounds, kept)
    kept.clock.now = NOW - 86400
    assert len(served(rounds, kept)) == 3


def test_a_walk_takes_no_memory():
    kept = Kept(Listed(COUNT))
    rounds = DlmsRounds(kept, 0)
    state = State()
    state.read_well(NOW)
    state.newest[0] = NOW
    kept.meters.state = lambda number: state
    gc.collect()
    before = gc.mem_alloc()
    assert served(rounds, kept) == []
    gc.collect()
    assert gc.mem_alloc() - before < 500
