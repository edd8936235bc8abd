"""The owner of one Modbus RTU wire: everybody else asks, this task talks.

`ask(request)` queues and waits for a reply or one of three errors: FrameError (no good answer), PeerError (the unit refused;
also 6 when the queue is full and 10 when the port is off), LocalError (a bug). Rules of the wire: Modbus over Serial Line
V1.02, 2.4.1 (turnaround after a broadcast) and 2.5.1.1 (3.5 characters of silence, 1.75 ms above 19200 baud).
"""

import asyncio
from time import ticks_add, ticks_diff, ticks_ms, ticks_us

from micropython import const

from firmware.bus.queue import INTERACTIVE, POLL, Entry, Queue, deadline_in
from firmware.bus.unit import Unit
from lib.modbus.errors import DEVICE_BUSY, GATEWAY_PATH, FrameError, PeerError
from lib.modbus.reply import ReplyReader

_TRIES = const(3)
_SLACK_MS = const(250)  # a frame may have pauses that add up to so much: converters and radio links cut frames
_TURNAROUND_MS = const(100)  # after a broadcast
_GAP_MS = const(20)  # least silence that ends a reply of unknown length
_LOOK_MS = const(2)
_SHORT_MS = const(300)  # a unit that lets others wait for so long is given up for now
_CALM_MS = const(10)
_PATIENT_MS = const(700)  # programs wait no longer than a second for a unit that does not answer anyway
_BUSY_MS = const(300)  # a line that is never silent for so long is stuck
_SHARE = const(15)  # a probe of silent units costs at most one part in so many and one
_LONGEST_PAUSE_MS = const(120000)  # between probes: a longer one is a moment long past, for ticks wrap
_MOST_UNITS = const(48)
_RECENT = const(12)  # reads whose replies may serve others
_OLDEST_MS = const(60000)  # the highest modbus_max_age
_IDLE_MS = const(250)  # longest pause while questions wait


class ModbusMaster:
    """`uart` is a port (see firmware/port/uart_pty.py for the contract). `longest_ms()`: the response timeout's upper bound.

    `told(text)` hears of what a person should know about the wire. Statistics: `units` by unit id, `frames`, `noise` (bytes
    that belong to no frame). `keeps()` tells whether replies are kept for those who take a recent one.
    """

    def __init__(self, name, uart, longest_ms, told, beat=None, keeps=lambda: True):
        self.name = name
        self.units = {}
        self.frames = 0
        self.noise = 0
        self.is_open = True
        self._uart = uart
        self._longest_ms = longest_ms
        self._told = told
        self._beat = beat
        self._keeps = keeps
        self._queue = Queue()
        self._reader = ReplyReader()
        self._quiet_since_us = ticks_us()
        self._probe_due = ticks_ms()
        self._recent = []
        self._trouble = ""
        self._last = None  # the request that was answered last; None: the next reply is not compared
        self.tap = None  # told each frame as tap(sent by us, view), while somebody looks for a fault
        self._is_paused = False
        self._given = asyncio.Event()  # the wire is not touched any more, for it is paused
        self.listener = None  # called with the frames of another master on this wire, see firmware/bus/relay_bridge.py

    async def ask(self, request, priority=POLL, client=None, deadline_ms=None, max_age_ms=0):
        """Return the PDU of the reply as a view (valid until this request is asked again), None for a broadcast.

        `client` is who asks: turns go round between clients. `deadline_ms` bounds the waiting, turn and retries included.
        With `max_age_ms` a reply not older than that may serve, be it to a poll or to another who takes such ones.
        """
        if not self.is_open:
            raise PeerError(GATEWAY_PATH)
        if max_age_ms and request.is_read:
            for recent, ticks, reply in self._recent:  # that reply lasts while the same is asked anew
                if 0 <= ticks_diff(ticks_ms(), ticks) <= max_age_ms and recent.covers(request):
                    return request.copy_from(recent, reply)
        if self._is_paused and priority < POLL:
            raise PeerError(DEVICE_BUSY)
        unit = self.unit(request.unit)
        unit.is_polled = unit.is_polled or priority == POLL
        if priority < POLL and self._queue.is_full():  # polls are as many as devices, and a reading must not be lost
            raise PeerError(DEVICE_BUSY)
        entry = Entry(request, priority, client, deadline_in(deadline_ms), max_age_ms > 0)
        self._queue.add(entry)
        try:
            await entry.done.wait()  # the wire's task sees to the deadline: a task for it here would cost 0.5 KB
        finally:
            self._queue.remove(entry)
        if entry.error:
            raise entry.error
        return request.reply

    def unit(self, unit_id):
        """Return what is known of a unit."""
        unit = self.units.get(unit_id)
        if unit is None:
            if len(self.units) >= _MOST_UNITS:
                self._forget_one()
            unit = self.units[unit_id] = Unit(unit_id)
        return unit

    def close(self):
        """The port is given another use: all who wait get an error."""
        self.is_open = False
        for entry in list(self._queue.entries):
            self._queue.remove(entry)
            entry.finish(PeerError(GATEWAY_PATH))

    async def pause(self):
        """Give the wire away: firmware/bus/tunnel.py. Polls wait; persons and programs are told that it is busy."""
        self._is_paused = True
        self._turn_away()
        await self._given.wait()

    def resume(self):
        self._is_paused = False
        self._given.clear()
        self._forget(0)
        self._last = None
        self._quiet_since_us = ticks_us()
        self._queue.arrived.set()

    def _turn_away(self):
        """Tell all who wait, but polls, that the wire is another's."""
        for entry in list(self._queue.entries):
            if entry.asked < POLL:
                self._queue.remove(entry)
                entry.finish(PeerError(DEVICE_BUSY))
        self._queue.arrived.set()

    async def run(self):
        """Own the wire, for ever."""
        queue = self._queue
        while True:
            if self._beat:
                self._beat.beat()
            queue.arrived.clear()
            queue.expire()
            if self._is_paused:
                self._turn_away()  # who had another turn to come
                queue.arrived.clear()
                self._given.set()
                await queue.arrived.wait()
                continue
            disappointed = self._disappoint()
            entry = queue.next(self._may_go)
            if entry is None:
                if disappointed:
                    await asyncio.sleep_ms(_CALM_MS)  # one that asks on and on must not keep us busy with refusals
                else:
                    await self._idle()
                continue
            is_done, error = True, FrameError("interrupted")
            try:
                is_done, error = await self._serve(entry)
            except MemoryError:
                pass  # others had it all at the moment: who asked is told, and may ask again
            finally:
                if is_done:
                    queue.complete(error)
                else:
                    queue.again()

    def _disappoint(self):
        """Programs need not wait for a unit that was silent just now and whose late answer would pass for one to them.

        Return how many have been told so.
        """
        count = 0
        for entry in list(self._queue.entries):
            if entry.priority == INTERACTIVE and entry.follows is None:
                unit = self.unit(entry.request.unit)
                if unit.failures and unit.ambiguous_ms(entry.request) > _SHORT_MS:
                    self._queue.remove(entry)
                    entry.finish(FrameError("no answer"))
                    count += 1
        return count

    async def _idle(self):
        """Wait for a question, a probe that comes due, or another master's frame."""
        if self.listener is not None:
            await self.listener(self._uart, self._queue.arrived)  # pyright: ignore[reportGeneralTypeIssues]
            return
        if not self._queue.entries:
            await self._queue.arrived.wait()
            return
        try:
            await asyncio.wait_for_ms(self._queue.arrived.wait(), self._next_due_ms())
        except asyncio.TimeoutError:  # noqa: UP041
            pass

    def wake(self):
        """Have the task report that it lives. To be called every second or so."""
        self._queue.arrived.set()
        now = ticks_ms()
        self._recent = [recent for recent in self._recent if 0 <= ticks_diff(now, recent[1]) <= _OLDEST_MS]

    def _next_due_ms(self):
        """Milliseconds until something that waits may go, at most _IDLE_MS."""
        least = _IDLE_MS
        now = ticks_ms()
        for entry in self._queue.entries:
            if entry.deadline is not None:
                least = min(least, ticks_diff(entry.deadline, now))
            if entry.follows is None:
                unit = self.unit(entry.request.unit)
                wait_ms = max(unit.ambiguous_ms(entry.request), unit.wait_ms() if entry.priority == POLL else 0)
                if entry.priority == POLL and unit.failures:
                    wait_ms = max(wait_ms, self._pause_ms())
                least = min(least, wait_ms)
        return max(least, 1)

    def _may_go(self, entry):
        """Whether the unit may be asked now: a silent one waits for its probe, unless somebody asks for it explicitly."""
        unit = self.unit(entry.request.unit)
        if unit.ambiguous_ms(entry.request):
            return False
        if entry.priority < POLL or not unit.failures:
            return True
        return not unit.wait_ms() and not self._pause_ms()

    def _pause_ms(self):
        """Milliseconds until a silent unit may be probed for all that the last probe cost."""
        left = ticks_diff(self._probe_due, ticks_ms())
        return left if 0 < left <= _LONGEST_PAUSE_MS else 0

    async def _serve(self, entry):
        """Ask once; return (whether that was all, the error or None if there is a reply)."""
        request = entry.request
        unit = self.unit(request.unit)
        is_probe = unit.failures > 0
        began = ticks_ms()
        entry.tries += 1
        is_last = is_probe or entry.tries >= _TRIES
        unit.asked += 1
        try:
            await self._exchange(request, unit, entry.priority == INTERACTIVE)
            unit.answered += 1
            if not request.is_read:
                self._forget(request.unit)  # it may have changed
            elif entry.priority == POLL or entry.is_shared:
                self._remember(request)
            return True, None
        except PeerError as refusal:
            self._recent = [recent for recent in self._recent if recent[0].adu != request.adu]
            unit.refused += 1
            unit.last_error = str(refusal)
            return True, refusal
        except FrameError as failure:
            error = failure
            unit.last_error = failure.reason
            if failure.reason == "no answer":
                unit.silent += 1
                is_last = is_last or (entry.priority < POLL and not unit.answered)  # nobody knows whether it is there at all
            else:
                unit.damaged += 1
        except OSError as failure:
            error = FrameError(f"port error {failure.errno}")
            unit.last_error = error.reason
            self._say(error.reason)
            is_last = True
        if not is_last and not self._queue.is_over(entry):
            return False, error
        self._forget(request.unit)
        if request.unit and is_last and (entry.priority == POLL or not unit.is_polled):
            unit.failed()
            if is_probe:
                cost_ms = ticks_diff(ticks_ms(), began)
                self._probe_due = ticks_add(ticks_ms(), _SHARE * cost_ms)
        return True, error

    async def _exchange(self, request, unit, is_hurried):
        """One question and its answer on the wire. Raises FrameError, PeerError, OSError."""
        reader = self._reader
        await self._silence()
        self.frames += 1
        if request.reply_size is None:
            await self._send(request.adu)
            self._quiet_since_us = ticks_us()
            await asyncio.sleep_ms(_TURNAROUND_MS)
            return
        reader.restart(request)
        await self._send(request.adu)
        sent = ticks_ms()
        try:
            timeout_ms = unit.timeout_ms(self._longest_ms())
            if is_hurried and (unit.failures or not unit.answered):
                timeout_ms = min(timeout_ms, unit.short_ms(_PATIENT_MS))
            latency_ms = await self._answer(request, timeout_ms, sent, unit)
            if self._is_repeat(request):
                self._forget(request.unit)  # the request's room holds what may be wrong
                await asyncio.sleep_ms(timeout_ms)  # the answer to this question is still to come
                raise FrameError("repeated")
            unit.good(latency_ms)
            self._last = request
            self._trouble = ""
        except PeerError:
            unit.good(ticks_diff(ticks_ms(), sent))
            self._trouble = ""
            raise
        except FrameError as error:
            if error.reason != "repeated":
                unit.missed(request)
            raise
        finally:
            self._quiet_since_us = ticks_us()
            if reader.received:
                self.frames += 1
                if self.tap:
                    self.tap(False, reader.view())
            self.noise += reader.skipped + reader.trailing
            if not request.is_mirrored and request.reply is not None:
                reader.echo = reader.echoed  # whether this port hears itself shows in every read

    async def _send(self, adu):
        await self._uart.send(adu)
        if self.tap:
            self.tap(True, adu)

    def _is_repeat(self, request):
        """Whether the reply is that of the question before once more: a device that answers twice, or by chance the same.

        A reply does not say which registers it holds. When it equals, to the byte, the one to another question just before,
        it is asked for again, and the second reply counts.
        """
        last, self._last = self._last, None
        return (
            last is not None
            and last.unit == request.unit
            and request.is_read
            and last.adu != request.adu
            and last.reply == request.reply
        )

    async def _answer(self, request, timeout_ms, sent, unit):
        """Collect the reply; return the milliseconds from the end of the question to the first bytes of the answer.

        One deadline for the first byte, one for the rest of the frame. Our own echo is no answer: as long as not more bytes
        came than it has, the answer's first byte is waited for. The port is looked at every other millisecond, or when the
        rest of the frame can be there: that allocates nothing, which a task with a deadline around a stream would. When
        somebody else waits, a silent unit gets less.
        """
        uart, reader = self._uart, self._reader
        latency_ms = 0
        deadline = ticks_add(sent, timeout_ms)
        in_frame = False
        looks = 0
        while True:
            looks += 1
            if not looks & 7:
                self._queue.expire()
            count = uart.receive(reader.room())
            if count:
                reader.filled(count)
                latency_ms = latency_ms or ticks_diff(ticks_ms(), sent)
                if reader.pdu() is not None:
                    return latency_ms
                if reader.received <= len(request.adu):  # our echo, whole or not, or the first part of a short answer
                    more_ms = 0 if reader.echoed else len(request.adu) * uart.char_us // 1000 + _SLACK_MS
                    deadline = ticks_add(sent, timeout_ms + more_ms)
                elif not request.reply_size:  # its length is its own secret: silence ends it
                    deadline = ticks_add(ticks_ms(), max(_GAP_MS, 4 * uart.char_us // 1000))
                elif not in_frame:
                    deadline = ticks_add(ticks_ms(), request.reply_size * uart.char_us // 1000 + _SLACK_MS)
                    in_frame = True
                if reader.echoed and reader.received <= len(request.adu):
                    latency_ms = 0
            elif ticks_diff(deadline, ticks_ms()) <= 0:
                reader.silence()
                return latency_ms
            elif not reader.received and self._keeps_waiting(unit, ticks_diff(ticks_ms(), sent)):
                reader.silence()
            missing = request.reply_size - reader.received if in_frame else 0
            await asyncio.sleep_ms(max(_LOOK_MS, missing * uart.char_us // 1000))

    def _keeps_waiting(self, unit, silent_ms):
        """Whether a unit that has been silent for so long is kept waiting for in vain by others."""
        if silent_ms < _SHORT_MS:
            return False
        waiting = self._queue.waiting(unit.unit_id)
        return waiting > 0 and silent_ms >= unit.short_ms(_SHORT_MS if waiting > 1 else _PATIENT_MS)

    async def _silence(self):
        """Wait until the wire was silent for 3.5 characters; throw away what was left on it."""
        uart = self._uart
        gap_us = 1750 if uart.char_us < 573 else uart.char_us * 7 // 2  # 573 us: a character of 11 bits at 19200
        began = ticks_ms()
        while True:
            thrown = uart.discard()
            if thrown:
                self.noise += thrown
                self._quiet_since_us = ticks_us()
                if ticks_diff(ticks_ms(), began) > _BUSY_MS:
                    self._say("the line is never silent")
                    raise FrameError("line busy")
            left_us = gap_us - ticks_diff(ticks_us(), self._quiet_since_us)
            if not 0 < left_us <= gap_us:  # more than the gap: silent for so long that ticks have wrapped
                return
            await asyncio.sleep_ms((left_us + 999) // 1000)

    def _remember(self, request):
        """Keep a reply's place for those who take a recent one."""
        if not self._keeps():
            self._recent = []
            return
        now = ticks_ms()
        for index, (known, _, _) in enumerate(self._recent):
            if known is request or known.adu == request.adu:
                self._recent[index] = (request, now, request.reply)
                return
        if len(self._recent) >= _RECENT:
            self._recent.pop(0)
        self._recent.append((request, now, request.reply))

    def _forget(self, unit_id):
        """No earlier reply of a unit, 0 for all, may serve from now on."""
        self._recent = [recent for recent in self._recent if unit_id and recent[0].unit != unit_id]

    def _forget_one(self):
        """Drop the unit that was asked in vain most, to make room for another."""
        worst = None
        for unit in self.units.values():
            if worst is None or unit.failures > worst.failures:
                worst = unit
        del self.units[worst.unit_id]

    def _say(self, text):
        """Report a trouble of the wire once, until an answer came."""
        if text != self._trouble:
            self._trouble = text
            self._told(f"{self.name}: {text}")
