"""Sessions with IEC 62056-21 meters on a wire: does what a Dialogue says, with the UART and in time; every wait has a deadline.

Source: IEC 62056-21, 5 and 6; TEDAS-MLZ/2017-062 and MASS v11 (times).
"""

import asyncio
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from lib.iec62056.dialogue import AGAIN, DONE, SEND, Dialogue
from lib.iec62056.errors import FrameError
from lib.iec62056.message_reader import VALUE, MessageReader
from lib.iec62056.sign_on import PROGRAMMING

_LOOK_MS = const(5)
_MOST_HELD = const(8)
_AT_ONCE = const(8)  # values taken before others run
_QUIET_MS = const(200)  # silence that ends noise
_MOST_NOISE_MS = const(2200)
_AFTER_BREAK_MS = const(1500)
_READ_OUT_BYTES = const(110000)  # the longest read-out, in the time that its speed takes
_SETUP_MS = const(20000)
_TELEGRAM_MS = const(15000)  # between two of a meter that speaks unasked, at most
_PROGRAM_MS = const(120000)


class IecSession:
    """`tap(view of received bytes)`: who looks at them, None for nobody."""

    def __init__(self, uart, meters, beat):
        self.meters = meters
        self.tap = None
        self._uart = uart
        self._beat = beat
        self._baud = 0
        self._is_shown = False  # what comes goes to `tap`
        self._log = None  # collects events of the read-out that is on its way
        self._held = []  # values of the answer that is on its way
        self._quiet = ticks_ms()  # when the last byte passed
        self._end = ticks_ms()  # of what is done now, at the latest
        self._dialogue = Dialogue(MessageReader())
        self._dialogue.reader.tells_rows = False

    def _password(self, plan):
        """Return the password of a meter as it wants it. PeerError("password"): it is not to be sent now."""
        raise NotImplementedError

    @property
    def baud(self):
        """The speed of the session."""
        return self._dialogue.baud

    async def sign_on(self, plan, what, fastest, table=b"?", take=None):
        """Begin a session with a meter, and read out unless it is for programming; `take` as of drive(), None: to `meters`."""
        dialogue = self._dialogue
        dialogue.has_parity = plan.parity == 1
        dialogue.is_summed = False
        limit_ms = _PROGRAM_MS if what == PROGRAMMING else _SETUP_MS + _READ_OUT_BYTES * 10000 // max(fastest, 1200)
        self._end = ticks_add(ticks_ms(), limit_ms)
        dialogue.sign_on(plan.address.encode(), what, plan.opening, fastest, table, plan.wakes == 1)
        await self.drive(take or self._take)

    async def _listen(self, plan):
        """Take one telegram of a meter that speaks unasked."""
        dialogue = self._dialogue
        dialogue.has_parity = plan.parity == 1
        self._end = ticks_add(ticks_ms(), _SETUP_MS)
        self._uart.discard()
        self._quiet = ticks_ms()
        dialogue.listen(plan.opening, _TELEGRAM_MS)
        await self.drive(self._take)

    async def command(self, plan, command, data=b"", take=None, wait_ms=5000):
        """A command of the programming mode; None: the password. Raises as Dialogue does."""
        if command is None:
            self._dialogue.password(self._password(plan), b"P%d" % plan.level)
        else:
            self._dialogue.command(command, data, wait_ms)
        self._held.clear()
        self._end = ticks_add(ticks_ms(), _PROGRAM_MS)
        is_shown = self._is_shown
        self._is_shown = is_shown and command is not None  # an echo has the password
        await self.drive(take or self._take_answer)
        self._is_shown = is_shown

    async def break_off(self):
        """Sign off."""
        self._dialogue.break_off()
        await self.drive(None)

    def takes_ms(self, count):
        """Return how long so many characters take at the speed of the session."""
        return count * 10000 // self._dialogue.baud

    def tells_rows(self, is_wanted):
        """Whether `take` hears of the ends of lines."""
        self._dialogue.reader.tells_rows = is_wanted

    async def drive(self, take):
        """Do what the dialogue says until it is done; take(event, its reader) hears of each event.

        What it has to do in steps that hold the loop each, it may return as an iterator.
        """
        dialogue, uart = self._dialogue, self._uart
        reader = dialogue.reader
        count = 0
        while True:
            if ticks_diff(self._end, ticks_ms()) <= 0:
                raise FrameError("deadline")
            event = dialogue.next()
            if event == SEND:
                await self._send()
            elif event is None:
                self._set(dialogue.baud)
                room = reader.room()
                got = uart.receive(room)
                if got:
                    if self.tap and self._is_shown:
                        self.tap(room[:got])
                    reader.filled(got)
                    self._quiet = ticks_ms()
                elif ticks_diff(ticks_ms(), self._quiet) >= dialogue.wait_ms:
                    dialogue.silence()
                else:
                    self._sign()
                    await asyncio.sleep_ms(_LOOK_MS)
            else:
                if take:
                    for _ in take(event, reader) or ():
                        await asyncio.sleep_ms(0)
                if event == DONE:
                    return
                count += 1
                if not count % _AT_ONCE:
                    await asyncio.sleep_ms(0)

    async def _send(self):
        dialogue = self._dialogue
        pause_ms = dialogue.pause_ms - ticks_diff(ticks_ms(), self._quiet)
        if 0 < pause_ms <= dialogue.pause_ms:
            await asyncio.sleep_ms(pause_ms)
        self._sign()
        self._set(dialogue.baud)
        self._uart.discard()
        await self._uart.send(dialogue.to_send)
        self._quiet = ticks_ms()

    def _set(self, baud):
        if baud != self._baud:
            self._baud = baud
            self._uart.configure(baud, "N", 1)

    def _sign(self):
        if self._beat:
            self._beat.beat()

    def _take(self, event, reader):
        """Take what a read-out has: all of it is void until its end."""
        if event == VALUE:
            self.meters.take(reader.address, reader.index, reader.value, reader.unit)
        elif event == AGAIN:
            self.meters.begin()
        if self._log:
            self._log.take(event, reader)

    def _take_answer(self, event, reader):
        """Take what the answer to one command has, which is void until its end: those before it are not."""
        if event == VALUE:
            if len(self._held) < _MOST_HELD:
                self._held.append((reader.address, reader.index, bytes(reader.value), bytes(reader.unit)))
        elif event == AGAIN:
            self._held.clear()
        elif event == DONE:
            for value in self._held:
                self.meters.take(*value)

    async def _free_meter(self, plan):
        """Take a meter out of a session that somebody left open: at both speeds that it may have."""
        dialogue = self._dialogue
        dialogue.has_parity = plan.parity == 1
        self._end = ticks_add(ticks_ms(), _SETUP_MS)
        for baud in (plan.fastest, plan.opening):
            dialogue.baud = baud
            await self.break_off()
            if plan.fastest == plan.opening:
                break
        await asyncio.sleep_ms(_QUIET_MS)

    async def _resync(self):
        """After a session that broke: sign off at its speed, and wait until the line has been silent."""
        self._end = ticks_add(ticks_ms(), _SETUP_MS)
        await self.break_off()
        end = ticks_add(ticks_ms(), _MOST_NOISE_MS)
        quiet = ticks_ms()
        while ticks_diff(end, ticks_ms()) > 0 and ticks_diff(ticks_ms(), quiet) < _AFTER_BREAK_MS:
            if self._uart.discard():
                quiet = ticks_ms()
            self._sign()
            await asyncio.sleep_ms(_LOOK_MS)
