"""A session with a DLMS meter on a wire of 9600 baud in simulated time."""

from firmware.bus import dlms_session
from firmware.bus.dlms_serial import SerialWire
from firmware.bus.dlms_session import DlmsSession
from host_tests.fakes.dlms_line import CLIENT, LOAD, PASSWORD, DlmsLine, DlmsMeter
from host_tests.fakes.simulated_time import simulated
from lib.dlms import requests, times
from lib.dlms.access import Access
from lib.dlms.client import Client
from lib.dlms.errors import FrameError, PeerError
from lib.dlms.link import Link
from lib.dlms.names import octets

NOW = 1790000000
DAY_S = 86400
ENERGY = octets("1.0.1.8.0")


class Plan:
    logical, client, address_size, opens = 1, CLIENT, 0, 0

    def __init__(self, physical):
        self.physical = physical


def session_on(line):
    return DlmsSession(SerialWire(line, 9600), Link(512, 1024), Client(1024))


def lls(password=PASSWORD):
    return Access(mechanism=1, secret=password)


@simulated(dlms_session)
async def test_it_reads_values_and_ends_the_link(time):
    meter = DlmsMeter(17, "10000001", clock=lambda: NOW)
    session = session_on(DlmsLine(time, [DlmsMeter(18, "10000002"), meter]))
    for _ in range(2):
        await session.open(Plan(17), lls())
        found = bytearray()
        await session.get(3, ENERGY, 2, found.extend)
        assert found == b"\x06" + (1234567).to_bytes(4, "big")
        values = [bytearray(), bytearray(), bytearray()]
        items = [(3, ENERGY, 3), (3, octets("1.0.9.9.9"), 2), (8, octets("0.0.1.0.0"), 2)]
        assert await session.get_list(items, [value.extend for value in values]) == [0, 4, 0]
        assert values[0] == b"\x02\x02\x0f\x01\x16\x1e" and times.utc(values[2][2:], 0) == NOW
        await session.close()
        assert meter.server.client is None and not meter.link.is_open
    assert session.sent and session.received and meter.sessions == 2


@simulated(dlms_session)
async def test_a_silent_meter_costs_seconds_and_the_next_is_read(time):
    meter = DlmsMeter(17, "10000001")
    session = session_on(DlmsLine(time, [DlmsMeter(18, "10000002", "mute"), meter]))
    try:
        await session.open(Plan(18), lls())
        raise AssertionError
    except FrameError as error:
        assert error.reason == "no answer"
    assert not session.is_answered and time.passed_ms() < 15000
    await session.close()
    await session.open(Plan(17), lls())
    await session.close()
    assert meter.sessions == 1


@simulated(dlms_session)
async def test_a_wrong_password_is_told_and_what_follows_is_refused(time):
    session = session_on(DlmsLine(time, [DlmsMeter(17, "10000001")]))
    try:
        await session.open(Plan(17), lls(b"00000000"))
        raise AssertionError("it was opened")
    except PeerError as error:
        assert error.reason == "authentication failure", error.reason
    await session.close()
    try:
        await session.get(3, ENERGY, 2, bytearray().extend)
        raise AssertionError
    except PeerError as error:
        assert error.reason == "not associated"


@simulated(dlms_session)
async def test_a_day_of_a_profile_uses_the_wire(time):
    meter = DlmsMeter(17, "10000001", clock=lambda: NOW, since=NOW - 2 * DAY_S, size=1024)
    line = DlmsLine(time, [meter])
    session = session_on(line)
    await session.open(Plan(17), lls())
    octets_before, began = line.busy_octets, time.passed_ms()
    found = bytearray()
    bounds = [times.encode(at, 180) for at in (NOW - DAY_S, NOW)]
    await session.get(7, octets(LOAD), 2, found.extend, requests.by_range(*bounds))
    passed_ms = time.passed_ms() - began
    used_ms = (line.busy_octets - octets_before) * 10000 // 9600
    assert found[0] == 1 and len(found) > 96 * 20
    reactions_ms = 0 if passed_ms else 1
    assert used_ms * 100 >= 60 * (passed_ms - reactions_ms), (used_ms, passed_ms)
    print(used_ms, passed_ms, len(found))
    await session.close()
