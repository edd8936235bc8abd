"""The owner of a wire with IEC 62056-21 meters: one task reads them in turn, each at its period, aligned to the clock.

It hands over values and knows no quantities. What a silent or broken meter may cost the others is a tenth of the line; every
wait has a deadline. Who wants the wire for a while (a transparent port) waits for the end of a turn: pause(), resume().
Source: IEC 62056-21, 5 and 6; TEDAS-MLZ/2017-062 and MASS v11 (times, retries on a bus of many).
"""

import asyncio
from array import array
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from lib.iec62056.dialogue import AGAIN, DONE, SEND, Dialogue
from lib.iec62056.errors import FrameError, PeerError
from lib.iec62056.message_reader import VALUE, MessageReader
from lib.iec62056.sign_on import PROGRAMMING, READ_OUT

_TRIES = const(3)  # in a round, others come in between
_SHARE = const(9)  # after a try that failed at a meter that had failed before, so many times its cost belongs to the others
_LONGEST_PAUSE_MS = const(9000000)  # _SHARE times the longest try
_BACK_OFF = const(b"\x01\x02\x05\x0f")  # minutes, a byte for each round that failed
_TURN_MS = const(60000)  # of a job, while others' jobs wait
_IDLE_MS = const(250)
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
_SPEEDS = const((300, 600, 1200, 2400, 4800, 9600, 19200, 115200))
_LOCKED_MINUTES = const(360)  # a meter that refused its password is not asked with it for so long: the third time locks it
_CLOCK_MINUTES = const(1440)  # a clock is set once a day at most, and tried once
_LISTEN = const("D")  # what a plan reads from a meter that speaks unasked
_GOOD_ROUNDS = const(96)  # after so many in a row the faster speed is tried again
_CODED = const(("parity", "noise", "check", "truncated", "format"))  # what another speed may heal

# What waits beside the read-out, bits of `jobs`
CLOCK = const(1)
PROFILE = const(2)
EVENTS = const(4)
_NAMES = const(" iec_clock iec_profile  iec_events")  # of modules, by bit


class IecReader:
    """`meters`: firmware/meters/iec.py, or what keeps its contract: devices, plan(), begin(), take(), done(), failed().

    `minute()` tells the minutes since 1970. `extra(name)` returns a module of what is seldom needed: setting clocks, profiles.
    Statistics: `asked`, `answered`, `damaged` and `silent` count tries, `busy_ms` the time that the wire was in use.
    """

    def __init__(self, name, uart, meters, minute, told, beat=None, extra=None):
        count = len(meters.devices)
        self.name = name
        self.meters = meters
        self.asked = self.answered = self.damaged = self.silent = self.busy_ms = 0
        self.jobs = bytearray(count)
        self.locked = array("i", [0] * count)  # minute until which no password is sent
        self.seen = array("i", [0] * count)  # minute of the last good read-out
        self.logged = array("H", [0] * count)  # day until which events were read since the start, 0: none
        self._clock_due = array("i", [0] * count)  # minute until which no clock is set
        self._log = None  # collects events of the read-out that is on its way
        self.watched = -1  # whose bytes go to `tap`
        self.tap = None  # tap(view of received bytes), None at the end of the turn
        self._due = array("i", [0] * count)
        self._tries = bytearray(count)  # that failed in this round
        self._failures = bytearray(count)  # rounds in a row
        self._slower = bytearray(count)  # steps below the highest speed
        self._good = bytearray(count)  # rounds in a row
        self._worked = 0  # whose job was the last
        self._latest = 0  # minute
        self._probe_due = ticks_ms()
        self._uart = uart
        self._minute = minute
        self._told = told
        self._beat = beat
        self._extra = extra
        self._baud = 0
        self._active = -1  # which meter is being read
        self._quiet = ticks_ms()  # when the last byte passed
        self._end = ticks_ms()  # of what is done now, at the latest
        self._dialogue = Dialogue(MessageReader())
        self._dialogue.reader.tells_rows = False
        self._held = []  # values of the answer that is on its way
        self._arrived = asyncio.Event()
        self._is_wanted = False  # somebody waits for the wire
        self._free = asyncio.Event()
        self._back = asyncio.Event()

    def wake(self):
        """Have the task look whether something is due. To be called every second or so."""
        self._arrived.set()

    def read_now(self, index):
        """Have a meter read at the next turn."""
        self._due[index] = 0
        self._tries[index] = self._failures[index] = 0
        self._arrived.set()

    async def pause(self):
        """Let go of the wire; return when no meter is being read any more: firmware/bus/tunnel.py tells who wants that."""
        self._is_wanted = True
        self._arrived.set()
        await self._free.wait()

    def resume(self):
        """The wire is ours again."""
        self._baud = 0  # it has to be set anew
        self._is_wanted = False
        self._free.clear()
        self._back.set()

    async def run(self):
        """Own the wire, for ever."""
        while True:
            self._sign()
            self._arrived.clear()
            if self._is_wanted:
                await self._lend()
                continue
            index, job = self._next()
            if index < 0:
                try:
                    await asyncio.wait_for_ms(self._arrived.wait(), _IDLE_MS)
                except asyncio.TimeoutError:  # noqa: UP041
                    pass
                continue
            began = ticks_ms()
            self._active = index
            try:
                if job:
                    await self._job(index, job)
                else:
                    await self._turn(index)
            except OSError as error:
                self._told(f"{self.name}: port error {error.errno}")
                await self._missed(index, f"port error {error.errno}", began)
                await asyncio.sleep_ms(_IDLE_MS)
            finally:
                self.busy_ms += ticks_diff(ticks_ms(), began)
                if self.tap and self.watched == index and not self._tries[index]:
                    self.tap(None)

    def _sign(self):
        if self._beat:
            self._beat.beat()

    async def _lend(self):
        self._back.clear()
        self._free.set()
        while self._is_wanted:
            self._sign()
            try:
                await asyncio.wait_for_ms(self._back.wait(), 1000)
            except asyncio.TimeoutError:  # noqa: UP041
                pass

    def _due_meter(self):
        """Return whose read-out is due, -1 for nobody's: who failed before waits for its share."""
        now = self._minute()
        is_back = now < self._latest  # the clock was set back
        self._latest = now
        left = ticks_diff(self._probe_due, ticks_ms())
        may_probe = left <= 0 or left > _LONGEST_PAUSE_MS
        found = best = -1
        for index in range(len(self._due)):
            if self._due[index] > now and (is_back or self._due[index] > now + _LOCKED_MINUTES):
                self._due[index] = now
            if self._due[index] <= now and (may_probe or not self._failures[index]):
                rank = self._due[index] + self._tries[index]  # others come first, but not for ever
                if found < 0 or rank < best:
                    found, best = index, rank
        return found

    def _next(self):
        """Return (index, job) of what is to be done now, (-1, 0) for nothing."""
        found = self._due_meter()
        if found >= 0 or not self._extra:
            return found, 0
        minute, count = self._minute() % 15, len(self._due)
        for step in range(1, count + 1):  # from the one behind the last on
            index = (self._worked + step) % count
            job = self.jobs[index]
            if job & CLOCK and 3 <= minute <= 11:
                return index, CLOCK
            if job & EVENTS:
                return index, EVENTS
            if job & PROFILE:
                return index, PROFILE
        return -1, 0

    def is_awaited(self, index, began):
        """Whether a job of a meter that began at some tick shall make room: for read-outs and whoever wants the wire at once,
        for jobs of other meters after a minute."""
        if self._is_wanted or self._due_meter() >= 0:
            return True
        return ticks_diff(ticks_ms(), began) > _TURN_MS and any([self.jobs[at] for at in range(len(self.jobs)) if at != index])

    @property
    def baud(self):
        """The speed of the session."""
        return self._dialogue.baud

    async def _turn(self, index):
        """Read a meter out, once."""
        began = ticks_ms()
        plan = self.meters.plan(index)
        self.asked += 1
        try:
            if (self._tries[index] or self._failures[index]) and plan.read != _LISTEN:
                await self._free_meter(plan)
            fastest = self._fastest(index, plan)
            await self._read(index, plan, fastest)
        except FrameError as error:
            if error.reason == "no answer" and self._dialogue.identification is None:
                self.silent += 1
            else:
                self.damaged += 1
                if plan.read != _LISTEN:
                    await self._resync()
                if error.reason in _CODED and fastest > plan.opening:
                    self._slower[index] = min(self._slower[index] + 1, len(_SPEEDS))
            await self._missed(index, error.reason, began)
        except PeerError as error:
            self.damaged += 1
            if error.text == "password":
                self._refused(index, plan)
            if plan.read != _LISTEN:
                await self._resync()
            await self._missed(index, error.text, began)
        else:
            self.answered += 1
            now = self.seen[index] = self._minute()
            self._tries[index] = self._failures[index] = 0
            self._due[index] = (now // plan.period + 1) * plan.period
            self._good[index] = (self._good[index] + 1) % _GOOD_ROUNDS
            if not self._good[index] and self._slower[index]:
                self._slower[index] -= 1
            self._want(index, plan)

    def _want(self, index, plan):
        """Note what is to be done beside the read-out, in the programming mode for the most part."""
        now = self._minute()
        if not self._extra or plan.read == _LISTEN or plan.password and self.locked[index] > now:
            return
        drift_s = self.meters.drifts[index]
        if plan.clock and drift_s and self._clock_due[index] <= now and self._extra("iec_clock").is_off(drift_s):
            self.jobs[index] |= CLOCK
        if plan.profile:
            self.jobs[index] |= PROFILE
        if plan.events and self.logged[index] != self.meters.day():
            self.jobs[index] |= EVENTS

    def _refused(self, index, plan):
        """A password was refused: it is not sent again for long."""
        if self.locked[index] <= self._minute():
            self.locked[index] = self._minute() + _LOCKED_MINUTES
            self.meters.refused(plan, self.locked[index])

    async def _missed(self, index, reason, began):
        """A try failed: another one in this round, or the round is over."""
        cost_ms = ticks_diff(ticks_ms(), began)
        self._good[index] = 0
        tries = self._tries[index] + 1
        is_final = reason in ("endless", "deadline", "password", "mode", "other meter")
        if tries < _TRIES and not is_final and not self._failures[index]:
            self._tries[index] = tries
            return
        self._tries[index] = 0
        if self._failures[index] or is_final:
            self._probe_due = ticks_add(ticks_ms(), min(_SHARE * cost_ms, _LONGEST_PAUSE_MS))
        pause = _BACK_OFF[min(self._failures[index], len(_BACK_OFF) - 1)]
        self._failures[index] = min(self._failures[index] + 1, 255)
        self._due[index] = max(self._minute() + pause, self.locked[index])
        self.meters.failed(index, reason)

    def _fastest(self, index, plan):
        """The highest speed that a meter has not failed at."""
        place = max(0, _SPEEDS.index(plan.fastest) - self._slower[index])
        return max(plan.opening, _SPEEDS[place])

    async def _read(self, index, plan, fastest):
        """A session that reads what the plan asks for. FrameError, PeerError: nothing was shown."""
        meters, dialogue = self.meters, self._dialogue
        meters.begin()
        log = None
        if plan.events and self._extra and self.logged[index] != meters.day() and meters.is_clock_set():
            log = self._extra("iec_events").riding(meters, index, plan)
        words = plan.read.split(" ")
        programs = len(words) > 1
        what, table = READ_OUT, b"?"
        if programs:
            what = PROGRAMMING
        elif plan.read[:1] == "/":
            table = plan.read[1:].encode()
        elif plan.read and plan.read != _LISTEN:
            what = int(plan.read)
        self._log = log
        try:
            if plan.read == _LISTEN:
                await self._listen(plan)
            else:
                await self.sign_on(plan, what, fastest, table)
        finally:
            self._log = None
        if programs:
            if plan.password:
                await self.command(plan, None)
            for code in words[1:]:
                try:
                    await self.command(plan, words[0].encode(), code.encode() + b"()")
                except PeerError as error:
                    if error.text == "signed off":
                        raise
            await self.break_off()
        why = meters.done(index, plan, dialogue.identification)
        if why:
            raise PeerError(why)
        if log and await log.keep():
            self.logged[index] = meters.day()

    async def _listen(self, plan):
        """Take one telegram of a meter that speaks unasked."""
        dialogue = self._dialogue
        dialogue.has_parity = plan.parity == 1
        self._end = ticks_add(ticks_ms(), _SETUP_MS)
        self._uart.discard()
        self._quiet = ticks_ms()
        dialogue.listen(plan.opening, _TELEGRAM_MS)
        await self.drive(self._take)

    async def sign_on(self, plan, what, fastest, table=b"?", take=None):
        """Begin a session with a meter, and read out unless it is for programming; `take` as of drive(), None: to `meters`."""
        dialogue = self._dialogue
        dialogue.has_parity = plan.parity == 1
        dialogue.is_summed = False
        limit_ms = _PROGRAM_MS if what == PROGRAMMING else _SETUP_MS + _READ_OUT_BYTES * 10000 // max(fastest, 1200)
        self._end = ticks_add(ticks_ms(), limit_ms)
        dialogue.sign_on(plan.address.encode(), what, plan.opening, fastest, table, plan.wakes == 1)
        await self.drive(take or self._take)

    async def command(self, plan, command, data=b"", take=None, wait_ms=5000):
        """A command of the programming mode; None: the password. Raises as Dialogue does."""
        if command is None:
            if self.locked[self._active] > self._minute():
                raise PeerError("password")
            self._dialogue.password(self._password(plan), b"P%d" % plan.level)
        else:
            self._dialogue.command(command, data, wait_ms)
        self._held.clear()
        self._end = ticks_add(ticks_ms(), _PROGRAM_MS)
        await self.drive(take or self._take_answer)

    def _password(self, plan):
        """The password as the meter wants it: third-generation Turkish ones want it computed from what they sent."""
        dialogue = self._dialogue
        if dialogue.identification.text[:3] == b"<3>" and self._extra:
            return self._extra("iec_password").answer(plan.password.encode(), dialogue.operand)
        return plan.password.encode()

    def takes_ms(self, count):
        """Return how long so many characters take at the speed of the session."""
        return count * 10000 // self._dialogue.baud

    def tells_rows(self, is_wanted):
        """Whether `take` hears of the ends of lines."""
        self._dialogue.reader.tells_rows = is_wanted

    async def break_off(self):
        """Sign off."""
        self._dialogue.break_off()
        await self.drive(None)

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
                    if self.tap and self.watched == self._active:
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

    async def _job(self, index, job):
        """Set a clock, read events or more of a profile. Whatever comes of it, the read-outs go on."""
        plan = self.meters.plan(index)
        self.jobs[index] &= ~job
        name = _NAMES.split(" ")[job]
        if job == CLOCK:
            self._clock_due[index] = self._minute() + _CLOCK_MINUTES
        self._worked = index
        try:
            await self._extra(name).run(self, index, plan)
        except FrameError as error:
            self.damaged += 1
            self.meters.event(index, f"{name[4:]}: {error.reason}")
            await self._resync()
        except PeerError as error:
            if job == EVENTS:
                self.logged[index] = self.meters.day()  # it has none, or not for us: not before tomorrow
            if error.text == "password":
                self._refused(index, plan)
                self.jobs[index] = 0
            self.meters.event(index, f"{name[4:]} refused: {error.text}")
            await self._resync()
