"""A gateway with load profiles on a flash in memory, and what asks it."""

import asyncio
import json

import vfs

from firmware.services import profile as service
from firmware.state.clock import Clock
from firmware.state.events import Events
from firmware.state.profiles import KeptProfiles
from host_tests.fakes.clock import Port, Ticks
from host_tests.fakes.ram_flash import FOLDER, RamFlash, mounted
from lib.clock import calendar
from lib.http.response import BODY_BYTES, Response

ZONE = "Europe/Ljubljana"
T = calendar.to_unix(2026, 7, 15, 10)  # 12:00 in Ljubljana
Q = 900
KEY = "AEL12345678"
CODES, UNITS = ("1.8.0", "2.8.0", "32.7.0"), ("kWh", "kWh", "V")


class Request:
    minor = 1
    keep_alive = True
    method = "GET"

    def __init__(self, path, values):
        self.path = path
        self._values = values

    def query(self, name):
        return self._values.get(name)

    def body_known(self):
        return True


class Sent:
    def __init__(self):
        self.bytes = b""

    async def send(self, view):
        self.bytes += bytes(view)


class Beat:
    def beat(self):
        pass


class Gateway:
    """What the services see, at a time."""

    def __init__(self, unix_s=T, zone=ZONE, flash=None):
        if flash is None:
            flash = RamFlash(32)
            vfs.VfsLfs2.mkfs(flash)
        self.flash = mounted(flash)
        ticks = Ticks(5000)
        self.clock = Clock(Port(ticks, True, unix_s * 1000), ticks)
        self.clock.use_zone(zone)
        self.events = Events(self.clock)
        self.profiles = KeptProfiles(FOLDER, self.events, Beat(), None)
        self.profiles.describe(KEY, 15, CODES, UNITS)

    def open_profiles(self, is_new=True):
        return self.profiles

    def response_of(self, function, path):
        """Return the answer to a request with an empty body that says nothing."""
        response = Response()
        request = Request(path, {})
        response.clear(request)
        asyncio.run(function(self, request, response, b""))
        return response

    def ask(self, function, path, **values):
        """Return the body of an answer; `pieces` tells how often others ran."""
        response = Response()
        request = Request(path, values)
        response.clear(request)
        response.connection = sent = Sent()
        self.turns = 0

        async def others():
            while True:
                self.turns += 1
                await asyncio.sleep_ms(0)

        async def whole():
            task = asyncio.create_task(others())
            try:
                await function(self, request, response)
                await response.finish()
            finally:
                task.cancel()

        asyncio.run(asyncio.wait_for(whole(), 30))
        head, _, body = sent.bytes.partition(b"\r\n\r\n")
        self.type = response.type
        if b"chunked" not in head:
            return body.decode()
        text = b""
        while True:
            size, _, body = body.partition(b"\r\n")
            size = int(size, 16)
            if not size:
                return text.decode()
            assert size <= BODY_BYTES
            text += body[:size]
            body = body[size + 2 :]

    def list(self):
        return json.loads(self.ask(service.get, "/api/profile"))["profiles"]

    def one(self, **values):
        return json.loads(self.ask(service.get_one, "/api/profile/" + KEY, **values))
