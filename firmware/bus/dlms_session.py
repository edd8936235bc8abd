"""A session with a DLMS meter: link and client on a wire, in time; every wait has a deadline. It knows no meter.

Source: IEC 62056-46 (HDLC), IEC 62056-47 (wrapper), IEC 62056-5-3 (DLMS UA 1000-2, 9).
"""

import asyncio
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from lib.dlms.errors import DlmsError, FrameError, PeerError
from lib.dlms.station import PUSH, REPLY, SEND

APDU = const(1024)  # octets of the largest
BUFFER = const(1032)  # with what a link needs besides
_LOOK_MS = const(4)  # an answer is seen so late at most
_OPEN_MS = const(30000)
_CLOSE_MS = const(5000)
_PAUSE_MS = const(30)  # of silence between two meters: IEC 62056-46 leaves it open, 20 to 50 ms are usual
SHORT_MS = const(20000)  # one exchange, its repeats and a few blocks


class DlmsSession:
    """`wire`: see firmware/bus/dlms_serial.py and dlms_network.py. `link`: a Link or a Wrapper of lib/dlms, as fits the wire.

    `client`: a Client of lib/dlms. `sent`, `received`: octets since the start. `is_answered`: the meter of this session has
    said something. `on_push(view)` hears of what comes unasked, None for nobody. `buffers`: a list of one for APDUs, which link
    and client have while a session is open, another one is made if it is lent; None: both have their own.
    """

    def __init__(self, wire, link, client, beat=None, buffers=None):
        self.client = client
        self.sent = self.received = 0
        self.is_answered = self.is_open = False
        self.on_push = None
        self._wire = wire
        self._link = link
        self._beat = beat
        self._buffers = buffers
        self._buffer = None
        self._is_linked = False
        self._quiet = ticks_ms()  # when the last octet passed
        self._end = ticks_ms()  # of what is done now, at the latest

    async def open(self, plan, access):
        """Associate with a meter: `plan` has its address (logical, physical, address_size, client), `access` its secrets.

        access: None to open the link only, for exchange(). Raises DlmsError, OSError.
        """
        self.is_answered = self.is_open = self._is_linked = False
        self._end = ticks_add(ticks_ms(), _OPEN_MS)
        await self._silence(_PAUSE_MS)
        await self._wire.open(plan)
        self._borrow()
        link = self._link
        link.address(plan.logical, plan.physical, plan.client, plan.address_size)
        link.open()
        await self._drive()
        self._is_linked = True
        if access is None:
            return
        self.client.begin(access)
        await self._finish()
        self.is_open = True

    # What is only passed on returns what is to be awaited: each coroutine within another one takes RAM all the time.

    def get(self, class_id, ln, attribute, sink, selector=None, limit_ms=SHORT_MS):
        """Read an attribute: as Client.get(); within so long in all. To be awaited, as those that follow."""
        self._within(limit_ms)
        self.client.get(class_id, ln, attribute, sink, selector)
        return self._finish()

    async def get_list(self, items, sinks, limit_ms=SHORT_MS):
        """Read some attributes: as Client.get_list(); return the results."""
        self._within(limit_ms)
        self.client.get_list(items, sinks)
        await self._finish()
        return self.client.results

    def set(self, class_id, ln, attribute, data):
        """Write an attribute: as Client.set()."""
        self._within(SHORT_MS)
        self.client.set(class_id, ln, attribute, data)
        return self._finish()

    def action(self, class_id, ln, method, data=None, sink=None):
        """Invoke a method: as Client.action()."""
        self._within(SHORT_MS)
        self.client.action(class_id, ln, method, data, sink)
        return self._finish()

    async def exchange(self, apdu):
        """Send an APDU as it is, a view that stays so meanwhile; return the answer, a view that is valid until the next."""
        self._end = ticks_add(ticks_ms(), SHORT_MS)
        self._link.exchange(apdu)
        while await self._drive() != REPLY:
            pass
        return self._link.reply

    async def close(self):
        """End the session in whatever state it is; what the meter says to that does not matter. Raises OSError."""
        self._end = ticks_add(ticks_ms(), _CLOSE_MS)
        try:
            if self.is_open and self.client.is_open:
                self.client.release()
                await self._finish()
        except DlmsError:
            pass  # not all meters know it, and the end of the link ends the association, too
        self.is_open = False
        try:
            if self._is_linked or self.is_answered:
                self._end = ticks_add(ticks_ms(), _CLOSE_MS)
                self._link.close()
                await self._drive()
        except DlmsError:
            pass
        self._is_linked = False
        self._give_back()
        self._wire.close()

    def drop(self):
        """Forget the session: the wire is somebody else's from now on."""
        self.is_open = self._is_linked = False
        self._give_back()
        self._wire.lost()

    def _borrow(self):
        if self._buffers is not None and self._buffer is None:
            self._buffer = self._buffers.pop() if self._buffers else bytearray(BUFFER)
            self._link.use(self._buffer)
            self.client.use(self._buffer)

    def _give_back(self):
        """Nothing of the session is wanted any more."""
        self.client.forget()
        if self._buffer is not None:
            self._link.use(b"")
            self.client.use(b"")
            if not self._buffers:
                self._buffers.append(self._buffer)
            self._buffer = None

    def _within(self, limit_ms):
        if not self.is_open:
            raise PeerError("not associated")
        self._end = ticks_add(ticks_ms(), limit_ms)

    async def _finish(self):
        """Exchange what the client has to say until what was started is done."""
        client, link = self.client, self._link
        while not client.is_done:
            link.exchange(client.apdu)
            while await self._drive() != REPLY:
                pass
            for _ in client.taking(link.reply):
                await asyncio.sleep_ms(0)

    async def _drive(self):
        """Do what the link says until it has something to say."""
        link, wire = self._link, self._wire
        while True:
            event = link.next()
            if event == SEND:
                view = link.to_send
                await wire.send(view)
                self.sent += len(view)
                self._quiet = ticks_ms()
            elif event is None:
                if ticks_diff(self._end, ticks_ms()) <= 0:
                    raise FrameError("deadline")
                got = wire.receive(link.room())
                if got:
                    self.received += got
                    self._quiet = ticks_ms()
                    link.filled(got)
                elif ticks_diff(ticks_ms(), self._quiet) >= link.wait_ms:
                    link.silence()
                else:
                    self.sign()
                    await asyncio.sleep_ms(_LOOK_MS)
            elif event == PUSH:
                if self.on_push:
                    self.on_push(link.reply)
            else:
                self.is_answered = True
                return event

    async def _silence(self, pause_ms):
        """Wait until no octet has passed for so long: what came late is thrown away."""
        wire = self._wire
        if wire.discard():
            self._quiet = ticks_ms()
        while ticks_diff(ticks_ms(), self._quiet) < pause_ms and ticks_diff(self._end, ticks_ms()) > 0:
            await asyncio.sleep_ms(_LOOK_MS)
            if wire.discard():
                self._quiet = ticks_ms()

    def sign(self):
        """Show that the task of the wire lives."""
        if self._beat:
            self._beat.beat()
