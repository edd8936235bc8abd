"""The transparent port: lets one client at a time use a serial port over TCP, as plain bytes or with RFC 2217.

Who may: those whose address is in `tunnel_clients`, and while an administrator allows it, for some minutes, anybody. Serial
lines know no login, so nobody may before one of both is given. What serves a client is loaded for it: tunnel_session.py.
"""

import asyncio

from micropython import const

from firmware.state.sources import allows
from lib.aio.listener import Listener, peer

_BACKLOG = const(2)
_AGAIN_MS = const(30000)
_TOLD_S = const(60)  # from one event about somebody turned away to the next
_SESSION = const("firmware.services.tunnel_session")
_PORTS = const(("", "rs485", "ir_left", "ir_right"))  # by tunnel_port
_BAUDS = const((300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200))  # by tunnel_baud, from 1 on
_FRAMES = const("8N1 8E1 8O1 8N2 7E1 7O1")


class Tunnel:
    """`session`: the client that is served, or None. `raw`, `rfc2217`: TCP ports that are listened at, 0 for none.

    `gateway` is that of firmware/main.py. `served`, `refused`: how many clients were.
    """

    def __init__(self, gateway):
        self.gateway = gateway
        self.session = None
        self.raw = self.rfc2217 = 0
        self.served = self.refused = 0
        self._open_until_s = 0
        self._told_s = -_TOLD_S
        self._changed = asyncio.Event()
        gateway.settings.on_change(self._settings_changed)

    @property
    def port(self):
        """Name of the serial port, "" while there is none."""
        settings = self.gateway.settings
        return "rs485" if settings.get("rs485_protocol") == 4 else _PORTS[settings.get("tunnel_port")]

    @property
    def line(self):
        """How it is set for a client: (speed, parity, stop bits, data bits), None for as it is set else."""
        number = self.gateway.settings.get("tunnel_baud")
        if not number:
            return None
        bits, parity, stop = _FRAMES.split(" ")[self.gateway.settings.get("tunnel_frame")]
        return _BAUDS[number - 1], parity, int(stop), int(bits)

    def open(self, minutes):
        """Let anybody use it for so many minutes from now on; 0 ends that and disconnects whoever uses it."""
        self._open_until_s = self.gateway.clock.uptime_s() + 60 * minutes
        if not minutes and self.session:
            self.session.end("sent away")

    def left_s(self):
        """Return for how many seconds anybody may come."""
        return max(0, self._open_until_s - self.gateway.clock.uptime_s())

    def tell(self, text):
        self.gateway.events.add("tunnel", text)

    def _settings_changed(self, names):
        if any([name.startswith(("tunnel_", "rs485_protocol")) for name in names]):
            if self.session:
                self.session.end("settings changed")
            self._changed.set()

    async def run(self):
        """Listen as the settings say, for ever."""
        while True:
            self._changed.clear()
            tasks = self._listen()
            try:
                await self._changed.wait()
            finally:
                for task in tasks:
                    task.cancel()
                self.raw = self.rfc2217 = 0
            await asyncio.sleep_ms(0)  # they close their sockets

    def _listen(self):
        """Start a task for each TCP port, if there is a serial port; return them."""
        if not self.port:
            return []
        settings = self.gateway.settings
        wanted = [(settings.get("tunnel_raw_port"), False), (settings.get("tunnel_2217_port"), True)]
        return [asyncio.create_task(self._accept(port, is_2217)) for port, is_2217 in wanted if port]

    async def _accept(self, port, is_2217):
        """Take in clients at a TCP port, for ever."""
        if self.gateway.platform.modbus_port is not None:
            port = 0  # any: several gateways share a machine
        listener, told = None, ""
        try:
            while True:
                try:
                    if listener is None:
                        listener = Listener("0.0.0.0", port, _BACKLOG)
                        if is_2217:
                            self.rfc2217 = listener.port
                        else:
                            self.raw = listener.port
                    await listener.waiting()  # pyright: ignore[reportGeneralTypeIssues]
                    taken = listener.take()
                    if taken:
                        self._take_in(taken[0], peer(taken[1]), is_2217)
                except (OSError, MemoryError) as error:
                    if str(error) != told:
                        told = str(error)
                        self.tell(f"TCP port {port}: {error}")
                    await asyncio.sleep_ms(_AGAIN_MS if listener is None else 100)
        finally:
            if listener:
                listener.close()

    def _take_in(self, sock, address, is_2217):
        """Serve a client or turn it away."""
        if self.session:
            why = f"{self.session.address} is using it"
        elif not self.left_s() and not allows(self.gateway.settings.get("tunnel_clients"), address):
            why = "not allowed"
        else:
            try:
                sessions = self.gateway.router.module(_SESSION)
                self.session = sessions.Session(self, sock, address, is_2217)
                self.served += 1
                return
            except MemoryError:
                why = "no memory"
        sock.close()
        self.refused += 1
        now_s = self.gateway.clock.uptime_s()
        if now_s - self._told_s >= _TOLD_S:
            self._told_s = now_s
            self.tell(f"{address} turned away: {why}")
