"""Reading jobs: at set times meters are read, and what they say goes to the journal, besides what goes at their turns.

What is due is told by the civil calendar (lib/clock/recurrence.py). A file has when each job was due when it ran last; it is
written when a job is over, so that one that had no power, no clock or no link is made up for, once. docs/mqtt.md tells more.
In RAM while a link is on and a job is set.
"""

from micropython import const

from lib.clock import recurrence

JOBS = const(4)
PATH = const("/jobs.json")
_PATIENCE_S = const(3600)  # that a meter has to be read; then the job is over without it
_DAY_S = const(86400)


class _Job:
    """As set: its text, the slots ("" for all), whether counters suffice, the links. `ran`: what the file has of it: text,
    due, Unix seconds of the end, slots that were missed. `waiting`: slots that it still waits for, None while it rests.
    """

    def __init__(self, number, text, settings):
        self.number = number
        self.text = text
        self.slots = settings.get(f"job{number}_meters").replace(" ", "")
        self.only_counters = settings.get(f"job{number}_what") == 1
        self.links = settings.get(f"job{number}_link")
        self.ran: list = []
        self.waiting = None
        self.due = self.since = 0


class Jobs:
    """`await send(device, mask, only_counters)` puts what was read of a meter last into the journal, for links of a mask."""

    def __init__(self, gateway, send):
        self._gateway = gateway
        self._send = send
        self._minute = 0
        self.jobs = []
        stored = self._document().load()
        if not isinstance(stored, dict):
            stored = {}  # none, or edited by hand
        for number in range(1, JOBS + 1):
            text = gateway.settings.get(f"job{number}_when")
            if text:
                job = _Job(number, text, gateway.settings)
                ran = stored.get(str(number))
                if isinstance(ran, list) and len(ran) == 4 and ran[0] == text and isinstance(ran[1], int):
                    job.ran = ran
                self.jobs.append(job)

    def _document(self):
        return self._gateway.document(self._gateway.platform.root + PATH)

    async def look(self):
        """Begin what is due, and go on with what has begun, a meter at a time. To be called a few times a second."""
        clock = self._gateway.clock
        if not clock.is_set:
            return
        utc = clock.utc()
        for job in self.jobs:
            if job.waiting is not None:
                await self._go_on(job, utc)
        if utc // 60 == self._minute:
            return
        self._minute = utc // 60
        offset_s = clock.zone.offset_s(utc)
        is_new = False
        for job in self.jobs:
            if job.waiting is None:
                due = recurrence.last(job.text, utc, offset_s)
                if not job.ran or job.ran[1] > due + _DAY_S:  # set just now, or the clock went back
                    job.ran = [job.text, due, 0, ""]
                    is_new = True
                elif due > job.ran[1]:
                    self._begin(job, due, utc)
        if is_new:
            self._save()

    def _begin(self, job, due, utc):
        push = self._gateway.push
        if not [link for link in push.links if link.protocol and job.links & link.number]:
            return  # nobody would hear of it
        wanted = job.slots.split(",") if job.slots else ()
        meters = [device.slot for device in self._gateway.readings.meters() if not wanted or str(device.slot) in wanted]
        if meters:
            job.waiting, job.due, job.since = meters, due, utc
            for reader in self._gateway.field.readers.values():
                for index, device in enumerate(reader.meters.devices):
                    if device.slot in meters:
                        reader.read_now(index)

    async def _go_on(self, job, utc):
        for slot in job.waiting:
            device = self._gateway.readings.device(slot)
            group = device and (device.group("counters") or device.group("measurements"))
            if group and group.utc >= job.since:
                await self._send(device, job.links, job.only_counters)
                job.waiting.remove(slot)
                break
        if job.waiting and 0 <= utc - job.since < _PATIENCE_S:
            return
        missed = ", ".join([str(slot) for slot in job.waiting])
        job.ran = [job.text, job.due, utc, missed]
        job.waiting = None
        if missed:
            self._gateway.events.add("push", f"job {job.number}: not read: {missed}")
        self._save()

    def _save(self):
        try:
            self._document().save({str(job.number): job.ran for job in self.jobs if job.ran})
        except OSError as error:
            self._gateway.events.add("push", f"jobs: the flash did not take what ran: {error!r}")

    def items(self, job):
        """Yield (name, value) of what there is to tell of a job."""
        _, _, ended, missed = job.ran or ("", 0, 0, "")
        yield "job", job.number
        yield "when", job.text
        yield "waits_for", len(job.waiting or ())
        yield "ended", ended
        yield "ended_time", self._gateway.clock.local_text(ended) if ended else ""
        yield "missed", missed
