"""The owner of a wire with DLMS meters: one task that serves one meter after the other. It knows no meter and no object.

Which meter is next, and what is read of it, `rounds` decides: firmware/meters/dlms_rounds.py, or what keeps its contract:

    rounds.due(may_probe)   the id of the meter to serve, 0: look on at once, None: nothing now. A step of it is short.
    rounds.plan(id)         its plan, None: it is gone
    rounds.access(plan)     how to associate with it, None: somebody's job does that himself
    await rounds.run(reader, session, plan)     read in an open session what is due. Raises DlmsError, OSError
    await rounds.learn(reader, session, plan, error)  after an error of the association: whether another try may help
    rounds.done(plan)       all of it was good
    rounds.failed(plan, reason, answered)       it was not

Whoever wants something of a meter at once asks: ask(). That comes before all rounds, in the order of priority, and costs no
other meter its values. What silent meters may cost the others is a tenth of the wire. The wire is lent as
firmware/bus/tunnel.py says: pause(), resume(). How many wires have a session at once a Gate decides (dlms_gate.py); a lent one
waits for nothing there.
"""

import asyncio
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from lib.dlms.errors import DlmsError, FrameError, PeerError

COMMAND = const(0)  # priorities of ask()
INTERACTIVE = const(1)
ROUND = const(2)  # of what nobody asked for
NO_MEMORY = const("no memory")  # a reason

_MOST_JOBS = const(8)
_LOOK_MS = const(1000)
_LINGER_MS = const(1500)  # for more that is wanted of a meter
_SHARE = const(9)  # after a round that failed at a meter that had failed before, so many times its cost belongs to the others
_LONGEST_PAUSE_MS = const(600000)
_BREATH_MS = const(2000)  # after a session that found no memory: others may be done by then


class Job:
    """Something that somebody waits for. `work(session, plan)` does it in an open session and returns what `result` is then."""

    def __init__(self, priority, number, work, end):
        self.priority = priority
        self.id = number
        self.work = work
        self.end = end
        self.result = self.error = None
        self.done = asyncio.Event()

    def give(self, result, error=None):
        """Let who waits go on."""
        self.result = result
        self.error = error
        self.done.set()


class DlmsReader:
    """`session`: a DlmsSession of this wire. `told(text)` is called with troubles of the port itself. `gate`: of all wires.

    `visitor`: whose job has the wire for long, None for nobody: who has such jobs sees to it that there is one at a time.
    `active`: id of the meter that is served, 0 for none. Statistics: `asked`, `answered`, `damaged` and `silent` count rounds
    and jobs, `busy_ms` is the time that the wire was in use; session.sent and session.received count octets.
    """

    def __init__(self, name, session, rounds, told, gate):
        self.name = name
        self.session = session
        self.rounds = rounds
        self.active = 0
        self.visitor = None
        self.asked = self.answered = self.damaged = self.silent = self.busy_ms = 0
        self._told = told
        self._gate = gate
        self._jobs = []
        self._due = 0  # id of the meter whose round waits for a place, 0 for none
        self._is_short = False  # of memory: the last session found none
        self._probe_due = ticks_ms()
        self._arrived = asyncio.Event()
        self._is_wanted = False  # somebody waits for the wire
        self._free = asyncio.Event()
        self._back = asyncio.Event()

    def wake(self):
        """Have the task look whether something is due. To be called every second or so."""
        self._arrived.set()

    def is_awaited(self):
        """Whether a round shall make room at its next step: for the wire, or for who asked for something, on whatever wire."""
        return self._is_wanted or len(self._jobs) > 0 or self._gate.is_awaited(ROUND)

    async def ask(self, number, work, priority=INTERACTIVE, deadline_ms=60000):
        """Do `work` with a meter as soon as the wire is free; return what it returns.

        Raises PeerError("busy"): too many wait already, or the wire is lent; FrameError("deadline"); what the session raises.
        """
        if self._is_wanted or len(self._jobs) >= _MOST_JOBS:
            raise PeerError("busy")
        job = Job(priority, number, work, ticks_add(ticks_ms(), deadline_ms))
        self._jobs.append(job)
        self._arrived.set()
        try:
            await asyncio.wait_for_ms(job.done.wait(), deadline_ms)
        except asyncio.TimeoutError:  # noqa: UP041
            raise FrameError("deadline")
        finally:
            if job in self._jobs:
                self._jobs.remove(job)
        if job.error:
            raise job.error
        return job.result

    async def pause(self):
        """Let go of the wire; return when no meter is being served any more."""
        self._is_wanted = True
        while self._jobs:
            self._jobs.pop().give(None, PeerError("busy"))
        self._arrived.set()
        await self._free.wait()

    def resume(self):
        """The wire is ours again."""
        self._is_wanted = False
        self._free.clear()
        self._back.set()

    async def run(self):
        """Own the wire, for ever."""
        try:
            while True:
                self.session.sign()
                self._arrived.clear()
                if self._is_wanted:
                    await self._lend()
                    continue
                try:
                    job = self._next_job()
                    number = self._pick(job)
                    if number:
                        await self._turn(number, job)
                except MemoryError:  # what it was for is tried again when its time has come
                    self._gate.leave(self)
                    self._is_short = True
                if self._is_short:
                    self._is_short = False
                    await asyncio.sleep_ms(_BREATH_MS)
                elif number is None:
                    await _either(self._arrived, _LOOK_MS)
                else:
                    await asyncio.sleep_ms(0)
        finally:
            self._gate.leave(self)

    def _pick(self, job):
        """Return the id of the meter to serve now: of `job`, or one that is due. 0: look on at once, None: nothing now."""
        if not job and not self._due:
            number = self.rounds.due(self._may_probe())
            if not number:
                self._gate.leave(self)  # the job that waited may have been given up
                return number
            self._due = number
        if not self._gate.enter(self, job.priority if job else ROUND):
            return None
        if job:
            return job.id
        number, self._due = self._due, 0
        return number

    async def _lend(self):
        self._gate.leave(self)
        self._back.clear()
        self._free.set()
        while self._is_wanted:
            self.session.sign()
            await _either(self._back, _LOOK_MS)
        self.session.drop()

    def _may_probe(self):
        left = ticks_diff(self._probe_due, ticks_ms())
        if 0 < left <= _LONGEST_PAUSE_MS:
            return False
        self._probe_due = ticks_ms()  # ticks shall not come round to it
        return True

    def _next_job(self, number=0):
        """Return the job that is to be done now, of one meter if `number`; None if there is none. It stays in the queue."""
        best = None
        for job in self._jobs:
            if (not number or job.id == number) and (best is None or job.priority < best.priority):
                best = job
        return best

    async def _turn(self, number, job):
        """Serve a meter: what somebody wants of it, or its round."""
        began = ticks_ms()
        self.active = number
        self.asked += 1
        plan = None
        try:
            plan = self.rounds.plan(number)
            if plan is None:
                self._refuse(number, PeerError("there is no such meter"))
                return
            error = await self._try(plan, job)
            if error and self.session.is_answered and not (job and job.done.is_set()) and await self._is_worth(plan, error):
                error = await self._try(plan, job)  # what was damaged, or cut off, is tried once more at once
            self._judge(plan, job, error, ticks_diff(ticks_ms(), began))
        except Exception as error:  # a bug: the others have their turn before it is tried again
            is_short = isinstance(error, MemoryError)
            self._refuse(number, PeerError("busy" if is_short else "error"))
            if plan and not job:
                self.rounds.failed(plan, PeerError(NO_MEMORY if is_short else "error"), False)
            raise
        finally:
            self.active = 0
            self._gate.leave(self)
            self.busy_ms += ticks_diff(ticks_ms(), began)

    async def _try(self, plan, job):
        """Return the error that it ended with, None if all was good."""
        session = self.session
        found = None
        try:
            try:
                await session.open(plan, self.rounds.access(plan))
                if job:
                    await self._serve(plan)
                else:
                    await self.rounds.run(self, session, plan)
            except DlmsError as error:
                found = error
            except MemoryError:
                found = PeerError(NO_MEMORY)
                session.client.forget()  # there may be enough to end the link
            await session.close()
        except MemoryError:
            session.drop()
            found = PeerError(NO_MEMORY)
        except OSError as error:
            self._told(f"{self.name}: port error {error.errno}")
            await asyncio.sleep_ms(_LOOK_MS)
            return FrameError(f"port error {error.errno}")
        except BaseException:  # cancelled, or a bug: then the wire is somebody else's
            session.drop()
            raise
        return found

    async def _is_worth(self, plan, error):
        """Whether the same is to be tried once more."""
        if isinstance(error, FrameError):
            return not self.is_awaited()
        return await self.rounds.learn(self, self.session, plan, error)

    async def _serve(self, plan):
        """Do what is wanted of a meter, and what is wanted of it shortly after."""
        while True:
            job = self._next_job(plan.id)
            if not job:
                await self._linger()
                job = self._next_job(plan.id)
                if not job:
                    return
            self._jobs.remove(job)
            try:
                job.give(await job.work(self.session, plan))
            except DlmsError as error:  # what was asked for once is done once
                job.give(None, error)
                if not isinstance(error, PeerError):
                    raise  # a refusal ends no session
            except MemoryError:
                job.give(None, PeerError("busy"))
                raise

    async def _linger(self):
        """Wait for more, unless somebody waits for the wire, or for another meter."""
        if not self.is_awaited():
            self._arrived.clear()
            await _either(self._arrived, _LINGER_MS)

    def _judge(self, plan, job, error, cost_ms):
        if error is None:
            self.answered += 1
            if not job:
                self.rounds.done(plan)
            return
        is_silent = not self.session.is_answered
        self._is_short = error.reason == NO_MEMORY
        if is_silent:
            self.silent += 1
        else:
            self.damaged += 1
        if job:
            self._refuse(plan.id, PeerError("busy") if self._is_short else error)
            return
        if self.rounds.failed(plan, error, not is_silent) > 1 and not self._is_short:
            self._probe_due = ticks_add(ticks_ms(), min(_SHARE * cost_ms, _LONGEST_PAUSE_MS))

    def _refuse(self, number, error):
        """Tell all who want something of a meter that nothing comes of it."""
        for job in list(self._jobs):
            if job.id == number:
                self._jobs.remove(job)
                job.give(None, error)


async def _either(event, limit_ms):
    """Wait for an event, at most so long."""
    try:
        await asyncio.wait_for_ms(event.wait(), limit_ms)
    except asyncio.TimeoutError:  # noqa: UP041
        pass
