"""One connection of the DLMS server, accepted or dialled: requests to our own objects, and to meters through us.

Source: IEC 62056-47 (wrapper); docs/dlms-server.md has the SAPs and what is answered when nothing good came.
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from lib.aio.connect import PAUSE_MS, ConnectionFailed
from lib.dlms.association import AARQ, RLRQ
from lib.dlms.errors import DlmsError, FrameError, PeerError
from lib.dlms.server import Server
from lib.dlms.server_wrapper import ServerWrapper
from lib.dlms.station import REQUEST, SEND

_SERVER = const(1)  # SAP of our own objects
_METERS = const(0x1000)  # and that of a meter is its id more
PUBLIC = const(16)  # clients
MANAGEMENT = const(1)
_MOST_APDU = const(1024)
_IDLE_MS = const(180000)  # of a client that came; who was dialled may be silent for ever
_HALF_MS = const(10000)  # for the rest of a message
_CALM_MS = const(2000)
_SLOW_MS = const(50)  # between two looks at who was silent so long
_SESSION = const("firmware.services.dlms_server_session")
_OBJECTS = const("firmware.services.dlms_server_objects")
_PASSAGE = const("firmware.services.dlms_passage")
# Exceptions, IEC 62056-5-3: state, service error
_NOT_ALLOWED = const(b"\xd8\x01\x01")
_UNKNOWN = const(b"\xd8\x02\x02")
_BUSY = const(b"\xd8\x02\x01")
_FAILED = const(b"\xd8\x02\x03")


class Session:
    """`since`: ticks when something came or was answered last. `is_heard`: a request came. `is_ending`: close it when calm.

    `passage`: the way to a meter that is in use, or None.
    """

    def __init__(self, server, channel, address, may_pass, notify=None):
        """server: a DlmsServer. channel: a Connection. may_pass: also to meters. notify(): an APDU to be sent unasked, or None;
        for a connection that was dialled.
        """
        self.address = address
        self.passage = None
        self.is_heard = self.is_ending = False
        self.since = ticks_ms()
        self._server = server
        self._gateway = server.gateway
        self._channel = channel
        self._may_pass = may_pass
        self._notify = notify
        self._link = ServerWrapper(self, _MOST_APDU)
        self._own = None  # lib/dlms/server.py, once it is asked for something
        self._is_half = False  # of a message, some is there

    def __contains__(self, place):
        """Whether a SAP is ours: for ServerWrapper."""
        return place[0] == _SERVER or place[0] > _METERS

    async def run(self):
        """Serve it until it ends. Returns why, in words."""
        try:
            while True:
                event = self._link.next()
                if event == SEND:
                    await self._channel.send(self._link.to_send)
                elif event == REQUEST:
                    self.is_heard = True
                    self._is_half = False
                    self._link.answer(await self._answer())
                    self.since = ticks_ms()
                else:
                    why = self._receive()
                    if why:
                        return why
                    silent_ms = ticks_diff(ticks_ms(), self.since)
                    await asyncio.sleep_ms(PAUSE_MS if silent_ms < _CALM_MS else _SLOW_MS)
        except ConnectionFailed as error:
            return error.args[0]
        except FrameError as error:
            return "message " + error.reason
        except MemoryError:
            return "no memory"
        finally:
            self.close()

    def keep(self, load):
        """Load what it uses, every second or so: what is dropped meanwhile would be in RAM twice with the next one."""
        load(_SESSION)
        if self._own:
            load(_OBJECTS)
        if self.passage:
            load(_PASSAGE)

    def close(self):
        """End it at once."""
        self._channel.close()
        if self.passage:
            self.passage.end()
            self.passage = None

    def _receive(self):
        """Take what came; return why it is over, None if it is not. ConnectionFailed: that is why."""
        now = ticks_ms()
        count = self._channel.receive(self._link.room())
        if count:
            self._link.filled(count)
            self._is_half = True
            self.since = now
            return None
        silent_ms = ticks_diff(now, self.since)
        if self._is_half:
            return "half a message" if silent_ms > _HALF_MS else None
        if self._notify:
            apdu = self._notify()
            if apdu:
                self._link.notify(apdu, _SERVER, MANAGEMENT)
                return None
            return "other server" if self.is_ending and silent_ms > _CALM_MS else None
        return "silent" if silent_ms > _IDLE_MS else None

    async def _answer(self):
        link = self._link
        if link.logical == _SERVER:
            return await self._serve(link.request, link.client)
        return await self._pass(link.request, link.client, link.logical - _METERS)

    async def _serve(self, request, client):
        """Answer as the server that we are."""
        server = self._server
        objects = self._gateway.router.module(_OBJECTS)
        if self._own is None:
            self._passwords = {}
            self._own = Server(objects.Objects(self._server), self._passwords, _MOST_APDU)
        own = self._own
        is_opening = request[0] == AARQ
        if is_opening:
            server.fill(self._passwords)
        failures = own.failures
        for step in own.answering(request, client):
            await (step or asyncio.sleep_ms(0))
        if is_opening and client != PUBLIC:
            server.opened(self.address, own.failures == failures, own.client is not None)
        return own.reply

    async def _pass(self, request, client, number):
        """Have a meter answer."""
        if not self._may_pass:
            return _NOT_ALLOWED
        if not 0 < client < 128:
            return _UNKNOWN
        passage = self.passage
        if passage and (passage.is_over or (passage.number, passage.client) != (number, client)):
            passage.end()
            self.passage = passage = None
        try:
            if passage is None:
                field, load = self._gateway.field, self._gateway.router.module
                self.passage = passage = load(_PASSAGE).Passage(field.dlms, number, client)
                self._server.passed += 1
            is_last = request[0] == RLRQ
            reply = bytes(await passage.ask(request))
            if is_last:
                passage.end()
            return reply
        except PeerError as error:
            return _BUSY if error.reason == "busy" else _UNKNOWN
        except DlmsError:
            return _FAILED
