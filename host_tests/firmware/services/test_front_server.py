"""What the lights of the HT boards tell: the server's connection, and the ports that have a device which does not answer."""

from firmware.services.front import Front
from firmware.services.front_server import lights
from firmware.state.links import Link
from firmware.state.readings import PRESENT, SILENT, Device, Readings

LIGHTS = (("server on", "any slow"), ("ir_left fast", "rs485 slow", "any off"))  # boards/HT_G12/board.py

# state of link 1, devices that do not answer, green, red
TABLE = (
    ("Disabled", (), "slow", "off"),
    ("Connecting", (), "slow", "off"),
    ("Connected", (), "on", "off"),
    ("Error", (), "slow", "off"),
    ("Connected", ("rs485",), "on", "slow"),
    ("Connected", ("ir_left",), "on", "fast"),
    ("Disconnected", ("rs485", "ir_left"), "slow", "fast"),
)


class Gateway:
    def __init__(self):
        self.readings = Readings()
        self.platform = self.push = self
        self.links = (Link(1), Link(2))
        self.readings.devices = [Device("lir", "ir_left", 33), Device(1, "rs485", 34), Device(2, "rs485", 35)]

    def leds(self, green, red):
        self.shown = (green, red)


def test_lights_of_the_terminals():
    for state, silent, green, red in TABLE:
        gateway = Gateway()
        gateway.links[0].tell(state, "", 0)
        for device in gateway.readings.devices:
            device.status = SILENT if device.port in silent else PRESENT
        assert lights(gateway, LIGHTS) == [green, red], (state, silent)


def test_what_nobody_asked_yet_is_no_fault():
    gateway = Gateway()
    gateway.readings.untried = set(gateway.readings.devices)
    assert lights(gateway, LIGHTS) == ["slow", "off"]


def test_the_front_shows_them_in_operation_only():
    gateway = Gateway()
    front = Front(gateway)
    front.show("connecting")
    front.tell("on", "slow")
    assert gateway.shown == ("fast", "off")
    front.show("operational")
    assert gateway.shown == ("on", "slow")
    front.tell("slow", "off")
    assert gateway.shown == ("slow", "off")
    front.show("upgrading")
    front.tell("on", "off")
    assert gateway.shown == ("off", "fast")
