"""Over which aioble the gateway runs: what OPENSG_AIOBLE names, else a stand-in, which is to behave alike.

With OPENSG_AIOBLE set all other tests of provisioning run over aioble itself (docs/rig.md).
"""

import os

import pytest

from host_tests.ble_channel import Phone
from host_tests.gateway import eventually, gateway
from host_tests.rig import RigFailed

VARIABLE = "OPENSG_AIOBLE"
SETTINGS = {"wifi_ssid": ""}
OF_A_TEST = """
import bluetooth
print("aioble of a test over", bluetooth.BLE())
from firmware.port.aioble_fake import *
"""


def start():
    return gateway(64, heap="1m", settings=SETTINGS, meters=[])


def test_the_environment_names_the_folder_that_has_it(tmp_path, monkeypatch):
    package = tmp_path / "aioble"
    package.mkdir()
    (package / "__init__.py").write_text(OF_A_TEST)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with start() as rig, Phone(rig.ready["ble"]) as phone:
        phone.connect()
        assert "aioble of a test over" in rig.log()


def test_a_folder_without_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(RigFailed, match="OPENSG_AIOBLE is not a folder that holds the package aioble"), start():
        pass


def dialogue():
    """What a phone finds out that looks into every corner."""
    with start() as rig, Phone(rig.ready["ble"]) as phone:
        found = [phone.find(), phone.scan()]
        phone.do("connect", mtu=23)
        services = phone.do("discover")
        handles = range(40)
        found.append(services)
        found += [phone.ask("read", handle=handle) for handle in handles]
        found += [phone.ask("write", handle=handle, hex="00" * size) for handle in handles for size in (0, 1, 513)]
        found += [phone.ask("read", handle=handle) for handle in handles]
        phone.disconnect()
        phone.connect()
        phone.write("proto-ver", b"ESP" * 100)
        found += [phone.read(name) for name in ("proto-ver", "proto-ver")]
        phone.disconnect()
        eventually(lambda: phone.scan() == found[1], "no advertising afterwards")
        return found


@pytest.mark.skipif(
    not os.environ.get(VARIABLE), reason=f"{VARIABLE} is not set: provisioning was tested over a stand-in for aioble"
)
def test_the_stand_in_behaves_as_aioble_does(monkeypatch):
    over_aioble = dialogue()
    monkeypatch.delenv(VARIABLE)
    assert dialogue() == over_aioble
