"""The own access point over a fake of the ESP32's `network`: never an open one, named only once it is on."""

import sys

sys.path.insert(0, "host_tests/fakes")  # a fake network: see there
import network

from firmware.port import wlan_ap


def made():
    network.journal.clear()
    return network.WLAN(network.WLAN.IF_AP)


def test_up_and_down():
    ap = made()
    wlan_ap.start(ap, "PROV_00ABCD", "SECRET2345")
    assert network.journal == [("active", True), ("ap", "PROV_00ABCD", "SECRET2345")]
    wlan_ap.stop(ap)
    assert network.journal[2:] == [("active", False), ("ap", None, None)]


def test_what_can_be_no_password_opens_nothing():
    for password in ("", "1234567", "x" * 64, "größer als acht"):
        ap = made()
        try:
            wlan_ap.start(ap, "PROV_00ABCD", password)
            raised = False
        except ValueError:
            raised = True
        assert raised and not network.journal, password
    for password in ("12345678", "x" * 63):
        wlan_ap.start(made(), "PROV_00ABCD", password)


def test_the_fake_keeps_the_rules_of_the_radio():
    ap = made()
    for is_on, how in (
        (False, {"ssid": "a", "security": 3, "key": "12345678"}),
        (True, {"ssid": "a", "security": 3, "key": "1234567"}),
        (True, {"ssid": "a", "security": 0, "key": "12345678"}),
    ):
        ap.active(is_on)
        try:
            ap.config(**how)
            raised = False
        except OSError:
            raised = True
        assert raised, how


def test_one_that_does_not_stop_is_no_error():
    class Broken:
        def active(self, is_on):
            raise OSError("Wifi Not Started")

    wlan_ap.stop(Broken())
