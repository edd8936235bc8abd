"""The reader of a wire with DLMS meters: values, profiles without holes, who is silent costs the others little."""

import asyncio

from firmware.meters import dlms_types as types
from firmware.meters.dlms import reason_of
from firmware.meters.dlms_jobs import clock, read, relay
from firmware.state.readings import PRESENT, SILENT
from host_tests.fakes.simulated_time import simulated
from host_tests.firmware.bus.dlms_wire import MODULES, NOW, Wire
from lib.dlms.errors import DlmsError, FrameError, PeerError
from lib.dlms.names import octets

ENERGY = octets("1.0.1.8.0")
DAY_S = 86400


@simulated(*MODULES)
async def test_values_are_shown_and_the_profile_is_archived(time):
    wire = Wire(time)
    await wire.until(lambda: wire.state().good_utc)
    device = wire.device()
    counters, values = device.group("counters"), device.group("measurements")
    assert (counters.mantissa[0], counters.exponent[0]) == (1234567, 1)
    assert (values.mantissa[1], values.exponent[1]) == (2315, -1)
    assert not counters.has(2)  # 1.0.3.8.0, which this meter has not
    rows = wire.rows(types.PROFILE)
    wanted = (NOW // 900) - ((NOW - 2 * DAY_S + 899) // 900) + 1
    assert len(rows) == wanted
    for at, (columns, found) in rows.items():
        assert found == [at // 60 % 100000, 7] and at % 900 == 0
        assert columns == ((3, ENERGY, 2, 0, 1, 30), (3, octets("1.0.2.8.0"), 2, 0, 1, 30))
    assert [row[1] for row in wire.rows(types.PRESENT).values()] == [[1234567, 1000, 1500, 2315]]
    assert wire.state().drift_s == 0 and wire.state().in_contact
    assert [event[1:3] for event in wire.archive.logged(wire.ids[0], 0, 4000000000) if event] == [(1, 17), (1, 3)]
    wire.end()


@simulated(*MODULES)
async def test_it_goes_on_by_the_clock_and_asks_for_what_is_new(time):
    wire = Wire(time)
    await wire.until(lambda: wire.state().good_utc)
    first = len(wire.meters[0].ranges)
    sessions = wire.meters[0].sessions
    rows = len(wire.rows(types.PROFILE))
    await asyncio.sleep_ms(9000000)
    assert len(wire.rows(types.PROFILE)) >= rows + 8
    assert wire.meters[0].sessions - sessions <= 13  # every quarter of an hour, for 2 or 3 hours
    later = wire.meters[0].ranges[first:]
    assert len(later) <= 3 and all([until - since < 2 * 3600 for since, until in later]), later
    assert len(wire.rows(types.PRESENT)) in (3, 4)
    wire.end()


@simulated(*MODULES)
async def test_a_card_that_was_pulled_out_stops_no_reading(time):
    def fail():
        raise OSError(5)
        yield

    wire = Wire(time)
    commit, wire.archive.commit = wire.archive.commit, fail
    await wire.until(lambda: wire.state().good_utc)
    await asyncio.sleep_ms(5000000)
    assert wire.device().group("measurements").mantissa[1] == 2315 and not wire.state().failures
    assert [text for text in wire.texts() if "kept" in text] == ["error 5: what DLMS meters tell is not kept"]
    assert wire.meters[0].sessions < 10 and not wire.told and not wire.rows(types.PROFILE)
    wire.archive.commit = commit
    await wire.until(lambda: len(wire.rows(types.PROFILE)) >= 2 * 96, 7200)
    wire.end()


@simulated(*MODULES)
async def test_what_was_missed_is_read_later(time):
    wire = Wire(time)
    await wire.until(lambda: wire.state().good_utc)
    wire.meters[0].fault = "mute"
    await wire.until(lambda: wire.state().in_a_row, 3600)
    assert wire.device().status == SILENT and wire.device().group("counters") is None
    assert reason_of(wire.state().reason) == "no answer"
    await asyncio.sleep_ms(4 * 3600000)
    wire.meters[0].fault = ""
    good = wire.state().good_utc
    await wire.until(lambda: wire.state().good_utc > good, 3700)
    rows = wire.rows(types.PROFILE)
    newest = max(rows)
    assert wire.now() - newest < 2 * 900
    assert not [at for at in range(1, (newest - min(rows)) // 900) if min(rows) + 900 * at not in rows]
    assert wire.device().status == PRESENT and wire.state().failures > 1 and not wire.state().in_a_row
    wire.end()


@simulated(*MODULES)
async def test_a_silent_meter_costs_the_others_a_tenth(time):
    wire = Wire(time, 4, {"dlms_present_min": 1, "dlms_profile_hours": 0}, faults={"10000002": "mute"})
    await wire.until(lambda: all([wire.state(at).good_utc for at in (0, 2, 3)]) and wire.state(1).in_a_row)
    began, busy = time.passed_ms(), wire.reader.busy_ms
    sessions = wire.meters[0].sessions
    await asyncio.sleep_ms(3600000)
    assert wire.meters[0].sessions - sessions >= 58
    good_ms = sum([wire.meters[at].sessions for at in (0, 2, 3)])
    assert wire.reader.silent > 2 and wire.reader.busy_ms - busy < (time.passed_ms() - began) * 0.3, good_ms
    wire.end()


@simulated(*MODULES)
async def test_a_meter_with_another_number_shows_nothing(time):
    wire = Wire(time)
    wire.meters[0].values[1, octets("0.0.96.1.0"), 2] = b"\x09\x0899999999"
    await wire.until(lambda: wire.state().in_a_row)
    assert reason_of(wire.state().reason) == "other meter" and wire.state().in_contact
    assert not wire.device().groups and not wire.rows(types.PRESENT)
    assert [text for text in wire.texts() if "other meter" in text]
    wire.end()


@simulated(*MODULES)
async def test_a_wrong_password_is_not_tried_again_for_hours(time):
    wire = Wire(time, password="00000000")
    await wire.until(lambda: wire.state().in_a_row)
    await asyncio.sleep_ms(5 * 3600000)
    assert wire.meters[0].sessions == 1 and reason_of(wire.state().reason) == "authentication failure"
    wire.end()


@simulated(*MODULES)
async def test_a_clock_is_brought_into_order(time):
    for ahead_s, acted in ((1, []), (7, [6]), (-100, [6]), (5000, [])):
        await look_at_clock(time, ahead_s, acted)


async def look_at_clock(time, ahead_s, acted):
    wire = Wire(time, clock=1)
    wire.meters[0].ahead_s = ahead_s
    await wire.until(lambda: wire.state().good_utc)
    assert [one[1] for one in wire.meters[0].acted] == acted, (ahead_s, wire.meters[0].acted)
    assert abs(wire.meters[0].ahead_s) <= 1 or not acted
    assert wire.state().unsynchronised == (abs(ahead_s) > 900)
    wire.end()


@simulated(*MODULES)
async def test_a_relay_is_switched_once_and_looked_at(time):
    wire = Wire(time, 2, plans={"10000001": {"relay": 1}})
    found = await wire.reader.ask(wire.ids[0], relay(wire.kept, False))
    assert found == {"output": 0, "control": 0, "mode": 1}
    assert [one[:2] for one in wire.meters[0].acted] == [(70, 1)] and wire.state().output == 0
    assert [text for text in wire.texts() if "switched off" in text]
    try:
        await wire.reader.ask(wire.ids[1], relay(wire.kept, True))
        raise AssertionError("it was switched")
    except PeerError as error:
        assert error.reason == "not allowed to switch"
    assert not wire.meters[1].acted
    wire.end()


@simulated(*MODULES)
async def test_what_is_asked_for_comes_first(time):
    wire = Wire(time, 3, {"dlms_profile_days": 2})
    await wire.until(lambda: wire.reader.active)
    began = time.passed_ms()
    assert await wire.reader.ask(wire.ids[2], read(3, ENERGY, 2)) == 1234567
    assert time.passed_ms() - began < 20000 and not wire.state(2).good_utc
    told = await wire.reader.ask(wire.ids[2], clock(wire.kept, False))
    assert told["drift_s"] == 0 and told["utc"] >= NOW
    try:
        await wire.reader.ask(wire.ids[2], read(3, octets("1.0.77.8.0"), 2))
        raise AssertionError("there is no such object")
    except PeerError as error:
        assert error.code == 4
    assert await wire.reader.ask(wire.ids[2], read(3, ENERGY, 3)) == [1, 30]
    await wire.until(lambda: all([wire.state(at).good_utc for at in range(3)]))
    wire.end()


@simulated(*MODULES)
async def test_a_deadline_ends_what_nobody_answers(time):
    wire = Wire(time, faults={"10000001": "mute"})
    for deadline_ms in (2000, 60000):
        try:
            await wire.reader.ask(wire.ids[0], read(3, ENERGY, 2), deadline_ms=deadline_ms)
            raise AssertionError("it answered")
        except FrameError as error:
            assert error.reason in ("deadline", "no answer")
    wire.end()


@simulated(*MODULES)
async def test_the_wire_is_lent(time):
    wire = Wire(time)
    await wire.until(lambda: wire.reader.active)
    await wire.reader.pause()
    assert not wire.reader.active
    sent = wire.session.sent
    try:
        await wire.reader.ask(wire.ids[0], read(3, ENERGY, 2))
        raise AssertionError("the wire is not ours")
    except DlmsError as error:
        assert error.reason == "busy"
    await asyncio.sleep_ms(600000)
    assert wire.session.sent == sent
    wire.reader.resume()
    await wire.until(lambda: wire.state().good_utc)
    wire.end()


@simulated(*MODULES)
async def test_a_meter_is_shown_though_the_list_is_gone_through_meanwhile(time):
    wire = Wire(time, 3)
    before = wire.device(2)
    steps = wire.kept.list_devices(())
    next(steps)
    assert wire.device(2) is before
    for _ in steps:
        pass
    assert [wire.device(at).slot for at in range(3)] == [1, 2, 3] and wire.device(2) is before
    wire.end()
