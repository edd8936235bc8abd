"""A wire that is disturbed, in the whole gateway: what it serves is right or missing, and all comes back."""

import pytest

from host_tests.faults.test_meter_faults import OTHER, QUERIES, SETTINGS, VICTIM, Watch, meters
from host_tests.gateway import command, detected, eventually, gateway, post, statistics

LEFT = "L0000004"
BUS = [serial for serial in QUERIES if serial != LEFT]
DEAD = ((64, "busy", "line busy"), (64, "closed", "port error "), (32, "closed", "port error "))
SWITCH = {"port": "ir_right", "model": "IR Bicom"}


@pytest.fixture(scope="module", params=[64, 32])
def watch(request):
    with gateway(request.param, meters=[*meters(), SWITCH], settings={**SETTINGS, "ir_ext_rel_mode": 1}) as rig:
        yield Watch(rig)


def healed(watch, port):
    watch.rig.control("line", port=port, fault="none")
    eventually(lambda: watch.complete(*QUERIES), lambda: command(watch.rig, "get_statistics"))


def test_noise_around_every_answer(watch):
    rig = watch.rig
    noise = command(rig, "get_statistics")["rs485_noise_bytes"]
    rig.control("line", port="rs485", fault="noise")

    def disturbed():
        return [watch.complete(each) for each in QUERIES] and command(rig, "get_statistics")["rs485_noise_bytes"] > noise + 50

    eventually(disturbed, lambda: command(rig, "get_statistics"))
    watch.rounds(LEFT)
    assert watch.complete(LEFT)
    healed(watch, "rs485")


@pytest.mark.parametrize(("watch", "fault", "words"), DEAD, indirect=["watch"])
def test_a_wire_that_is_dead(watch, fault, words):
    rig = watch.rig
    rig.control("line", port="rs485", fault=fault)

    def dead():
        errors = [statistics(rig, "rs485", unit)["last_error"] for unit in (35, 36, 37)]
        return all([watch.empty(serial) for serial in BUS]) and any(error.startswith(words) for error in errors)

    eventually(dead, lambda: command(rig, "get_statistics"))
    watch.rounds(LEFT)
    told = [line for line in rig.log().splitlines() if line.startswith("bus: rs485: ")]
    assert 0 < len(told) <= 4, told  # not with every try
    healed(watch, "rs485")


@pytest.mark.parametrize("port", ["ir_left", "rs485"])
def test_an_echo_of_all_we_send(watch, port):
    rig = watch.rig
    rig.control("line", port=port, fault="echo")
    for serial in (VICTIM, OTHER, LEFT):
        watch.rounds(serial)
    eventually(lambda: watch.complete(*QUERIES), lambda: command(rig, "get_statistics"))
    healed(watch, port)


def test_a_switch_whose_port_hears_itself(watch):
    rig = watch.rig
    detected(rig, len(QUERIES))
    eventually(lambda: command(rig, "get_bicoms")["ir_bicom_state"] == 0, "the switch is not found")
    rig.control("line", port="ir_right", fault="echo")
    for what, state in (("ON", 1), ("TOGGLE", 0), ("OFF", 0)):
        assert post(rig, what) == (204, "")
        assert rig.control("meter", name="ir_bicom")["values"] == {"state": state}
        assert command(rig, "get_bicoms")["ir_bicom_state"] == state
    rig.control("line", port="ir_right", fault="none")
