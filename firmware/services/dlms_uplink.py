"""The connection to the central server, which we dial: says who we are, again and again, and serves what comes over it.

Which of two servers has its turn: firmware/services/push_reserve.py, by the rules of the links (docs/mqtt.md).
In RAM while there is such a server.
"""

import asyncio
from struct import pack
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from firmware.state.links import Link
from lib.aio.connect import ConnectionFailed, connect
from lib.dlms.encoding import Writer
from lib.dlms.notification import DATA_NOTIFICATION
from lib.dlms.times import encode

_TIMEOUT_MS = const(15000)  # for a step of connecting, and for the server to take what is sent
_STOOD_MS = const(60000)  # a connection that stood so long was a good one
_FIRST_PAUSE_MS = const(2000)  # after a try that failed, doubled each time
_LONGEST_PAUSE_MS = const(60000)
_MOST_APDU = const(80)
_SESSION = const("firmware.services.dlms_server_session")
_RESERVE = const("firmware.services.push_reserve")


class Uplink:
    """`link`: how it does, as a link of firmware/state/links.py. `session`: while it is connected. `beats`: sent since then."""

    def __init__(self, server):
        self._server = server
        self._gateway = server.gateway
        self.link = Link(0)
        self._reserve = None
        if self._host(True)[0]:
            self._reserve = self._gateway.router.module(_RESERVE).Reserve(self._gateway, self.link, self._open)
        self.session = None
        self.beats = 0
        self._number = 0  # of the notification
        self._due = self._began = ticks_ms()
        self._pause_ms = _FIRST_PAUSE_MS
        self._now = asyncio.Event()
        self._tell("Connecting", "")

    def _host(self, is_reserve):
        """Return (host, port) of a server; the reserve has the main one's port if it is given none."""
        get = self._gateway.settings.get
        port = get("dlms_main_port")
        if is_reserve:
            return get("dlms_reserve_host"), get("dlms_reserve_port") or port
        return get("dlms_main_host"), port

    async def run(self):
        """Be connected, for ever."""
        while True:
            if self._reserve:
                self._reserve.choose()
            self.link.is_trying = True
            is_reserve = self.link.is_reserve
            cause = await self._connected(is_reserve)
            self._tell("Error" if self.link.is_trying else "Disconnected", cause)
            self.session = None
            await self._pause()

    async def watch(self):
        """While the reserve serves, look now and then whether the main server is there again, for ever."""
        if self._reserve:
            await self._reserve.run()
        await asyncio.Event().wait()

    def again(self):
        """Try at once, if there is no connection."""
        self._now.set()

    async def look(self):
        """Return to the main server if it is there. Raises ConnectionFailed: it is not."""
        if self.link.is_reserve:
            (await self._open()).close()
            self.link.is_returning = self.link.is_reserve

    async def _open(self, is_reserve=False):
        """Return a connection to a server. Raises ConnectionFailed."""
        gateway = self._gateway
        host, port = self._host(is_reserve)
        resolver = gateway.router.module("firmware.services.resolver").Resolver(
            lambda: gateway.platform.network.dns_servers, gateway.clock.uptime_s
        )
        return await connect(host, port, resolver.resolve, _TIMEOUT_MS)

    async def _connected(self, is_reserve):
        """Connect, and serve until it ends; return why it did."""
        try:
            channel = await self._open(is_reserve)
        except ConnectionFailed as error:
            return error.args[0]
        except MemoryError:
            return "memory"
        self.beats = 0
        self._began = self._due = ticks_ms()
        sessions = self._gateway.router.module(_SESSION)
        self.session = sessions.Session(self._server, channel, self._host(is_reserve)[0], True, self._notify)
        del sessions  # this task lasts
        self._tell("Connected", "")
        try:
            return await self.session.run()
        finally:
            self.session.close()

    def _notify(self):
        """Return what is to be said now, None for nothing; called all the time."""
        link, session, now = self.link, self.session, ticks_ms()
        if link.is_trying and (session.is_heard or ticks_diff(now, self._began) > _STOOD_MS):
            link.is_trying = False
            self._pause_ms = _FIRST_PAUSE_MS
        if link.is_returning:
            session.is_ending = True
        interval_ms = 1000 * self._gateway.settings.get("dlms_heartbeat_s")
        if self.beats and not interval_ms:
            return None
        if self.beats and 0 < ticks_diff(self._due, now) <= interval_ms:
            return None
        self._due = ticks_add(now, interval_ms)
        self.beats += 1
        return self._identification()

    def _identification(self):
        """Return a DataNotification: our logical device name and serial number."""
        gateway = self._gateway
        self._number = self._number + 1 & 0xFFFFFF
        writer = Writer(bytearray(_MOST_APDU))
        writer.put_raw(pack(">BI", DATA_NOTIFICATION, self._number))
        if gateway.clock.is_set:
            now = gateway.clock.utc()
            writer.put_length(12)
            writer.put_raw(encode(now, gateway.clock.zone.offset_s(now) // 60))
        else:
            writer.put_length(0)
        writer.put_structure(2)
        writer.put_octets(self._server.name)
        writer.put_octets(gateway.identity.serial.encode())
        return writer.view

    def _tell(self, state, cause):
        """Note how it does; an event is what people should know of."""
        link = self.link
        is_new = link.tell(state, cause, self._gateway.clock.utc())
        if cause and link.is_returning:
            return  # we ended it ourselves
        if cause:
            text = link.is_news(cause) and ("reserve server: " if link.is_reserve else "main server: ") + cause
        else:
            text = state == "Connected" and link.greeting(is_new)
        if text:
            self._server.tell(f"link to the central server: {text}")

    async def _pause(self):
        """Wait until it is time for another try."""
        pause_ms = self._pause_ms
        if self.link.is_returning:
            pause_ms = 0
        elif self.link.is_trying:
            self._pause_ms = min(2 * pause_ms, _LONGEST_PAUSE_MS)
        self._now.clear()
        try:
            await asyncio.wait_for_ms(self._now.wait(), pause_ms)
        except asyncio.TimeoutError:  # noqa: UP041
            pass
