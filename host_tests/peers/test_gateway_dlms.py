"""DLMS meters behind the whole gateway, on simulated wires and behind TCP: what is read, whatever the security."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from host_tests import dlms_field
from host_tests.gateway import api, command, eventually, gateway
from tools.rig.families import dlms_values

SETTINGS = {"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_type_1": 0, "rs485_type_2": 0, "rs485_protocol": 5}
SETTINGS |= {"ir_protocol": 2, "dlms_network": 1, "dlms_profile_days": 2}
KEYS = {"key": "000102030405060708090A0B0C0D0E0F", "auth_key": "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"}
LLS = {"client": 1, "security": 1, "password": "12345678"}
GMAC = {"client": 1, "security": 5, **KEYS}
# What is in the rig, and in the list
METERS = (
    ({"address": 17, "clients": {"48": 0}}, {"client": 48}),
    ({"address": 18, "offset_min": 180, "deviation": "east", "nulls": True}, LLS),
    ({"address": 19, "security": 5, "ciphering": 1}, {**GMAC, "ciphering": 1}),
    ({"address": 20, "security": 5, "ciphering": 2, "conformance": "601E1D"}, {**GMAC, "ciphering": 2}),
    ({"address": 21, "security": 2, "password": "secret"}, {"client": 1, "security": 2, "password": "secret"}),
    ({"address": 22, "conformance": "00001D"}, LLS),  # neither blocks nor lists
    ({"address": 16, "port": "ir_left", "opens": True}, {"port": 1, "opens": 1, **LLS}),
    ({"address": 23, "port": "network"}, {"port": 2, **LLS}),
    ({"address": 24, "port": "network", "security": 5, "ciphering": 1}, {"port": 2, **GMAC, "ciphering": 1}),
)


def entries():
    return [{"family": "DLMS", "port": "rs485", "serial": f"{10000001 + at}", **one} for at, (one, _) in enumerate(METERS)]


def add(rig, meter, **plan):
    """List a meter of the rig."""
    if plan.get("port") == 2:
        plan |= {"host": rig.control("meter", name=f"dlms_{meter['serial']}")["values"]["host"], "logical": meter["address"]}
    else:
        plan["physical"] = meter["address"]
    status, answer = api(rig, "/api/dlms_meters", {"serial": meter["serial"], "shown": 1, **plan})
    assert status in (200, 201), answer


def listed(rig):
    return api(rig, "/api/dlms_meters")[1]["meters"]


def read(rig, patience_s=120):
    """Wait until all meters of the list were read well; return them."""

    def look():
        meters = listed(rig)
        return all(meter["good_utc"] for meter in meters) and meters

    return eventually(look, lambda: [(m["serial"], m["good_utc"], m["reason"], m["failures"]) for m in listed(rig)], patience_s)


@pytest.mark.parametrize(("bits", "count"), [(64, len(METERS)), (32, 4)])
def test_values_and_archives_of_all_kinds(bits, count):
    """On 32 bits, where there is as little memory as on a device, those of one wire."""
    meters = entries()[:count]
    settings = SETTINGS | ({} if bits == 64 else {"ir_protocol": 0, "dlms_network": 0})
    with gateway(bits=bits, meters=meters, settings=settings) as rig:
        for meter, (_, plan) in zip(meters, METERS[:count], strict=True):
            add(rig, meter, **plan)
        for meter in read(rig):
            now = meter["good_utc"]
            assert meter["in_contact"] and abs(meter["drift_s"]) <= 1, meter
            assert now - meter["newest_0"] < 2 * 900, meter
            assert now - meter["newest_1"] <= 86400 and meter["newest_2"] and meter["newest_3"], meter
            assert now - meter["newest_4"] < 60, meter
        devices = {device["address"]: device for device in rig.get_json("/api/status")["devices"]}
        for meter in meters:
            device = devices[meter["serial"]]
            assert (device["status"], device["model"]) == ("present", "OSG DLMS"), device
            slot = device["slot"]
            told = command(rig, f"get_counters{slot}")["counters"]["counter1nr"]
            number = int(meter["serial"])
            now = rig.get_json("/api/status")["timestamp"]
            least, most = [dlms_values.energy_wh(number, at) / 1000 for at in (now - 300, now)]
            assert least - 0.01 <= float(told.split()[0]) <= most + 0.01 and told.endswith("kWh"), (told, least, most)


def test_what_fails_is_told_and_costs_the_others_nothing():
    meters = [entries()[1] | {"serial": f"2000000{at}", "address": 30 + at} for at in range(4)]
    meters[0]["fault"], meters[1]["fault"] = "mute", "wrong_number"
    with gateway(meters=meters, settings=SETTINGS) as rig:
        for meter in meters:
            add(rig, meter, **LLS if meter is not meters[2] else LLS | {"password": "00000000"})
        eventually(lambda: all(one["good_utc"] or one["failures"] for one in listed(rig)), lambda: listed(rig), 120)
        silent, other, password, good = listed(rig)
        assert good["good_utc"] and not good["failures"]
        assert not silent["in_contact"] and other["in_contact"] and password["in_contact"]
        assert [one["reason"] for one in (silent, other, password)] == [1, 7, 8]
        assert not any(one["good_utc"] for one in (silent, other, password))
        assert not any(other[f"newest_{kind}"] for kind in range(5))
        assert rig.control("meter", name="dlms_20000002")["values"]["wrong_passwords"] == 1


def test_the_faults_of_a_line_end_in_good_values():
    meters = [entries()[1] | {"serial": f"3000000{at}", "address": 40 + at} for at in range(4)]
    for meter, fault in zip(meters, ("no_parameters", "twice", "trickle", "restart"), strict=True):
        meter["fault"] = fault
    with gateway(meters=meters, settings=SETTINGS | {"dlms_profile_days": 1}) as rig:
        for meter in meters:
            add(rig, meter, **LLS)
        eventually(lambda: all(one["good_utc"] or one["failures"] for one in listed(rig)), lambda: listed(rig), 240)
        found = listed(rig)
        assert all(one["good_utc"] for one in found[:2]), found
        rig.control("meter", name="dlms_30000003", fault="none")
        eventually(lambda: listed(rig)[3]["good_utc"], lambda: listed(rig)[3], 120)


@pytest.mark.parametrize(
    ("ports", "heap"), [({"rs485": 12}, "124k"), ({"rs485": 10, "ir_left": 10, "network": 10}, "144k")], ids=["one", "three"]
)
def test_many_meters_fit_a_small_heap(ports, heap):
    """Listed all at once, read on all wires with GMAC and ciphering, while two clients look on: there is memory for all."""
    meters = dlms_field.Meters(security=5, **ports)
    with dlms_field.field(meters, {"dlms_profile_days": 1}, heap=heap) as rig, ThreadPoolExecutor() as pool:
        dlms_field.load(rig, meters)
        is_over = Event()

        def look(path):
            while not is_over.wait(1):
                assert api(rig, path)[0] == 200, path

        clients = [pool.submit(look, path) for path in ("/api/status", "/api/dlms_meters?count=10")]
        try:
            found = dlms_field.all_read(rig, len(meters), dlms_field.NOW)
        finally:
            is_over.set()
        for client in clients:
            client.result()
        assert not any(one["failures"] for one in found), found
        health = rig.get_json("/api/health")
        assert health["crashes"] == 0 and "MemoryError" not in rig.log(), rig.log()
        print("free at least", health["heap_min"])
