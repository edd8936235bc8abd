"""The window in which Modbus clients may change the gateway, as /api/modbus_access opens, shows and ends it."""

import json

from firmware.services import modbus_access as service
from host_tests.fakes.register_gateway import Gateway
from lib.http.errors import HttpError
from lib.http.response import Response


class Request:
    minor = 1
    keep_alive = True
    method = "GET"

    def body_known(self):
        return True


class Sent:
    """A connection that keeps what is sent."""

    def __init__(self):
        self.bytes = b""

    async def send(self, view):
        self.bytes += bytes(view)


async def ask(gateway, body=None):
    """Return the answer to GET, or to POST when there is a body."""
    response, request = Response(), Request()
    response.clear(request)
    response.connection = sent = Sent()
    if body is None:
        await service.get(gateway, request, response)
    else:
        await service.post(gateway, request, response, body)
    await response.finish()
    return json.loads(sent.bytes.partition(b"\r\n\r\n")[2])


async def test_opened_and_ended():
    gateway = Gateway()
    closed = {"locked": True, "left_s": 0, "staged": 0}
    assert await ask(gateway) == closed and gateway.modbus_access is None
    assert await ask(gateway, {"minutes": 10}) == {"locked": True, "left_s": 600, "staged": 0}
    assert gateway.last_event() == ("modbus", "changes over Modbus allowed for 10 minutes")
    assert gateway.write(204, 8080) == 0
    gateway.pass_s(100)
    assert await ask(gateway) == {"locked": True, "left_s": 500, "staged": 1}
    assert await ask(gateway, {"minutes": 1}) == {"locked": True, "left_s": 60, "staged": 1}
    assert await ask(gateway, {"minutes": 0}) == closed and gateway.modbus_access is None
    assert gateway.last_event() == ("modbus", "changes over Modbus no longer allowed")
    assert gateway.write(12, 1) == 1 and gateway.read(3, 204, 1) == b"\0\x50"


async def test_ends_by_itself():
    gateway = Gateway()
    await ask(gateway, {"minutes": 2})
    access = gateway.modbus_access
    gateway.pass_s(119)
    assert not access.is_over(gateway.clock.uptime_s())
    gateway.pass_s(1)
    assert access.is_over(gateway.clock.uptime_s())  # main drops it
    assert await ask(gateway) == {"locked": True, "left_s": 0, "staged": 0} and gateway.modbus_access is None


async def test_a_step_of_the_clock_does_not_matter():
    gateway = Gateway()
    await ask(gateway, {"minutes": 2})
    gateway.clock.set(1784109600000 - 86400000, "test")
    assert (await ask(gateway))["left_s"] == 120


async def test_what_is_no_number_of_minutes():
    gateway = Gateway(locked=0)
    for body in (
        {},
        {"minutes": None},
        {"minutes": "10"},
        {"minutes": 11},
        {"minutes": -1},
        {"minutes": True},
        {"minutes": 1.0},
    ):
        try:
            await ask(gateway, body)
        except HttpError as error:
            assert error.status == 400
        else:
            raise AssertionError(body)
    assert await ask(gateway) == {"locked": False, "left_s": 0, "staged": 0}
