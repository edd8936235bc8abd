"""Uptime, UTC and local time, corrections small and large."""

from firmware.state.clock import LOCAL_SIZE, Clock, zone_of
from host_tests.fakes.clock import NOW_MS, WRAP, Port, Ticks, clock_at

CENTRAL = "Europe/Ljubljana"


def test_not_set_it_shows_uptime_since_2000():
    clock, ticks = clock_at()
    clock.use_zone(CENTRAL)
    ticks.now_ms += 65999
    assert not clock.is_set
    assert (clock.uptime_s(), clock.uptime_ms(), clock.utc(), clock.utc_ms()) == (65, 65999, 946684865, 946684865999)
    assert clock.local() == (2000, 1, 1, 0, 1, 5)
    assert clock.local_text() == "01.01.2000 00:01:05"


def test_local_time_when_set():
    clock, ticks = clock_at(NOW_MS)
    ticks.now_ms += 1000
    assert clock.is_set  # the hardware kept it over a restart
    for zone, text in (
        (0, "21.09.2026 14:13:21"),
        (CENTRAL, "21.09.2026 16:13:21"),
        ("Europe/Istanbul", "21.09.2026 17:13:21"),
        ("NST3:30", "21.09.2026 10:43:21"),
        (-60, "21.09.2026 13:13:21"),
        ("60", "21.09.2026 15:13:21"),
    ):
        clock.use_zone(zone)
        assert clock.local_text() == text, zone
        out = bytearray(b"<" + b"-" * LOCAL_SIZE + b">")
        assert clock.put_local(out, 1) == LOCAL_SIZE + 1
        assert bytes(out) == b"<" + text.encode() + b">"
    clock.use_zone(CENTRAL)
    assert clock.local(1792889999) == (2026, 10, 25, 2, 59, 59)
    assert clock.local(1792890000) == (2026, 10, 25, 2, 0, 0)
    assert clock.local_text(1792890000) == "25.10.2026 02:00:00"


def test_a_wrong_zone_leaves_the_former():
    clock, _ = clock_at(NOW_MS)
    clock.use_zone("Europe/Istanbul")
    for zone in ("Europe/Nowhere", "", "CET-1CEST", 1000, "-901"):
        try:
            clock.use_zone(zone)
        except ValueError:
            assert clock.local()[3] == 17
            continue
        raise AssertionError(zone)
    assert zone_of(" 90 ").offset_s(0) == 5400


def test_uptime_runs_on_while_ticks_wrap_for_months():
    for start in (0, WRAP - 700):
        ticks = Ticks(start)
        clock = Clock(Port(ticks), ticks)
        passed = 0
        for _ in range(100):
            step = 6 * 86400000 + 789  # 100 times: 600 days
            ticks.now_ms += step
            passed += step
            assert (clock.uptime_ms(), clock.uptime_s()) == (passed, passed // 1000), start


def test_small_corrections_never_turn_time_back():
    for grain_ms in (1, 1000):
        for correction in (-999, -500, -1, 1, 640, 999):
            clock, ticks = clock_at(NOW_MS, grain_ms)
            steps = []
            clock.on_step(lambda step_ms, first, steps=steps: steps.append(step_ms))
            ticks.now_ms += 2000
            before = clock.utc_ms()
            assert clock.set(before + correction, "test") == correction
            right_ms = clock._port.read_ms() - ticks.now_ms
            assert clock.utc_ms() == before, correction
            for _ in range(1300):
                ticks.now_ms += 99
                now = clock.utc_ms()
                assert before + 97 <= now <= before + 101, (correction, now - before)
                before = now
            assert before == ticks.now_ms + right_ms, correction
            assert steps == [], correction


def test_corrections_on_top_of_each_other():
    clock, ticks = clock_at(NOW_MS)
    before = NOW_MS
    for correction in (900, -900, 300, -999, 999, 0):
        clock.set(clock.utc_ms() + correction, "test")
        for _ in range(10):
            ticks.now_ms += 250
            assert clock.utc_ms() > before
            before = clock.utc_ms()
    right_ms = clock._port.read_ms() - ticks.now_ms
    ticks.now_ms += 70000
    assert clock.utc_ms() == ticks.now_ms + right_ms


def test_large_corrections_are_told():
    clock, ticks = clock_at()
    told = []
    clock.on_step(lambda step_ms, first: told.append((step_ms, first)))
    ticks.now_ms += 3000
    clock.set(NOW_MS, "phone")
    assert (clock.is_set, clock.utc_ms(), clock.source) == (True, NOW_MS, "phone")
    clock.set(NOW_MS - 1000, "phone")
    clock.set(NOW_MS, "phone")
    assert clock.utc_ms() == NOW_MS
    assert told == [(NOW_MS - 946684803000, True), (-1000, False), (1000, False)]


def test_times_that_cannot_be_are_refused():
    clock, _ = clock_at(NOW_MS)
    for unix_ms in (-1, 0, 946684799999, 4291747200000):
        try:
            clock.set(unix_ms, "test")
        except ValueError:
            continue
        raise AssertionError(unix_ms)
    assert clock.utc_ms() == NOW_MS


def test_somebody_else_turns_the_hardware_back_while_it_is_catching_up():
    clock, _ = clock_at(NOW_MS)
    clock.set(NOW_MS - 900, "test")
    clock._port.write_ms(NOW_MS - 50000)
    assert clock.utc_ms() == NOW_MS - 50000
