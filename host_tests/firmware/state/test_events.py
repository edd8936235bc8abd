"""The ring of events: the newest are kept, in order, and told to whoever listens."""

from firmware.state.events import _KEPT, Events
from host_tests.fakes.clock import NOW_MS, clock_at

NOW_S = NOW_MS // 1000


def made():
    clock, ticks = clock_at(NOW_MS)
    return Events(clock), ticks


def test_nothing_happened():
    events, _ = made()
    assert list(events.recent()) == [] and events.count == 0


def test_the_newest_are_kept_oldest_first():
    for count in (1, _KEPT - 1, _KEPT, _KEPT + 1, 3 * _KEPT + 7):
        events, ticks = made()
        for number in range(count):
            events.add("test", f"event {number}")
            ticks.now_ms += 1000
        kept = range(max(0, count - _KEPT), count)
        assert list(events.recent()) == [(NOW_S + number, "test", f"event {number}") for number in kept], count
        assert events.count == count


def test_long_texts_are_cut():
    events, _ = made()
    events.add("meter", "ž" * 1000)
    text = list(events.recent())[0][2]
    assert 80 <= len(text) < 200 and text == "ž" * len(text)


def test_listeners_hear_each():
    events, ticks = made()
    events.add("start", "before anybody listened")
    told = []
    events.on_event(told.append)
    events.on_event(lambda event: told.append(event[1]))
    ticks.now_ms += 5000
    events.add("relay", "on")
    assert told == [(NOW_S + 5, "relay", "on"), "relay"]
