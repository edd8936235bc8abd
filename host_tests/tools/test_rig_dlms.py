"""The simulated DLMS meters, read by two foreign clients: over a pty, with mode E, and over the wrapper."""

import datetime
from typing import Any

import pytest
from dlms_cosem import cosem, enumerations
from dlms_cosem.client import DataResultError
from dlms_cosem.cosem import selective_access
from dlms_cosem.parsers import ProfileGenericBufferParser
from dlms_cosem.security import (
    HighLevelSecurityGmacAuthentication,
    LowLevelSecurityAuthentication,
    NoSecurityAuthentication,
)
from gurux_dlms import GXDateTime, GXDLMSException
from gurux_dlms.enums import DataType
from gurux_dlms.objects import (
    GXDLMSAssociationLogicalName,
    GXDLMSClock,
    GXDLMSData,
    GXDLMSDemandRegister,
    GXDLMSDisconnectControl,
    GXDLMSExtendedRegister,
    GXDLMSHdlcSetup,
    GXDLMSRegister,
    GXDLMSSapAssignment,
)

from host_tests.dlms_clients import NOON, Gurux, Tcp, Tty, cosem_client, gurux, register
from tools.rig.families import dlms_values

DAY = 86400
IDENTIFICATION = b"/OSG5\\2DLMS\r\n"
ZONE = datetime.timezone(datetime.timedelta(hours=3))


def moment(time):
    """UTC of a GXDateTime or a datetime."""
    return int((time.value if isinstance(time, GXDateTime) else time).timestamp())


def at(utc):
    return datetime.datetime.fromtimestamp(utc, ZONE)


def expected_row(number, utc, status=0):
    return [utc, status, *(dlms_values.energy_wh(number, utc, 0, kind) for kind in (1, 2, 3, 4))]


def read_rows(client, first, last, text="1.0.99.1.0.255"):
    profile = client.profile(text)
    rows = client.rows(profile, client.c.readRowsByRange(profile, at(first), at(last)))
    return [[moment(row[0]), *row[1:]] for row in rows or []]


# Values.


def test_values_follow_from_number_and_time_alone():
    for number in (1, 17, 80099921):
        quarters = [dlms_values.energy_wh(number, NOON + 900 * step) for step in range(97)]
        assert all(later > earlier for earlier, later in zip(quarters, quarters[1:], strict=False))
        week = dlms_values.energy_wh(number, NOON + 7 * DAY) - quarters[0]
        assert abs(week - dlms_values.mean_w(number) * 168) <= 3
        for utc in (NOON, NOON + 12345):
            tariffs = [dlms_values.energy_wh(number, utc, tariff) for tariff in (1, 2, 3)]
            assert dlms_values.energy_wh(number, utc) == sum(tariffs)
        assert dlms_values.demand_w(number, NOON + 900) == (quarters[1] - quarters[0]) * 4
        largest, when = dlms_values.maximum_demand(number, NOON)
        assert dlms_values.demand_w(number, when) == largest >= dlms_values.demand_w(number, NOON)
        assert dlms_values.month_begin(NOON) < when <= NOON
    assert dlms_values.energy_wh(1, NOON) != dlms_values.energy_wh(2, NOON)
    assert at(dlms_values.month_begin(NOON, -9)).strftime("%d.%m.%Y %H:%M") == "01.12.2025 00:00"


# gurux_dlms.

SECURITY = [(0, False), (1, False), *((mechanism, False) for mechanism in (2, 3, 4, 5, 6)), (1, True), (5, True), (0, True)]


@pytest.mark.parametrize("port", ("rs485", "network"))
@pytest.mark.parametrize(("mechanism", "ciphered"), SECURITY)
def test_gurux_with_every_security(dlms_field, port, mechanism, ciphered):
    made = dlms_field({"port": port, "serial": "10000001", "security": mechanism, "ciphering": int(ciphered)})
    client = gurux(made, mechanism=mechanism, ciphered=ciphered)
    number = GXDLMSData("0.0.96.1.0.255")
    assert bytes(client.get(number, 2)) == b"10000001"
    assert register(client) == dlms_values.energy_wh(10000001, NOON)
    client.close()
    meter = made.meter("10000001").present()
    assert meter["associations"] == 1 and not meter["wrong_tags"] + meter["replays"] + meter["wrong_passwords"]


@pytest.mark.parametrize("conformance", ("001E1D", "401E1D"))  # without general ciphering and with it
def test_gurux_with_a_dedicated_key(dlms_field, conformance):
    made = dlms_field({"security": 5, "ciphering": 1, "conformance": conformance})
    client = gurux(made, mechanism=5, ciphered=True, dedicated_key=bytes(range(32, 48)))
    assert register(client) == dlms_values.energy_wh(10000001, NOON)
    meter = made.meter("10000001")
    assert meter.client_counter == 3  # of the opening: what follows counts for the other key
    client.close()


def test_gurux_reads_every_kind_of_object(dlms_field):
    made = dlms_field({"security": 1})
    client = gurux(made)
    number = 10000001
    assert register(client, "1.0.2.8.3.255") == dlms_values.energy_wh(number, NOON, 3, 2)
    voltage = GXDLMSRegister("1.0.32.7.0.255")
    client.get(voltage, 3)
    client.get(voltage, 2)
    assert voltage.scaler == 0.1 and round((voltage.value or 0) * 10) == dlms_values.voltage_dv(number, NOON, 1)
    maximum = GXDLMSExtendedRegister("1.0.1.6.0.255")
    client.get(maximum, 3)
    value, when = dlms_values.maximum_demand(number, NOON)
    assert client.get(maximum, 2) == value and moment(client.get(maximum, 5)) == when
    demand = GXDLMSDemandRegister("1.0.1.4.0.255")
    client.get(demand, 4)
    assert client.get(demand, 3) == dlms_values.demand_w(number, NOON)
    assert moment(client.get(GXDLMSClock(), 2)) == NOON
    assert bytes(client.get(GXDLMSData("0.0.42.0.0.255"), 2)) == b"OSG0000010000001"
    assert client.get(GXDLMSHdlcSetup("0.0.22.0.0.255"), 8) == 120
    assert len(client.get(GXDLMSSapAssignment("0.0.41.0.0.255"), 2)) == 1
    known = client.get(GXDLMSAssociationLogicalName(), 2)  # kilobytes: blocks, each in segments
    assert {thing.logicalName for thing in known} >= {"1.0.99.1.0.255", "0.0.99.98.2.255", "0.0.96.3.10.255", "0.0.43.1.0.255"}
    client.close()


def test_gurux_reads_lists(dlms_field):
    client = gurux(dlms_field({}))
    texts = ["1.0.1.8.1.255", "1.0.1.8.2.255", "1.0.1.8.3.255", "1.0.9.8.0.255"] * 20  # more than one block
    things = [(GXDLMSRegister(text), 2) for text in texts]
    values = []
    for packets in client.c.readList(things):
        values += client.exchange(packets).value or []
    numbers = [dlms_values.energy_wh(10000001, NOON, tariff, kind) for tariff, kind in ((1, 1), (2, 1), (3, 1), (0, 9))]
    assert values == numbers * 20
    client.close()


def test_gurux_reads_profiles(dlms_field):
    made = dlms_field({"days": 3, "nulls": False})
    client = gurux(made)
    first, last = NOON - DAY, NOON
    rows = read_rows(client, first, last)
    assert rows == [expected_row(10000001, utc) for utc in range(first, last + 1, 900)]  # both bounds are included
    profile = client.profile("1.0.99.1.0.255")
    assert client.get(profile, 4) == 900 and client.get(profile, 7) == 3 * 96 and client.get(profile, 8) == 3 * 96
    oldest = client.rows(profile, client.c.readRowsByEntry(profile, 1, 2))
    assert [moment(row[0]) for row in oldest] == [NOON - 3 * DAY + 900, NOON - 3 * DAY + 1800]
    columns = [profile.captureObjects[0], profile.captureObjects[2]]
    few: Any = client.exchange(client.c.readRowsByRange(profile, at(last - 900), at(last), columns)).value
    assert [[bytes(row[0]), row[1]] for row in few] == [
        [bytes.fromhex(time), dlms_values.energy_wh(10000001, utc)]
        for time, utc in (("07EA0915010B2D0000FF4C00", last - 900), ("07EA0915010C000000FF4C00", last))
    ]
    assert read_rows(client, NOON + 3600, NOON + 7200) == []
    client.close()


def test_gurux_reads_days_months_maxima_and_events(dlms_field):
    client = gurux(dlms_field({"days": 40}))
    midnight = NOON - 12 * 3600
    days = read_rows(client, midnight - 5 * DAY, midnight, "1.0.98.2.0.255")
    assert [row[0] for row in days] == [midnight - day * DAY for day in range(5, -1, -1)]
    tariffs = [dlms_values.energy_wh(10000001, midnight, tariff) for tariff in range(4)]
    assert days[-1][2:6] == tariffs
    month = dlms_values.month_begin(NOON)
    months = read_rows(client, month - 70 * DAY, NOON, "1.0.98.1.0.255")
    assert [row[0] for row in months] == [dlms_values.month_begin(NOON, -2), dlms_values.month_begin(NOON, -1), month]
    value, when = dlms_values.maximum_demand(10000001, month - 1)
    assert months[-1][2] == dlms_values.energy_wh(10000001, month)
    maxima = read_rows(client, month, NOON, "1.0.98.3.0.255")
    assert maxima[0][:2] == [month, value] and moment(maxima[0][2]) == when
    for log in dlms_values.LOGS:
        events = read_rows(client, NOON - 40 * DAY, NOON, f"0.0.99.98.{log}.255")
        assert [tuple(row) for row in events] == list(dlms_values.events(10000001, log, NOON - 40 * DAY, NOON))
        assert events
    client.close()


def test_holes_cuts_and_nulls(dlms_field):
    hole, cut = [NOON - 7200, NOON - 5400], [NOON - 4000, NOON - 2000]
    plain = {"holes": [hole], "cuts": [cut], "days": 2}
    made = dlms_field(
        {"serial": "1", "address": 17, **plain}, {"serial": "1", "name": "nulls", "address": 18, "nulls": True, **plain}
    )
    client = gurux(made, "dlms_1")
    rows = read_rows(client, NOON - 9000, NOON)
    stamps = [NOON - step for step in (9000, 8100, 4500, 1800, 900, 0)]
    assert [row[:2] for row in rows] == [[utc, 0x80 if utc == NOON - 1800 else 0] for utc in stamps]
    events = read_rows(client, NOON - 9000, NOON, "0.0.99.98.0.255")
    assert [row for row in events if row[1] in (1, 2)] == [[cut[0], 1], [cut[1], 2]]
    client.close()
    client = gurux(made, "nulls")  # this client puts in what null-data leaves out
    profile = client.profile("1.0.99.1.0.255")
    client.get(profile, 4)
    raw = client.rows(profile, client.c.readRowsByRange(profile, at(NOON - 1800), at(NOON)))
    assert [moment(row[0]) for row in raw] == [NOON - 1800, NOON - 900, NOON]
    assert [row[1] for row in raw][0] == 0x80 and raw[2][1] is None
    client.close()


def test_clock_is_set_and_shifted(dlms_field):
    made = dlms_field({"clock_ahead_s": 100, "drift_ppm": 1000})
    meter = made.meter("10000001")
    made.now[0] = 3600.0
    assert meter.clock_ahead_s == pytest.approx(103.6)
    client = gurux(made)
    clock = GXDLMSClock()
    clock.time = GXDateTime(at(NOON + 3600 - 10))
    client.exchange(client.c.write(clock, 2))
    assert meter.clock_ahead_s == -10 and meter.clocks_set == 1
    client.exchange(client.c.method(clock, 6, 5, DataType.INT16))
    assert meter.clock_ahead_s == -5
    with pytest.raises(GXDLMSException):
        client.exchange(client.c.method(clock, 6, 901, DataType.INT16))
    made.now[0] = 3600.0 + 1000
    rows = read_rows(client, NOON + 3600, NOON + 7200)
    assert [row[:2] for row in rows] == [[NOON + 3600, 0x20], [NOON + 4500, 0]]  # set in the period that ends at 13:00
    events = read_rows(client, NOON + 3000, NOON + 4500, "0.0.99.98.0.255")
    assert sorted(code for _, code in events) == [4, 4, 5, 5]
    client.close()


def test_relay(dlms_field):
    made = dlms_field({})
    meter, client = made.meter("10000001"), gurux(made)
    relay = GXDLMSDisconnectControl("0.0.96.3.10.255")

    def state():
        return client.get(relay, 2), int(client.get(relay, 3)), int(client.get(relay, 4))

    assert state() == (True, 1, 4)
    client.exchange(relay.remoteDisconnect(client.c))
    assert state() == (False, 0, 4)
    client.exchange(relay.remoteReconnect(client.c))
    assert state() == (True, 1, 4)
    meter.pin({"mode": 1})
    client.exchange(relay.remoteDisconnect(client.c))
    client.exchange(relay.remoteReconnect(client.c))
    assert state() == (False, 2, 1)  # ready: the button is to be pressed
    meter.pin({"output": 1})
    assert state() == (True, 1, 1)
    for pins, fault in (({"mode": 0}, "none"), ({"mode": 4}, "stuck")):
        meter.pin(pins)
        meter.fault = fault
        client.exchange(relay.remoteDisconnect(client.c))
        assert state()[:2] == (True, 1)
    client.close()


# dlms-cosem.


def attribute(kind, text, number):
    return cosem.CosemAttribute(kind, cosem.Obis.from_string(text), number)


AUTHENTICATIONS = (
    (0, False, NoSecurityAuthentication()),
    (1, False, LowLevelSecurityAuthentication(secret=b"12345678")),
    (5, True, HighLevelSecurityGmacAuthentication(challenge_length=16)),
)


@pytest.mark.parametrize("port", ("rs485", "ir_right", "network"))
@pytest.mark.parametrize(("mechanism", "ciphered", "authentication"), AUTHENTICATIONS)
def test_dlms_cosem(dlms_field, port, mechanism, ciphered, authentication):
    made = dlms_field({"port": port, "security": mechanism, "ciphering": 2 * ciphered})
    meter = made.meter("10000001")
    with cosem_client(made, meter, authentication, ciphered) as session:
        kinds = enumerations.CosemInterface
        data = session.get(attribute(kinds.REGISTER, "1.0.1.8.0.255", 2))
        assert data[0] == 6 and int.from_bytes(data[1:], "big") == dlms_values.energy_wh(10000001, NOON)
        profile = attribute(kinds.PROFILE_GENERIC, "1.0.99.1.0.255", 2)
        by_range = selective_access.RangeDescriptor(
            restricting_object=selective_access.CaptureObject(
                cosem_attribute=attribute(kinds.CLOCK, "0.0.1.0.0.255", 2), data_index=0
            ),
            from_value=at(NOON - DAY),
            to_value=at(NOON),
        )
        parser = ProfileGenericBufferParser(
            capture_objects=[attribute(kinds.CLOCK, "0.0.1.0.0.255", 2)]
            + [attribute(kinds.REGISTER, f"1.0.{n}.8.0.255", 2) for n in range(5)],
            capture_period=15,
        )
        rows = parser.parse_bytes(session.get(profile, access_descriptor=by_range))
        assert [[moment(row[0].value), *(cell.value for cell in row[1:])] for row in rows] == [
            expected_row(10000001, utc) for utc in range(NOON - DAY, NOON + 1, 900)
        ]
        with pytest.raises(DataResultError, match="OBJECT_UNDEFINED"):
            session.get(attribute(kinds.REGISTER, "1.0.99.99.0.255", 2))
    assert meter.associations == 1


# Mode E, in true time.


def test_mode_e(dlms_field):
    made = dlms_field({"port": "ir_left", "serial": "10000001", "opens": True, "security": 1, "delay_ms": 5}, fast=False)
    meter = made.meter("10000001")
    terminal = Tty(made.lines["ir_left"].path, 300)
    for address in ("", "10000001"):
        terminal.open_mode_e(IDENTIFICATION, address)
        client = Gurux(terminal).open()
        assert register(client) == dlms_values.energy_wh(10000001, NOON)
        client.close()  # DISC: back at 300 baud
    assert meter.sessions == 2
    terminal.open_mode_e(IDENTIFICATION)
    with cosem_client(made, meter, AUTHENTICATIONS[1][2]) as session:
        assert session.get(attribute(enumerations.CosemInterface.REGISTER, "1.0.1.8.0.255", 3)) == bytes.fromhex("02020F00161E")
    terminal.close()


def test_mode_e_of_a_meter_that_speaks_mode_c_only(dlms_field):
    made = dlms_field({"port": "ir_left", "opens": True, "fault": "no_mode_e", "delay_ms": 0})
    terminal = Tty(made.lines["ir_left"].path, 300)
    terminal.send(b"/?!\r\n")
    assert terminal.text(13) == IDENTIFICATION
    terminal.send(b"\x06252\r\n")
    assert terminal.text(46).startswith(b"\x020.0.0(10000001)")
    terminal.close()


def test_mode_e_is_over_after_a_while(dlms_field):
    made = dlms_field({"port": "ir_left", "opens": True, "inactivity_s": 1, "delay_ms": 0})
    meter, terminal = made.meter("10000001"), Tty(made.lines["ir_left"].path, 300)
    terminal.send(b"/?99!\r\n")
    assert not terminal.receive(0.2)
    terminal.open_mode_e(IDENTIFICATION, "10000001")
    Gurux(terminal).open()
    terminal.send(b"/?!\r\n")  # in the middle of a connection nobody listens for that
    assert not terminal.receive(0.2)
    meter.idle_at -= 2
    terminal.open_mode_e(IDENTIFICATION)
    terminal.close()


# Many.


def test_a_thousand_meters_answer(dlms_field):
    made = dlms_field(
        {"port": "rs485", "serial": "10000001", "address": 17, "count": 400},
        {"port": "ir_left", "serial": "20000001", "address": 17, "count": 100, "security": 5, "ciphering": 1},
        {"port": "ir_right", "serial": "30000001", "address": 17, "count": 100, "security": 0},
        {"port": "network", "serial": "40000001", "address": 17, "count": 300},
        {"port": "network", "serial": "50000001", "count": 100, "each_port": True},
    )
    assert len(made.meters) == 1000
    streams: dict[str, Any] = {port: Tty(line.path) for port, line in made.lines.items()}
    streams["network"] = Tcp(made.meter("40000001").host)
    for meter in made.meters.values():
        own = Tcp(meter.host) if meter.has_own_port else streams[meter.port]
        server = 1 if meter.has_own_port else meter.address if meter.port == "network" else (1, meter.address, 4)
        mechanism = {"ir_left": 5, "ir_right": 0}.get(meter.port, 1)
        client = Gurux(own, server, mechanism=mechanism, ciphered=mechanism == 5, counter=1).open()
        assert register(client) == dlms_values.energy_wh(meter.number, NOON), meter.serial
        client.close()
        if own is not streams[meter.port]:
            own.close()
    for one in streams.values():
        one.close()
