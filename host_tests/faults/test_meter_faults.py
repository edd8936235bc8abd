"""A meter that misbehaves, in the whole gateway: no wrong value is ever served, the others go on, and it comes back."""

import re

import pytest

from host_tests.gateway import answered, command, detected, eventually, gateway, statistics

VICTIM, OTHER, THIRD = "V0000001", "O0000002", "T0000003"
METERS = (
    # Asked for 20 registers at a time, the victim is read in many requests, some of which expect replies of equal length.
    {"model": "IE38MD", "serial": VICTIM, "address": 35, "registers": {"30099": "0014"}},
    {"model": "MC666", "serial": OTHER, "address": 36},
    {"model": "WM3M4C", "serial": THIRD, "address": 37},
    {"port": "ir_left", "model": "IE38MD", "serial": "L0000004"},
)
SETTINGS = {"poll_ms": 100, "ir_ext_rel_mode": 0, "rs485_type_3": 2, "rs485_addr_3": 37}
QUERIES = {
    VICTIM: ("get_measurements1", "get_counters1"),
    OTHER: ("get_measurements2", "get_counters2"),
    THIRD: ("get_measurements3", "get_counters3"),
    "L0000004": ("get_measurements", "get_counters"),
}
ROUNDS = 5
# fault: the counter that shows it and what get_statistics says of the last trouble; None: it answers nonetheless
FAULTS = {
    "mute": ("silent", "no answer"),
    "late": ("silent", "no answer"),
    "crc": ("damaged", "crc"),
    "garbage": ("damaged", None),
    "short": ("damaged", "short"),
    "wrong_unit": ("damaged", "wrong unit"),
    "wrong_function": ("damaged", "wrong function"),
    "exception": ("refused", r"device failure \(4\)"),
    "long": None,
    "twice": None,
    "trickle": None,
}
ON_32 = ("late", "crc", "twice")


def meters():
    """Every value of every meter is another one."""
    entries = []
    for n, entry in enumerate(METERS):
        values = {"frequency": 49.5 + n / 10, "Tint": 20 + n, "tariff": 1 + n % 4}
        for phase in (1, 2, 3):
            k = 10 * n + phase
            values.update({f"U{phase}": 200 + k, f"I{phase}": 1 + k / 100, f"THDI{phase}": k + 0.25, f"THDUp{phase}": k + 0.75})
        for phase in range(4):
            k = 10 * n + phase
            values.update({f"P{phase}": 100 + k, f"Q{phase}": -300 - k, f"S{phase}": 500 + k})
            values.update({f"PF{phase}": 0.1 + k / 1000, f"PA{phase}": -k - 0.5})
        names = {"IE38MD": [f"counter{i}nr" for i in range(1, 5)] + [f"counter{i}" for i in range(1, 17)]}
        names["MC666"] = [f"counter{i}" for i in range(1, 5)]
        names["WM3M4C"] = ["counter1nr", "counter2nr"]
        values.update({name: 100 * (1000 * n + i) for i, name in enumerate(names[entry["model"]], 1)})
        entries.append({**entry, "frozen": True, "values": values})
    return entries


class Watch:
    """A gateway, and the answers it gave while all was well."""

    def __init__(self, rig):
        self.rig = rig
        detected(rig, len(METERS))
        self.good = {}
        for queries in QUERIES.values():
            for query in queries[::-1]:
                self.good[query] = answered(rig, query)

    def answer(self, query):
        """The answer now, of which everything that is there must be right."""
        answer, good = command(self.rig, query), self.good[query]
        for part, items in answer.items():
            for name, value in items.items():
                assert name == "local_time" or value == good[part][name], (query, name, value)
        return answer

    def complete(self, *serials):
        """Whether the answers of these meters are as they were."""
        parts = [(self.answer(query), self.good[query]) for serial in serials for query in QUERIES[serial]]
        return all(answer.get(part) == good[part] for answer, good in parts for part in good if part != "header")

    def empty(self, serial):
        """Whether no value of this meter is served."""
        return not any(self.answer(query).get(query[4:].rstrip("0123456789")) for query in QUERIES[serial])

    def heal(self):
        """Take away what a failed test left behind."""
        self.rig.control("meter", name=VICTIM, fault="none")
        eventually(
            lambda: all(
                command(self.rig, query).get(part) == good[part]
                for query, good in self.good.items()
                for part in good
                if part != "header"
            ),
            lambda: command(self.rig, "get_statistics"),
        )

    def rounds(self, serial, count=ROUNDS):
        """Wait until the meter answered a few requests more while everything that is served stays right."""
        address = self.rig.control("meter", name=serial)["address"]
        port = self.rig.control("meter", name=serial)["port"]
        before = statistics(self.rig, port, address)["answered"]

        def gone_on():
            for each in QUERIES:
                self.complete(each)
            return statistics(self.rig, port, address)["answered"] >= before + count

        eventually(gone_on, lambda: (serial, statistics(self.rig, port, address)))


@pytest.fixture(scope="module")
def watch():
    """watch(bits): made when first asked for."""
    made = {}

    def get(bits):
        if bits not in made:
            rig = gateway(bits, meters=meters(), settings=SETTINGS).__enter__()
            made[bits] = Watch(rig)
        made[bits].heal()
        return made[bits]

    yield get
    for each in made.values():
        each.rig.close()


@pytest.mark.parametrize(("bits", "fault"), [(64, fault) for fault in FAULTS] + [(32, fault) for fault in ON_32])
def test_fault_of_a_meter(watch, bits, fault):
    watch = watch(bits)
    rig = watch.rig
    assert watch.complete(*QUERIES)
    before = statistics(rig, "rs485", 35)
    noise = command(rig, "get_statistics")["rs485_noise_bytes"]
    told = rig.log().count(f"IE38MD #{VICTIM}")
    rig.control("meter", name=VICTIM, fault=fault)
    if FAULTS[fault]:
        counter, words = FAULTS[fault]

        def noticed():
            now = statistics(rig, "rs485", 35)
            empty = watch.empty(VICTIM)
            return now[counter] > before[counter] and (words is None or re.fullmatch(words, now["last_error"])) and empty

        eventually(noticed, lambda: (fault, before, statistics(rig, "rs485", 35)))
    else:
        eventually(
            lambda: (
                (watch.complete(VICTIM) or True)
                and (statistics(rig, "rs485", 35)["asked"] >= before["asked"] + 2 * ROUNDS or watch.empty(VICTIM))
            ),
            lambda: (fault, before, statistics(rig, "rs485", 35)),
        )
    if fault in ("twice", "long"):
        assert watch.complete(VICTIM), fault  # the right answer was there
        assert command(rig, "get_statistics")["rs485_noise_bytes"] > noise
    watch.rounds(OTHER)
    watch.rounds(THIRD)
    assert watch.complete(OTHER, THIRD, "L0000004")
    rig.control("meter", name=VICTIM, fault="none")
    eventually(lambda: watch.complete(VICTIM), lambda: (fault, statistics(rig, "rs485", 35), command(rig, "get_measurements1")))
    if FAULTS[fault] and fault != "exception":  # one that refuses is there
        eventually(lambda: rig.log().count(f"IE38MD #{VICTIM}") >= told + 2, lambda: rig.log())
        lost, again = [line for line in rig.log().splitlines() if f"IE38MD #{VICTIM}" in line][-2:]
        assert " lost, " in lost and again.endswith("answers again")


def test_late_answers_are_never_taken_for_others(watch):
    """The meter is late for a moment, again and again: its old answers come while other registers are asked for."""
    watch = watch(64)
    rig = watch.rig
    for _ in range(3):
        before = statistics(rig, "rs485", 35)
        rig.control("meter", name=VICTIM, fault="late")
        eventually(
            lambda: [watch.complete(VICTIM)] and statistics(rig, "rs485", 35)["silent"] > before["silent"],
            lambda: statistics(rig, "rs485", 35),
        )
        rig.control("meter", name=VICTIM, fault="none")
        watch.rounds(VICTIM, 10)
    eventually(lambda: watch.complete(*QUERIES), lambda: command(rig, "get_statistics"))
