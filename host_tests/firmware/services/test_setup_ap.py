"""The own access point of boards that phones' programs do not set up: its name and password, and when it closes."""

import asyncio

from firmware.port import wlan_ap
from firmware.port.radio_fake import AccessPointFake
from firmware.services import provisioning_code, setup_ap
from host_tests.fakes.simulated_time import simulated


class Gateway:
    """What the service needs of one; `told`: (ms, name, password) of the access point."""

    mac = b"\xc4\x4f\x33\x00\x00\x11"
    pop = "SECRET2345"
    requests = 0

    def __init__(self, time):
        self.time = time
        self.told = []
        self.platform = self.identity = self.server = self

    def access_point(self):
        return AccessPointFake(lambda name, password: self.told.append((self.time.passed_ms(), name, password)))


def load(name):
    return {"firmware.port.wlan_ap": wlan_ap, "firmware.services.provisioning_code": provisioning_code}[name]


@simulated(setup_ap)
async def test_it_is_open_for_its_time(time):
    gateway = Gateway(time)
    await setup_ap.run(gateway, load, 180)
    (opened, name, password), (closed, nobody, _) = gateway.told
    assert (name, password) == ("PROV_000011", "SECRET2345") and nobody is None
    assert 180000 <= closed - opened <= 182000


@simulated(setup_ap)
async def test_who_is_there_gets_more_but_not_for_ever(time):
    gateway = Gateway(time)
    task = asyncio.create_task(setup_ap.run(gateway, load, 180))
    for _ in range(20):
        await asyncio.sleep(10)
        gateway.requests += 1
    await task
    assert 259000 <= gateway.told[-1][0] <= 262000, "a minute after the last request"
    task = asyncio.create_task(setup_ap.run(gateway, load, 180))
    began = time.passed_ms()
    while not task.done():
        await asyncio.sleep(10)
        gateway.requests += 1
    assert time.passed_ms() - began <= 912000


@simulated(setup_ap)
async def test_it_closes_when_a_network_came(time):
    gateway = Gateway(time)
    task = asyncio.create_task(setup_ap.run(gateway, load, 180))
    await asyncio.sleep(5)
    task.cancel()
    await asyncio.sleep(1)
    assert gateway.told[-1][1] is None
