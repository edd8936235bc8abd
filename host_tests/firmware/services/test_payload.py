"""What a link sends of a device: the manual's JSON, flat numbers, the XML document. Exact, and never an old value."""

import json

from firmware.services import payload, payload_flat, payload_xml
from firmware.state.readings import ABSENT, GOOD, NOT_DETECTED, SILENT, STALE, UNITS, Device
from host_tests.fakes.clock import clock_at
from host_tests.fakes.push_gateway import Gateway, json_of, text

W, WH, VARH = UNITS.index("W"), UNITS.index("Wh"), UNITS.index("varh")
UTC = 1582632900  # 25.02.2020 12:15:00


def live(gateway, device, kind="measurements"):
    return payload.live(device, kind, gateway.clock)


def flat(*readings):
    return text(lambda out: payload_flat.flat(out, readings)).decode()


def kept(*rows, kind="measurements", utc=UTC, model="IE38MD"):
    """A reading out of the journal; rows: name, mantissa, exponent, unit, perhaps a quality."""
    device = Device(1, "rs485", 35)
    device.model, device.serial = model, "X0000124"
    clock, _ = clock_at(UTC * 1000)
    return payload.kept(device, kind, [tuple(row) + (GOOD,) if len(row) == 4 else row for row in rows], utc, clock)


HEAD = '{"header":{"cmd":"%s","local_time":"15.07.2026 11:00:00","model":"%s","serial_number":"%s"'
MEASUREMENTS = (
    (
        "wm",
        ("WM3M4C", "18230001"),
        '"frequency":"50.01 ","U1":"220.5 V","I1":"0.074 A","P0":"6.5 W","Q0":"-27.7 var","S0":"30.5 VA","PF0":"0.2124 Cap",'
        '"PA0":"-76.91","Tint":"36.70","THDI1":"23.36","THDUp1":"2.50","tariff":1',
    ),
    ("ie", ("IE38MD", "X0000124"), '"frequency":"49.99 ","U1":"19.5 V","P0":"0.0 W","tariff":1'),
    ("mc", ("MC666", "12345678"), '"U1":"230.0 V","tariff":1'),
    ("single", ("IE14MW", "X0000777"), '"P0":"230.0 W","P1":"230.0 W","tariff":1'),
)


def test_measurements_as_the_manual_has_them():
    gateway = Gateway()
    for name, who, values in MEASUREMENTS:
        expected = HEAD % (("get_measurements",) + who) + '},"measurements":{' + values + "}}"
        found = text(json_of(live(gateway, getattr(gateway, name)))).decode()
        assert found == expected, (found, expected)


def test_counters_as_the_manual_has_them():
    gateway = Gateway()
    found = text(json_of(live(gateway, gateway.wm, "counters"))).decode()
    assert found == HEAD % ("get_energy_counters", "WM3M4C", "18230001") + (
        ',"resetable_counters":0,"non_resetable_counters":2},'
        '"counters":{"counter1nr":"21474836.47 kWh","counter2nr":"1677721.7 Wh"},'
        '"settings":{"phase1nr":"","phase2nr":"Phase 2","tariff1nr":"1 2 3 4 ","tariff2nr":"1 2 3 4 "}}'
    )
    # A counter's phase and tariffs stay its own where others are missing.
    gateway.ie.tariffs[12] = 5
    settings = json.loads(text(json_of(live(gateway, gateway.ie, "counters"))))["settings"]
    assert settings["tariff9"] == "1 3 " and settings["phase3nr"] == "" and "tariff8" not in settings


def test_a_switch():
    gateway = Gateway()
    device = gateway.readings.device("rir")
    assert text(
        payload.bicom(payload.Reading(device, "", (), 0, GOOD, "15.07.2026 11:00:00", 0), 1, 'the "big" one')
    ).decode() == (
        '{"header":{"cmd":"get_bicom","local_time":"15.07.2026 11:00:00","model":"IR Bicom","serial_number":""},'
        '"bicom":{"state":1,"description":"the \\"big\\" one"}}'
    )
    assert text(payload_flat.state(gateway, device)) == b'{"ts":1784109600000,"q":"good","relay":1}'
    device.relay = 250
    assert text(payload_flat.state(gateway, device)) == b'{"ts":1784109600000,"q":"stale"}'


def test_flat_numbers():
    gateway = Gateway()
    both = [live(gateway, gateway.wm, kind) for kind in ("measurements", "counters")]
    assert flat(*both) == (
        '{"ts":1784109600000,"q":"good","frequency":50.01,"U1":220.50,"I1":0.074,"P0":6.5,"Q0":-27.7,"S0":30.5,'
        '"PF0":-0.2124,"PF0cap":1,"PA0":-76.91,"Tint":36.70,"THDI1":23.36,"THDUp1":2.50,"U12":381.91,'
        '"counter1nr":21474836.47,"counter2nr":1677.7217,"tariff":1}'
    )


# mantissa, exponent, unit: what is there in thousands, digit by digit
ENERGIES = (
    (16777217, 0, WH, "16777.217"),
    (2147483647, 0, WH, "2147483.647"),
    (2147483647, 3, WH, "2147483647"),
    (2147483647, 6, WH, "2147483647000"),
    (2147483647, 11, WH, "214748364700000000"),
    (-2147483648, -1, VARH, "-214748.3648"),
    (123456789, -3, WH, "123.456789"),
    (5, -3, WH, "0.000005"),
    (-5, -2, WH, "-0.00005"),
    (0, 2, WH, "0.0"),
)


def test_energies_keep_every_digit():
    for mantissa, exponent, unit, expected in ENERGIES:
        found = flat(kept(("counter1", mantissa, exponent, unit), kind="counters"))
        assert found == '{"ts":1582632900000,"q":"good","counter1":' + expected + "}", found


def test_what_is_not_there_is_left_out():
    found = flat(kept(("U1", 1, 0, W), ("U2", 2, 0, W, ABSENT), ("U3", 3, 0, W, STALE), ("P0", 4, 12, W), ("P1", 5, -10, W)))
    assert found == '{"ts":1582632900000,"q":"good","U1":1}', found
    assert flat(kept(("counter1", 5, 0, 0), kind="counters")) == '{"ts":1582632900000,"q":"good"}'  # it counts nothing


def test_old_values_are_never_sent():
    gateway = Gateway()
    gateway.wm.groups["counters"].failed()
    found = json.loads(text(payload_flat.state(gateway, gateway.wm)))
    assert found["q"] == "stale" and found["P0"] == 6.5 and "counter1nr" not in found
    gateway.wm.status = SILENT
    assert flat(live(gateway, gateway.wm)) == '{"ts":1784109600000,"q":"stale"}'
    assert json.loads(text(json_of(live(gateway, gateway.wm))))["measurements"] == {}
    counters = json.loads(text(json_of(live(gateway, gateway.wm, "counters"))))
    assert counters["counters"] == counters["settings"] == {}
    gateway.wm.clear()
    gateway.wm.status = NOT_DETECTED
    assert flat(live(gateway, gateway.wm)) == '{"q":"absent"}'


def test_a_counter_never_goes_back_by_mistake():
    gateway = Gateway()
    counters = gateway.wm.groups["counters"]

    def told(mantissa, exponent, seconds=1):
        counters.put(0, mantissa, exponent)
        counters.read(counters.utc + seconds, 60000)
        found = json.loads(text(payload_flat.state(gateway, gateway.wm)))
        assert found["counter2nr"] == 1677.7217 and found["q"] == "good"
        return found.get("counter1nr")

    assert told(12345678, 0) == 12345.678
    assert told(0, 0) is None  # one wrong reading,
    assert told(0, 0, 0) is None  # asked for twice
    assert told(12345679, 0) == 12345.679
    assert told(5, 0) is None
    assert told(1234568, 1) == 12345.68  # a meter that runs out of digits
    assert told(1234567, 1) is None  # set back
    assert told(1234567, 1) == 12345.67
    assert told(7, -3) is None
    gateway.wm.clear()  # another meter
    assert gateway.wm.told is None


def test_a_kept_reading_has_its_own_time():
    reading = kept(("P0", 123, -1, W), ("U1", 1, 0, W, ABSENT))
    found = json.loads(text(json_of(reading)))
    assert found["header"]["local_time"] == "25.02.2020 12:15:00" and found["measurements"] == {"P0": "12.3 W"}
    assert flat(reading) == '{"ts":1582632900000,"q":"good","P0":12.3}'
    # Timed by a clock that nobody had set: the time is not known.
    assert flat(kept(("P0", 1, 0, W), utc=946684860)) == '{"q":"good","P0":1}'


def test_a_reading_is_what_it_was():
    gateway = Gateway()
    reading = live(gateway, gateway.wm, "counters")
    before = text(json_of(reading))
    gateway.wm.groups["counters"].put(0, 1, 0)
    gateway.wm.clear()
    assert text(json_of(reading)) == before


def test_the_gateway_itself():
    gateway = Gateway()
    assert text(payload_flat.state(gateway, None)) == (
        b'{"ts":1784109600000,"q":"good","heap":196612,"lag_ms":12.345,"crashes":3,"rssi":-61,"temperature":20.41,'
        b'"pulses":131075,"boot":"2026-07-15T10:00:00Z"}'
    )
    assert json.loads(text(payload_flat.greeting(gateway))) == {
        "state": "online",
        "serial_number": "SG000017",
        "model_type": "SG-W1",
        "sw_ver": "0.1",
        "hw_ver": "A",
    }


# Device sheet, 11: the document there, made longer
XML = """<?xml version="1.0" encoding="utf-8"?>
<data logId="17" controlUnit="X0000124" deviceType="IE38MD" part="1">
<measurement dateTime="2020-02-25T12:15:00Z" tInterval="PT900S">
<value ident="f" unit="Hz">50.01</value>
<value ident="U1" unit="V">220.5</value>
<value ident="U12" unit="V">381.9</value>
<value ident="I1" unit="A">0.08</value>
<value ident="P" unit="W">6.5</value>
<value ident="P1" unit="W">-0.1</value>
<value ident="Q" unit="var">-27.7</value>
<value ident="S0" unit="VA">123456.0</value>
<value ident="S1" unit="VA">0.0</value>
<value ident="Tint" unit="deg">-1.05</value>
<value ident="U1%" unit="%">2.50</value>
<value ident="I1%" unit="%">23.36</value>
<value ident="E1nr" unit="Wh">2e+2</value>
<value ident="E1" unit="Wh">2147483647</value>
<value ident="E2" unit="varh">-45e-1</value>
</measurement>
</data>
"""
ROWS = (
    ("frequency", 5001, -2, 1),
    ("U1", 22050, -2, 2),
    ("U2", 22050, -2, 2, STALE),
    ("I1", 75, -3, 3),
    ("P0", 65, -1, W),
    ("P1", -5, -2, W),
    ("Q0", -277, -1, 5),
    ("S0", 123456, 0, 6),
    ("S1", -4, -2, 6),
    ("PF0", 2124, -4, 8),
    ("PA0", -7691, -2, 9),
    ("Tint", -105, -2, 10),
    ("THDI1", 2336, -2, 11),
    ("THDUp1", 250, -2, 11),
    ("U12", 38191, -2, 2),
)
COUNTERS = (("counter1nr", 2, 2, WH), ("counter1", 2147483647, 0, WH), ("counter2", -45, -1, VARH), ("counter3", 5, 0, 0))


def xml(readings, log_id=17, interval_s=900):
    return text(lambda out: payload_xml.document(out, log_id, interval_s, readings)).decode()


def test_the_xml_document():
    found = xml((kept(*ROWS), kept(*COUNTERS, kind="counters")))
    assert found == XML.replace("\n", "\n\r"), found


def test_xml_times():
    counters = kept(*COUNTERS[:1], kind="counters")
    assert 'tInterval="PT060S"' in xml((counters,), interval_s=60)
    assert 'tInterval="PT60M"' in xml((counters,), interval_s=3600)
    assert 'dateTime="now"' in xml((kept(utc=0),))


def test_xml_of_odd_texts():
    assert 'controlUnit="X0000124" deviceType="IE"' in xml((kept(model='I<"&>\x01E'),))
