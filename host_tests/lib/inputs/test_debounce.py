"""Contacts that bounce, chatter and hum, given by their edges alone and by samples, with ticks that wrap."""

import micropython

from lib.inputs.debounce import PulseInput

# Milliseconds for which the contact stays as it is, alternately open and closed, beginning with open.
CONTACTS = (
    # what                          durations                                        pulses
    ("no pulse", (1000,), 0),
    ("one clean pulse", (100, 30, 100), 1),
    ("the shortest that counts", (100, 15, 100), 1),
    ("too short", (100, 14, 100), 0),
    ("three at the fastest rate", (100, 30, 30, 30, 30, 30, 100), 3),
    ("bounces as it closes", (100, 1, 2, 3, 1, 1, 2, 20, 100), 1),
    ("bounces as it opens", (100, 25, 1, 1, 3, 2, 2, 1, 100), 1),
    ("bounces at both ends, at the fastest rate", (100, 2, 3, 1, 4, 20, 3, 2, 25, 2, 2, 1, 3, 22, 4, 4, 100), 2),
    ("drops out for a moment", (100, 40, 3, 40, 100), 1),
    ("opens too shortly for a second pulse", (100, 30, 14, 30, 100), 1),
    ("opens just long enough for one", (100, 30, 15, 30, 100), 2),
    ("chatters without ever closing", (100,) + (5, 5) * 40, 0),
    ("stays closed", (100, 100000, 100), 1),
)

MAINS = (
    # half waves at 50 Hz: 8 ms closed and 12 ms open in turn
    ("three periods", (100, 8, 12, 8, 12, 8, 100), 1),
    ("a long one", (100,) + (8, 12) * 100 + (8, 100), 1),
    ("two, five periods apart", (100,) + (8, 12) * 5 + (8, 100) + (8, 12) * 5 + (8, 100), 2),
    ("one half wave is a disturbance", (100, 8, 100), 0),
    ("disturbances too far apart to be one pulse", (100, 8, 30, 8, 30, 8, 30, 8, 100), 0),
)


def by_edges(contact, durations, start):
    pulses = contact.edge(False, start & 0x3FFFFFFF)
    closed = False
    for duration in durations:
        start += duration
        closed = not closed
        pulses += contact.edge(closed, start & 0x3FFFFFFF)
    # What comes long after shows whether the last pulse is through.
    return pulses + contact.edge(closed, (start + 1000) & 0x3FFFFFFF)


def by_samples(contact, durations, start):
    pulses = 0
    closed = False
    for duration in durations:
        for now in range(start, start + min(duration, 3000)):
            pulses += contact.edge(closed, now & 0x3FFFFFFF)
        start += duration
        closed = not closed
    return pulses


def test_contacts():
    for what, durations, expected in CONTACTS:
        if len(durations) % 2 == 0:
            durations += (100,)  # end open
        for start in (0, 0x3FFFFFFF - 150, 0x3FFFFFFF - 110):
            assert by_samples(PulseInput(), durations, start) == expected, (what, start)
            # Open as it stays at the end: no edge behind.
            assert by_edges(PulseInput(), durations[:-1], start) == expected, (what, start)


def test_half_waves_of_the_mains():
    for what, durations, expected in MAINS:
        for start in (0, 0x3FFFFFFF - 150):
            contact = PulseInput(closed_ms=30, open_ms=25, break_ms=14)
            assert by_edges(contact, durations[:-1], start) == expected, (what, start)


def test_closed_at_the_start_was_counted_before():
    contact = PulseInput()
    steps = ((True, 0), (True, 50), (False, 60), (True, 90), (False, 120))
    assert [contact.edge(level, now) for level, now in steps] == [0, 0, 0, 0, 1]


def test_nothing_is_allocated():
    contact = PulseInput()
    contact.edge(False, 0x3FFFFF00)
    times = [(0x3FFFFF00 + 30 * step) & 0x3FFFFFFF for step in range(1, 41)]
    pulses = 0
    micropython.heap_lock()
    try:
        closed = True
        for now in times:
            pulses += contact.edge(closed, now)
            closed = not closed
    finally:
        micropython.heap_unlock()
    assert pulses == 20
