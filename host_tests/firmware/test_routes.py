"""Which modules the router keeps in RAM: what answers a request stays, all else goes when it was not used for a while."""

import asyncio
import sys

from firmware import routes
from firmware.state.logins import Logins

ROUTE = ["GET", "/api/clock", "public", "clock", "get"]
SLOW = "firmware.services.clock"
OTHER = "lib.text.csv"


class Gateway:
    def __init__(self):
        self.logins = Logins()


class Answering:
    """Stands for a module that takes its time."""

    def __init__(self):
        self.begun, self.may_end = asyncio.Event(), asyncio.Event()

    async def get(self, gateway, request, response):
        self.begun.set()
        await self.may_end.wait()


class Request:
    method, path = "GET", "/api/clock"


async def test_what_answers_a_request_stays():
    router = routes.Router(Gateway())
    sys.modules.pop(OTHER, None)
    answering = Answering()
    sys.modules[SLOW] = answering
    router._loaded.append([SLOW, 0, [SLOW]])
    task = asyncio.create_task(router._serve(ROUTE, Request(), None))
    await answering.begun.wait()
    router.module(OTHER)
    assert OTHER in sys.modules
    router.make_room()
    assert OTHER not in sys.modules and sys.modules[SLOW] is answering
    answering.may_end.set()
    await task
    router.make_room()
    assert SLOW not in sys.modules


def test_what_came_with_a_module_goes_with_it():
    router = routes.Router(Gateway())
    for name in (OTHER, "firmware.services.resolver", "lib.clock.dns"):
        sys.modules.pop(name, None)
    router.module("firmware.services.resolver")
    assert "lib.clock.dns" in sys.modules
    router.tick()
    assert "lib.clock.dns" in sys.modules, "it was just used"
    router.make_room()
    assert "lib.clock.dns" not in sys.modules and "firmware.services.resolver" not in sys.modules
