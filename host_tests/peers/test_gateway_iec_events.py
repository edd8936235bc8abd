"""What IEC 62056-21 meters log reaches /api/meter_events, once; passwords, clocks and error words of difficult meters."""

import json

from host_tests.gateway import api, eventually
from host_tests.peers.test_gateway_front import restarted
from host_tests.peers.test_gateway_iec_meters import add, entry, field, listed, present

CLOCK = 1795824300  # 28.11.2026, 5 min into a quarter of an hour


def brand(name, serial, **more):
    return {**entry(0, **more), "family": "IEC " + name, "serial": serial}


def logged(rig, serial):
    """(local time, code, text) of all events kept of a meter, in the order in which they are."""
    status, answer = api(rig, f"/api/meter_events/{serial}")
    return [(one["local_time"], one["code"], one["text"]) for one in answer["events"]] if status == 200 else []


def counts(rig, serial):
    return rig.control("meter", name=serial)["values"]


MAKEL = {
    ("06.04.2018 16:05:00", "96.71", "terminal cover opened"),
    ("12.12.2018 20:19:00", "96.77.2", "outage L2 begins"),
    ("09.05.2019 20:17:00", "96.77.0", "outage begins"),
    ("10.05.2019 08:40:00", "96.77.0", "outage ends"),
    ("10.05.2019 10:03:00", "96.77.0", "outage begins"),
    ("10.05.2019 10:14:00", "96.77.0", "outage ends"),
}
MAS = {
    ("17.11.2025 13:12:46", "96.77.20", "voltage warning begins"),
    ("28.01.2026 16:21:57", "96.7.12", "outage L2 begins"),
    ("28.01.2026 16:24:35", "96.7.10", "outage begins"),
    ("04.02.2026 11:56:09", "96.7.10", "outage ends"),
}
EMH = {
    "clock set, status changed, 0.9.1 1235703, 0.9.2 1220826",
    "power failure",
    "power back",
    "demand reset",
}


def test_events_of_three_kinds_of_meters_arrive_once_and_survive_a_restart():
    meters = [brand("Makel", "80000001"), brand("EMH", "80000002"), brand("Mas", "80000003")]
    plans = {"events": "auto", "period": 1}
    with field(meters, fast=True, plans=plans, clock=CLOCK, bits=32) as rig:
        add(rig, 3, read="6")  # the short packet: its events are in 8 and 9

        def all_there():
            texts = {text for _, _, text in logged(rig, "80000002")}
            return set(logged(rig, "80000001")) == MAKEL and set(logged(rig, "80000003")) == MAS and texts == EMH

        eventually(all_there, lambda: [logged(rig, meter["serial"]) for meter in meters], 90)
        before = {meter["serial"]: logged(rig, meter["serial"]) for meter in meters}
        assert len(before["80000002"]) == len(EMH)
        assert [time for time, _, _ in before["80000001"]] == sorted(
            [time for time, _, _ in before["80000001"]], key=lambda text: (text[6:10], text[3:5], text[:2], text[10:])
        )
        # Those of the long read-out cost no session.
        values = counts(rig, "80000001")
        assert values["sessions"] == values["readouts"]
        ready = rig.ready
        assert api(rig, "/api/restart", {})[0] == 202
        restarted(rig, ready)
        sessions = counts(rig, "80000003")["sessions"]
        eventually(lambda: counts(rig, "80000003")["sessions"] >= sessions + 3, "read again: three packets", 90)
        present(rig, [1, 2, 3])
        assert {meter["serial"]: logged(rig, meter["serial"]) for meter in meters} == before
        # The next period: not before tomorrow.
        sessions, readouts = counts(rig, "80000003")["sessions"], counts(rig, "80000003")["readouts"]
        eventually(lambda: counts(rig, "80000003")["readouts"] > readouts, "the next period", 90)
        assert counts(rig, "80000003")["sessions"] == sessions + 1


def test_an_event_that_goes_on_ends_later():
    running = ["96.77.0(26-11-28,02:00,99-99-99,99:99)"]
    with field([brand("Makel", "80000001", events=running)], fast=True, plans={"events": "auto"}, clock=CLOCK) as rig:
        begins = ("28.11.2026 02:00:00", "96.77.0", "outage begins")
        eventually(lambda: logged(rig, "80000001") == [begins], lambda: logged(rig, "80000001"))
        rig.control("meter", name="80000001", set={"events": "96.77.0*1(26-11-28,02:00,26-11-28,02:30)"})
        add(rig, 1, name="Hall")  # all begins anew
        ends = ("28.11.2026 02:30:00", "96.77.0", "outage ends")
        eventually(lambda: logged(rig, "80000001") == [begins, ends], lambda: logged(rig, "80000001"))


def test_a_wrong_password_is_sent_once_and_the_meter_is_read_on():
    plans = {"password": "wrong", "clock": 1, "profile": "auto", "events": "auto", "period": 1}
    with field([brand("EMH", "80000001", clock_ahead_s=60)], fast=True, plans=plans, clock=CLOCK) as rig:
        eventually(lambda: listed(rig)[0].get("password_refused_until"), lambda: listed(rig))
        eventually(lambda: counts(rig, "80000001")["readouts"] >= 3, lambda: counts(rig, "80000001"), 150)
        add(rig, 1, name="Hall")  # another change is no other password
        readouts = counts(rig, "80000001")["readouts"]
        eventually(lambda: counts(rig, "80000001")["readouts"] > readouts + 1, lambda: counts(rig, "80000001"), 150)
        ready = rig.ready
        assert api(rig, "/api/restart", {})[0] == 202
        restarted(rig, ready)
        readouts = counts(rig, "80000001")["readouts"]
        eventually(lambda: counts(rig, "80000001")["readouts"] > readouts + 1, lambda: counts(rig, "80000001"), 150)
        assert listed(rig)[0]["status"] == "present" and listed(rig)[0].get("password_refused_until")
        assert counts(rig, "80000001")["passwords"] == 1
        add(rig, 1, password="00000000")
        eventually(lambda: counts(rig, "80000001")["passwords"] > 1, lambda: listed(rig), 90)
        eventually(lambda: not listed(rig)[0].get("password_refused_until"), lambda: listed(rig))
        assert counts(rig, "80000001")["wrong_passwords"] == 1


def test_a_third_generation_meter_gets_a_computed_password():
    meter = brand("Mas", "80000001", password="secret12", clock_ahead_s=60)
    plans = {"password": "secret12", "level": 3, "clock": 1}
    with field([meter], plans=plans, clock=CLOCK) as rig:
        eventually(lambda: counts(rig, "80000001")["clocks_set"] == 1, lambda: listed(rig))
        assert counts(rig, "80000001")["wrong_passwords"] == 0


def test_turkish_clock_in_order_and_profile_goes_on_beside_it():
    meter = brand("Makel", "80000001", password="1234", clock_ahead_s=-70)
    plans = {"password": "1234", "clock": 1, "profile": "auto", "period": 1}
    with field([meter], plans=plans, clock=CLOCK) as rig:
        eventually(lambda: len(counts(rig, "80000001")["written"]) == 3, lambda: (listed(rig), rig.log()[-800:]))
        written = counts(rig, "80000001")["written"]
        assert [text[:6] for text in written] == ["0.9.1(", "0.9.2(", "0.9.5("]
        assert written[1] == "0.9.2(26-11-28)" and written[2] == "0.9.5(6)"  # a Saturday
        assert abs(counts(rig, "80000001")["clock_ahead_s"]) <= 2
        eventually(
            lambda: api(rig, "/api/profile/80000001")[0] == 200,
            lambda: (listed(rig), counts(rig, "80000001"), rig.log()[-1500:]),
            60,
        )


def test_a_clock_that_is_refused_is_told_once():
    meter = brand("Makel", "80000001", password="1234", clock_ahead_s=70, fault="no_clock")
    with field([meter], fast=True, plans={"password": "1234", "clock": 1, "period": 1}, clock=CLOCK) as rig:
        eventually(lambda: "clock refused: nak" in rig.log(), rig.log)
        readouts = counts(rig, "80000001")["readouts"]
        eventually(lambda: counts(rig, "80000001")["readouts"] >= readouts + 2, lambda: listed(rig), 150)
        assert rig.log().count("clock refused") == 1 and counts(rig, "80000001")["passwords"] == 1
        assert listed(rig)[0]["status"] == "present"


def test_clocks_that_are_too_far_off_or_tell_no_date():
    far = brand("EMH", "80000001", clock_ahead_s=5000)
    none = brand("Makel", "80000002", values={"0.9.2": "26-02-30"})
    with field([far, none], fast=True, plans={"clock": 1, "period": 1}, clock=CLOCK) as rig:
        meters = present(rig, [1, 2])
        assert abs(meters[0]["clock_ahead_s"] - 5000) <= 2 and meters[1]["clock_ahead_s"] is None
        readouts = counts(rig, "80000001")["readouts"]
        eventually(lambda: counts(rig, "80000001")["readouts"] > readouts, lambda: listed(rig), 90)
        assert rig.log().count("too far to be set") == 1
        assert counts(rig, "80000001")["clocks_set"] == counts(rig, "80000002")["clocks_set"] == 0


def test_an_error_word_is_shown_and_told():
    with field([brand("Mas", "80000001")], fast=True, plans={"events": "auto", "period": 1}, clock=CLOCK) as rig:
        assert present(rig, [1])[0]["fault"] == "0"
        word = "0" * 32 + "1" + "0" * 26 + "11000"
        rig.control("meter", name="80000001", set={"F.F": word})
        eventually(lambda: listed(rig)[0]["fault"] == "80000018", lambda: listed(rig), 90)
        assert rig.log().count("the meter reports a fault, 80000018") == 1
        eventually(
            lambda: [e for e in logged(rig, "80000001") if e[1:] == ("F.F", "80000018")], lambda: logged(rig, "80000001")
        )


def test_a_meter_that_speaks_unasked():
    meter = brand("Dsmr", "80000001", opening=9600, speaks_s=3, parity=False, values={"1.8.1": "000156.167*kWh"})
    plans = {"read": "D", "parity": 0, "address": "", "events": "auto", "period": 1}
    with field([meter], plans=plans, clock=CLOCK) as rig:
        shown = present(rig, [1])[0]
        assert (shown["model"], shown["serial"]) == ("ISK M550E-1012", "80000001")
        counter = [c for c in api(rig, "/api/counter/1")[1]["counters"]["resettable"] if c["value"] == 156167]
        assert counter, json.dumps(api(rig, "/api/counter/1")[1])
        eventually(lambda: [e[1:] for e in logged(rig, "80000001")] == [("99.97.0", "long outage ends")], lambda: listed(rig))
        rig.control("meter", name="80000001", fault="crc")
        eventually(lambda: listed(rig)[0]["error"] == "check", lambda: listed(rig), 150)
