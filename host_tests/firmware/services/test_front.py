"""The button and the lights: the manual's procedure (3.8) and table of lights (4.3), and every way of leaving it."""

import random
from time import ticks_add

from firmware.services.front import Front

WRAP = ticks_add(0, -1) + 1
LOOK_MS = 50  # between two looks at the button, as on the device

GREEN_SLOW, GREEN_FAST, RED_FAST = ("slow", "off"), ("fast", "off"), ("off", "fast")
ORANGE_SLOW, ORANGE_FAST = ("slow", "slow"), ("fast", "fast")

# The manual's table of lights
MODES = (("operational", GREEN_SLOW), ("connecting", GREEN_FAST), ("provisioning", ORANGE_FAST), ("upgrading", RED_FAST))

# What a person does, in seconds from the start: when the button goes down and up, in turn. What then is to be seen, with the
# second from which on (or a look later); what comes of it, and when. The gateway is operational.
TABLE = (
    ("nothing", (), (), ()),
    # 1.2 of the manual: a short press resets the gateway
    ("a short press", (1, 1.3), ((1, ORANGE_SLOW), (1.3, GREEN_SLOW)), ((1.3, "restart"),)),
    ("the shortest press", (1, 1.06), ((1, ORANGE_SLOW), (1.06, GREEN_SLOW)), ((1.06, "restart"),)),
    ("the longest short press", (1, 2.9), ((1, ORANGE_SLOW), (2.9, GREEN_SLOW)), ((2.9, "restart"),)),
    ("neither short nor long", (1, 3), ((1, ORANGE_SLOW), (3, GREEN_SLOW)), ()),
    # 3.8: the whole procedure
    (
        "a factory reset",
        (1, 12, 15, 26),
        ((1, ORANGE_SLOW), (11, GREEN_FAST), (15, ORANGE_SLOW), (25, RED_FAST)),
        ((25, "factory reset"),),
    ),
    (
        "as fast as it goes",
        (1, 11.05, 11.2, 21.3),
        ((1, ORANGE_SLOW), (11, GREEN_FAST), (11.2, ORANGE_SLOW), (21.2, RED_FAST)),
        ((21.2, "factory reset"),),
    ),
    (
        "as slowly as it goes",
        (1, 20.9, 30.8, 90),
        ((1, ORANGE_SLOW), (11, GREEN_FAST), (30.8, ORANGE_SLOW), (40.8, RED_FAST)),
        ((40.8, "factory reset"),),
    ),
    # Too early and too late, at every step
    ("let go too early", (1, 10.9), ((1, ORANGE_SLOW), (10.9, GREEN_SLOW)), ()),
    ("let go too late", (1, 21.2), ((1, ORANGE_SLOW), (11, GREEN_FAST), (21, GREEN_SLOW)), ()),
    ("not pressed again", (1, 12), ((1, ORANGE_SLOW), (11, GREEN_FAST), (22, GREEN_SLOW)), ()),
    (
        "pressed again too late: that is a first press",
        (1, 12, 22.2, 33, 34, 35),
        (
            (1, ORANGE_SLOW),
            (11, GREEN_FAST),
            (22, GREEN_SLOW),
            (22.2, ORANGE_SLOW),
            (32.2, GREEN_FAST),
            (34, ORANGE_SLOW),
            (35, GREEN_SLOW),
        ),
        (),
    ),
    (
        "let go too early the second time",
        (1, 12, 15, 24.9),
        ((1, ORANGE_SLOW), (11, GREEN_FAST), (15, ORANGE_SLOW), (24.9, GREEN_SLOW)),
        (),
    ),
    (
        "a short press as the second: it restarts nothing",
        (1, 12, 15, 15.5),
        ((1, ORANGE_SLOW), (11, GREEN_FAST), (15, ORANGE_SLOW), (15.5, GREEN_SLOW)),
        (),
    ),
    ("held for ever", (1,), ((1, ORANGE_SLOW), (11, GREEN_FAST), (21, GREEN_SLOW)), ()),
    (
        "held for long, then a short press",
        (1, 40, 41, 41.5),
        ((1, ORANGE_SLOW), (11, GREEN_FAST), (21, GREEN_SLOW), (41, ORANGE_SLOW), (41.5, GREEN_SLOW)),
        ((41.5, "restart"),),
    ),
)


# The same by rule, for whatever a finger does: seconds of the first hold, of the pause after it, of the second hold, all a
# little before and after each limit. 20 s and 2 s are ours, all others the manual's.
HOLDS = (0.1, 1.9, 2.1, 9.9, 10.1, 19.9, 20.1, 45)
PAUSES = (0.1, 9.9, 10.1, 25)


def comes_of(first, pause, second):
    """Return what comes of two holds."""

    def of_one(hold):
        return ["restart"] if hold < 2 else []

    if 10 < first < 20 and pause < 10:
        return ["factory reset"] if second > 10 else []
    return of_one(first) + of_one(second)


class Bench:
    """A front, looked at as a device does; `seen` are changes of the lights, `done` what came of it, with their seconds."""

    def __init__(self, mode="operational", succeeds=True, start_ms=0, is_down=False, bounces=()):
        self._start_ms = start_ms
        self._now_ms = 0
        self._succeeds = succeeds
        self._bounces = bounces  # milliseconds after each turn at which the contact turns once more
        self.seen, self.done, self.told = [], [], []
        self.platform = self.events = self  # it is the gateway and all of its parts
        self.front = Front(self)
        self.front.show(mode)
        self.front.button(is_down, self._ticks(0))

    def _ticks(self, now_ms):
        return (self._start_ms + now_ms) % WRAP

    def leds(self, green, red):
        self.seen.append((self._now_ms / 1000, (green, red)))

    def restart(self):
        self.done.append((self._now_ms / 1000, "restart"))

    def factory_reset(self, by):
        assert by == "button"
        self.done.append((self._now_ms / 1000, "factory reset"))
        if not self._succeeds:
            raise OSError(28)

    def add(self, kind, text):
        self.told.append(text)

    def lights(self):
        return self.seen[-1][1]

    def do(self, turns, until_s=None, look_ms=LOOK_MS):
        """Press and let go at these seconds. The contact is looked at only now and then; turns are not told of."""
        until_s = until_s or (turns[-1] if turns else 0) + 25  # longer than any step
        edges = []
        for second in turns:
            at = round(second * 1000)
            edges += [at] + [at + bounce for bounce in self._bounces]
        self._now_ms = look_ms
        passed = 0
        while self._now_ms < until_s * 1000:
            while passed < len(edges) and edges[passed] <= self._now_ms:
                passed += 1
            self.front.button(passed % 2 == 1, self._ticks(self._now_ms))
            self._now_ms += look_ms
        return self


def check(what, bench, seen, done, start=GREEN_SLOW, late_s=2 * LOOK_MS / 1000):
    """What was seen and done is what is expected, not before its time and hardly later."""
    expected = [(0, start)] + list(seen)
    assert [lights for _, lights in bench.seen] == [lights for _, lights in expected], (what, bench.seen)
    assert [act for _, act in bench.done] == [act for _, act in done], (what, bench.done)
    for (found_s, _), (expected_s, _) in zip(bench.seen + bench.done, expected + list(done)):
        assert -0.001 <= found_s - expected_s <= late_s + 0.001, (what, found_s, expected_s)


def test_the_table():
    for what, turns, seen, done in TABLE:
        check(what, Bench().do(turns), seen, done)


def test_too_early_and_too_late_at_every_step():
    for first in HOLDS:
        for pause in PAUSES:
            for second in HOLDS:
                what = first, pause, second
                turns = [1, 1 + first, 1 + first + pause, 1 + first + pause + second]
                expected = comes_of(*what)
                bench = Bench().do(turns)
                assert [act for _, act in bench.done] == expected, (what, bench.done)
                if "factory reset" in expected:
                    assert bench.lights() == RED_FAST, what
                    continue
                assert RED_FAST not in [lights for _, lights in bench.seen], what
                assert bench.lights() == GREEN_SLOW, (what, "the light goes back to what it was")
                again = Bench().do(turns + [turns[-1] + 25, turns[-1] + 25.3])
                assert [act for _, act in again.done] == expected + ["restart"], (what, "and the button does as before")


def test_the_clock_of_the_chip_wraps():
    for start_ms in (WRAP - 500, WRAP - 5000, WRAP - 11500, WRAP - 20000):
        for what, turns, seen, done in TABLE:
            check(what, Bench(start_ms=start_ms).do(turns), seen, done)


def test_bouncing_contacts():
    for bounces in ((2, 4), (1, 3, 5, 6, 9, 14, 20, 25), (24, 25)):
        for what, turns, seen, done in TABLE:
            if what != "the shortest press":  # it is over before it stops bouncing
                for look_ms in (7, LOOK_MS):
                    bench = Bench(bounces=bounces).do(turns, look_ms=look_ms)
                    check(what, bench, seen, done, late_s=0.08 + 2 * look_ms / 1000)


def test_a_disturbance_is_no_press():
    bench = Bench()
    for now_ms in range(0, 60000, 1000):
        for is_down, at in ((True, 0), (True, 29), (False, 31), (False, 90)):
            bench.front.button(is_down, now_ms + at)
    assert bench.seen == [(0, GREEN_SLOW)] and bench.done == []


def test_between_looks_it_is_the_time_that_counts():
    """A loop that is held for a second makes nothing of a press that it was not."""
    late = Bench()
    late.front.button(True, 1000)
    late.front.button(True, 1100)
    late.front.button(False, 10900)  # let go too early, seen late
    late.front.button(False, 12000)
    assert late.lights() == GREEN_SLOW and late.done == []


def test_lights_of_each_mode():
    for mode, lights in MODES:
        bench = Bench(mode)
        assert bench.lights() == lights, mode
        assert len(bench.seen) <= 2, "lights are set when they change only"
        bench.do((), 5)
        assert len(bench.seen) <= 2, mode


def test_a_press_in_each_mode():
    for mode, lights in MODES[:-1]:
        for what, turns, seen, done in TABLE:
            bench = Bench(mode).do(turns)
            expected = [lights if shown == GREEN_SLOW else shown for _, shown in seen]
            expected = [shown for shown, before in zip(expected, [lights] + expected) if shown != before]
            assert [shown for _, shown in bench.seen][1:] == expected, (mode, what, bench.seen)
            assert [act for _, act in bench.done] == [act for _, act in done], (mode, what)


def test_nothing_is_pressed_during_an_upgrade():
    for what, turns, _, _ in TABLE:
        bench = Bench("upgrading").do(turns)
        assert bench.lights() == RED_FAST and bench.done == [], what
        assert len([1 for _, lights in bench.seen if lights != RED_FAST]) == 0, what


def test_an_upgrade_ends_what_the_button_began():
    bench = Bench().do((1,), 8)
    assert bench.lights() == ORANGE_SLOW
    bench.front.show("upgrading")
    bench.front.button(True, 8000)
    assert bench.lights() == RED_FAST
    bench.front.show("connecting")  # the network may go meanwhile
    assert bench.lights() == RED_FAST
    bench.front.show("upgrade failed")
    assert bench.lights() == GREEN_FAST, "how it stands with the network is not forgotten"
    for now_ms in range(8050, 40000, 50):
        bench.front.button(now_ms < 30000, now_ms)
    assert bench.done == [] and bench.lights() == GREEN_FAST


def test_an_upgrade_that_fails_before_it_wrote_anything_changes_no_light():
    for mode, lights in MODES[:-1]:
        bench = Bench(mode)
        bench.front.show("upgrade failed")
        assert bench.lights() == lights, mode


def test_an_upgrade_ends_the_procedure_at_every_step():
    whole = (1, 12, 15, 26)
    for at_s, lights in ((5, ORANGE_SLOW), (11.5, GREEN_FAST), (13, GREEN_FAST), (16, ORANGE_SLOW), (24.9, ORANGE_SLOW)):
        bench = Bench().do([turn for turn in whole if turn < at_s], at_s)
        assert bench.lights() == lights, at_s
        bench.front.show("upgrading")
        for now_ms in range(int(at_s * 1000), 60000, LOOK_MS):
            bench.front.button(1000 <= now_ms < 12000 or 15000 <= now_ms < 26000, now_ms)
        assert bench.lights() == RED_FAST and bench.done == [], at_s
        bench.front.show("upgrade failed")
        assert bench.lights() == GREEN_SLOW, at_s


def test_the_mode_changes_behind_a_procedure():
    bench = Bench("connecting").do((1,), 5)
    bench.front.show("operational")
    assert bench.lights() == ORANGE_SLOW
    bench.front.button(False, 5000)
    bench.front.button(False, 5050)
    assert bench.lights() == GREEN_SLOW


def test_a_button_that_is_down_at_the_start():
    """After a factory reset it may still be held: that must not restart, let alone reset, again."""
    for released_ms in (500, 1500, 12000, 200000):
        bench = Bench(is_down=True)
        for now_ms in range(50, released_ms, 50):
            bench.front.button(True, now_ms)
        for now_ms in range(released_ms, released_ms + 2000, 50):
            bench.front.button(False, now_ms)
        assert bench.seen == [(0, GREEN_SLOW)] and bench.done == [], released_ms
        for is_down, after_ms in ((True, 2000), (True, 2050), (False, 2300), (False, 2350)):
            bench.front.button(is_down, released_ms + after_ms)
        assert [act for _, act in bench.done] == ["restart"], "and then it works"


def test_a_factory_reset_that_fails():
    """Success is not shown, and nothing is tried again while the button is held."""
    bench = Bench(succeeds=False).do((1, 12, 15, 40, 41, 41.5))
    assert [act for _, act in bench.done] == ["factory reset", "restart"]
    assert bench.told == ["factory reset failed: OSError(28,)", "restart asked for by button"]
    shown = [lights for _, lights in bench.seen]
    assert shown == [GREEN_SLOW, ORANGE_SLOW, GREEN_FAST, ORANGE_SLOW, GREEN_SLOW, ORANGE_SLOW, GREEN_SLOW]


def test_who_tells_of_the_contact_knows_when_time_matters():
    bench = Bench()
    assert not bench.front.button(False, 0)
    for is_down, now_ms, goes_on in (
        (True, 1000, True),  # it may bounce
        (True, 1050, True),
        (True, 11000, True),
        (True, 21100, False),  # held too long
        (False, 30000, True),
        (False, 30050, False),
    ):
        assert bench.front.button(is_down, now_ms) == goes_on, now_ms


def test_random_fingers_never_do_more_than_a_person_would():
    """A reset needs two presses of ten seconds with at most ten between; a restart one of less than two."""
    random.seed(3)
    for _ in range(100):
        second, turns = 1, []
        for _ in range(12):
            second += random.choice((0.1, 0.3, 1, 3, 9.8, 10.2, 12, 19, 21))
            turns.append(second)
        bench = Bench().do(turns, turns[-1] + 30)
        for at_s, act in bench.done:
            before = [turn for turn in turns if turn <= at_s]
            if act == "restart":
                assert before[-1] - before[-2] < 2, (turns, bench.done)
            else:
                assert at_s - before[-1] > 9.99 and before[-1] - before[-2] <= 10.1, (turns, bench.done)
                assert 9.99 < before[-2] - before[-3] < 20.1, (turns, bench.done)
                break
