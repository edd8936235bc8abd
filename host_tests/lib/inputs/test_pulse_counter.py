"""The total over restarts and power cuts; the number of writes over a day."""

from lib.inputs.pulse_counter import PulseCounter


def counted(pulses, resets=0):
    """Return the record of a counter."""
    counter = PulseCounter()
    for _ in range(resets):
        counter.reset()
    counter.add(pulses)
    return counter.record()


GOOD = counted(1000)

RESTORED = (
    # what, records in flash, record in memory, total, whether flash lacks it
    ("first start", (), None, 0, False),
    ("missing files", (None, b""), None, 0, False),
    ("one record", (GOOD,), None, 1000, False),
    ("the larger of two, either way round", (GOOD, counted(1600)), None, 1600, False),
    ("the larger of two", (counted(1600), GOOD), None, 1600, False),
    ("a view", (memoryview(GOOD),), None, 1000, False),
    ("memory is ahead", (GOOD,), counted(1007), 1007, True),
    ("memory is behind", (GOOD,), counted(7), 1000, False),
    ("memory is noise", (GOOD,), bytes(20), 1000, False),
    ("a later reset beats a larger total", (GOOD, counted(3, resets=1)), None, 3, False),
    ("reset known to memory alone", (GOOD,), counted(0, resets=1), 0, True),
    ("one bit flipped", (counted(900), GOOD[:9] + bytes([GOOD[9] ^ 1]) + GOOD[10:]), None, 900, False),
    ("cut", (counted(900), GOOD[:19]), None, 900, False),
    ("too long", (counted(900), GOOD + b"\0"), None, 900, False),
    ("erased flash", (b"\xff" * 20,), None, 0, False),
    ("beyond 32 bits", (counted(1 << 40),), None, 1 << 40, False),
)


def test_restored():
    for what, stored, mirror, total, unwritten in RESTORED:
        counter = PulseCounter(stored, mirror)
        assert (counter.total, counter.is_unwritten()) == (total, unwritten), what
        # Never lower than it was shown, unless reset: what is kept now is found again.
        assert PulseCounter((counter.record(),) + tuple(stored), mirror).total == total, what


def test_a_day_of_pulses_wears_and_loses_as_promised():
    for every_s in (1, 7, 599, 3600):
        counter = PulseCounter(interval_s=600)
        flash = None
        writes = []
        for now_s in range(86400):
            if now_s % every_s == 0:
                counter.add(1)
            if counter.is_due(now_s):
                flash = counter.record()
                writes.append(now_s)
                counter.written(flash, now_s)
            # The power fails at any moment:
            if now_s % 331 == 0:
                assert counter.total - PulseCounter((flash,)).total <= 600 // every_s + 1, (every_s, now_s)
        for n in range(1, len(writes)):
            assert writes[n] - writes[n - 1] >= 600, (every_s, writes[n])
        assert len(writes) == (24 if every_s == 3600 else 143), (every_s, len(writes))


def test_pulses_that_come_while_a_record_is_written_are_not_forgotten():
    counter = PulseCounter()
    counter.add(5)
    record = counter.record()
    counter.add(1)
    counter.written(record, 700)
    assert counter.is_unwritten() and not counter.is_due(1299) and counter.is_due(1300)
    counter.written(counter.record(), 1300)
    assert not counter.is_unwritten() and not counter.is_due(9999)


def test_reset_to_zero_lasts():
    counter = PulseCounter((GOOD,))
    counter.reset()
    assert counter.total == 0 and counter.is_unwritten()
    counter.add(2)
    assert PulseCounter((GOOD, counter.record())).total == 2
