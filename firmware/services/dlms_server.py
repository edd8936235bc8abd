"""The DLMS server: takes in clients at a TCP port, and dials the central server. What serves them is loaded while there is one.

Clients read and set what firmware/services/dlms_server_objects.py has, and reach the meters (dlms_passage.py).
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from firmware.state.sources import allows
from lib.aio.connect import Connection
from lib.aio.listener import Listener, peer

_BACKLOG = const(3)
_MOST = const(3)  # connections that came
_LEFT_ALONE_MS = const(10000)  # one that was used so lately does not make way
_UNREAD_MS = const(15000)  # for a client to take an answer
_AGAIN_MS = const(30000)
_LOOK_MS = const(1000)
_TOLD_S = const(60)  # from one event about who is turned away to the next
_GUESSES = const(5)  # wrong passwords in a row
_LOCKED_S = const(60)
_SESSION = const("firmware.services.dlms_server_session")
_UPLINK = const("firmware.services.dlms_uplink")
_RESTARTING = const(("dlms_server_enabled", "dlms_server_port"))
_DIALLING = const(("dlms_main_", "dlms_reserve_"))


class DlmsServer:
    """`port`: where it listens, 0 for nowhere. `sessions`: of clients that came.

    `uplink`: the link to the central server, firmware/services/dlms_uplink.py, None without one. `gateway` is that of
    firmware/main.py. `served`, `refused`: clients; `passed`: ways to meters that were opened.
    """

    def __init__(self, gateway):
        self.gateway = gateway
        self.port = 0
        self.sessions = []
        self.uplink = None
        self.served = self.refused = self.passed = 0
        self._guesses = 0
        self._locked_until_s = 0
        self._told_s = -_TOLD_S
        self._changed = asyncio.Event()
        gateway.settings.on_change(self._settings_changed)

    @property
    def name(self):
        """Our logical device name: three letters of the maker, then the serial number."""
        return b"OSG" + self.gateway.identity.serial.encode()

    def tell(self, text):
        self.gateway.events.add("dlms", text)

    def _settings_changed(self, names):
        if any([name in _RESTARTING or name.startswith(_DIALLING) for name in names]):
            self._changed.set()

    async def run(self):
        """Listen and dial as the settings say, for ever."""
        while True:
            self._changed.clear()
            tasks = self._start()
            try:
                while not self._changed.is_set():
                    await self._look()
            finally:
                for task in tasks:
                    task.cancel()
                for session in list(self.sessions):
                    session.close()
                self.uplink = None
                self.port = 0
            await asyncio.sleep_ms(0)  # they close their sockets

    async def _look(self):
        """Wait a moment; keep what is in use in RAM."""
        uplink, load = self.uplink, self.gateway.router.module
        if uplink:
            load(_UPLINK)
        for session in self.sessions + ([uplink.session] if uplink and uplink.session else []):
            session.keep(load)
        try:
            await asyncio.wait_for_ms(self._changed.wait(), _LOOK_MS)
        except asyncio.TimeoutError:  # noqa: UP041
            pass

    def _start(self):
        """Start what the settings want; return the tasks."""
        gateway, tasks = self.gateway, []
        if gateway.settings.get("dlms_server_enabled"):
            tasks.append(gateway.supervisor.start("dlms server port", self._accept))
        if gateway.settings.get("dlms_main_host"):
            self.uplink = gateway.router.module(_UPLINK).Uplink(self)
            tasks.append(gateway.supervisor.start("dlms server link", self.uplink.run))
            tasks.append(gateway.supervisor.start("dlms main server", self.uplink.watch))
        return tasks

    async def _accept(self):
        """Take in clients, for ever."""
        gateway = self.gateway
        port = gateway.settings.get("dlms_server_port") if gateway.platform.modbus_port is None else 0
        while True:
            try:
                listener = Listener("0.0.0.0", port, _BACKLOG)
                break
            except OSError as error:
                self.tell(f"TCP port {port}: {error}")
                await asyncio.sleep_ms(_AGAIN_MS)
        try:
            self.port = listener.port
            while True:
                await listener.waiting()  # pyright: ignore[reportGeneralTypeIssues]
                try:
                    taken = listener.take()
                    if taken:
                        self._take_in(taken[0], peer(taken[1]))
                except OSError as error:
                    await listener.passed(error)
        finally:
            self.port = 0
            listener.close()

    def _take_in(self, sock, address):
        """Serve a client or turn it away."""
        if len(self.sessions) < _MOST or self._evict():
            try:
                channel = Connection(sock, _UNREAD_MS)
                channel.is_open = True
                may_pass = allows(self.gateway.settings.get("dlms_server_clients"), address)
                session = self.gateway.router.module(_SESSION).Session(self, channel, address, may_pass)
                self.sessions.append(session)
                asyncio.create_task(self._serve(session))
                return
            except MemoryError:
                pass
        sock.close()
        self.refused += 1
        self.tell_once(f"{address} turned away: too many connections")

    def tell_once(self, text):
        """Leave an event, unless there was such a one lately."""
        now_s = self.gateway.clock.uptime_s()
        if now_s - self._told_s >= _TOLD_S:
            self._told_s = now_s
            self.tell(text)

    def _evict(self):
        """Close the connection that is missed least; return whether there is one."""
        now = ticks_ms()
        best, longest = None, _LEFT_ALONE_MS
        for session in self.sessions:
            silent_ms = ticks_diff(now, session.since)
            if silent_ms > longest and not (session.passage and not session.passage.is_over):
                best, longest = session, silent_ms
        if best is None:
            return False
        best.close()
        self.sessions.remove(best)
        return True

    async def _serve(self, session):
        self.served += 1
        try:
            await session.run()
        finally:
            if session in self.sessions:
                self.sessions.remove(session)

    # Who may do what

    def fill(self, passwords):
        """Put who may associate into a dict, as lib/dlms/server.py wants it."""
        passwords.clear()
        passwords[16] = b""
        password = self.gateway.settings.get("dlms_server_password")
        if password and self.gateway.clock.uptime_s() >= self._locked_until_s:
            passwords[1] = password.encode()

    def opened(self, address, is_right, is_open):
        """Somebody tried to associate with a password."""
        if is_open:
            self._guesses = 0
        elif not is_right:
            self._guesses += 1
            self.tell_once(f"wrong password from {address}")
            if self._guesses >= _GUESSES:
                self._guesses = 0
                self._locked_until_s = self.gateway.clock.uptime_s() + _LOCKED_S
                self.tell(f"{_GUESSES} wrong passwords: nobody gets in by one for {_LOCKED_S} s")
