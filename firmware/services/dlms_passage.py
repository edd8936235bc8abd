"""A client's way to one meter: its APDUs go over whatever wire the meter has, unchanged, and its own keys are at both ends.

It is a job in the queue of the meter's reader (firmware/bus/dlms_reader.py), which lasts as long as the client goes on. Who
has a wire so is in nobody's way for long: a client that is silent is let go, sooner if somebody waits for the wire.
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from lib.dlms.errors import DlmsError, FrameError, PeerError

_WAIT_MS = const(45000)  # for the wire, and for an answer of the meter
_IDLE_MS = const(30000)  # of a client
_HURRIED_MS = const(5000)  # while somebody waits for the wire
_WHOLE_MS = const(600000)
_LOOK_MS = const(1000)


class Passage:
    """`number`, `client`: id of the meter, SAP of the client. `is_over`: no more is passed on. `error`: why, if known."""

    def __init__(self, dlms, number, client):
        """dlms: firmware/dlms.py, None: no wire has such meters. PeerError: no such meter, its port is off, or busy."""
        if dlms is None:
            raise PeerError("its port is off")
        self._reader = dlms.reader_of(number)
        if self._reader.visitor and not self._reader.visitor.is_over:
            raise PeerError("busy")
        self._reader.visitor = self
        self.number = number
        self.client = client
        self.is_over = False
        self.error = None
        self._request = self._reply = None
        self._wanted = asyncio.Event()
        self._answered = asyncio.Event()
        self._task = asyncio.create_task(self._run(dlms))

    async def ask(self, apdu):
        """Return the meter's answer to an APDU, both views; valid until the next. Raises DlmsError: it is over."""
        self._reply = None
        self._answered.clear()
        if not self.is_over:
            self._request = apdu
            self._wanted.set()
            try:
                await asyncio.wait_for_ms(self._answered.wait(), _WAIT_MS)
            except asyncio.TimeoutError:  # noqa: UP041
                self.end()
                raise PeerError("busy")
        if self._reply is None:
            raise self.error or FrameError("disconnected")
        return self._reply

    def end(self):
        """Let go of the wire, as soon as what is going on there is over."""
        self.is_over = True
        self._wanted.set()
        self._answered.set()
        self._task.cancel()

    async def _run(self, dlms):
        try:
            await dlms.visit(self.number, self.client, self._work, _WAIT_MS + _WHOLE_MS)
        except DlmsError as error:
            self.error = self.error or error
        except asyncio.CancelledError:
            pass  # end() was called
        finally:
            self.is_over = True
            self._answered.set()

    async def _work(self, session, plan):
        """In the reader's task, with the link open: pass on until it is over."""
        since = began = ticks_ms()
        try:
            while not self.is_over and ticks_diff(ticks_ms(), began) < _WHOLE_MS:
                if self._request is not None:
                    request, self._request = self._request, None
                    self._reply = await session.exchange(request)
                    self._answered.set()
                    since = ticks_ms()
                elif ticks_diff(ticks_ms(), since) > (_HURRIED_MS if self._reader.is_awaited() else _IDLE_MS):
                    break
                else:
                    await self._more(session)
        except DlmsError as error:
            self.error = error
            raise
        finally:  # also when the wire is taken from its reader: nobody would tell
            self.is_over = True
            self._answered.set()

    async def _more(self, session):
        self._wanted.clear()
        session.sign()
        try:
            await asyncio.wait_for_ms(self._wanted.wait(), _LOOK_MS)
        except asyncio.TimeoutError:  # noqa: UP041
            pass
