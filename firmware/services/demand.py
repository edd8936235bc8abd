"""Simultaneous demand: the mean power of several meters together in each demand period, and its maximum in a billing month.

The energy of a period is the difference of the meters' counters of active energy at its ends, summed over the meters, import
and export apart. A period is complete if each meter was read within a minute behind both ends, no counter went back and the
clock was not stepped. What is not complete is recorded as far as it is known, marked, counted, and makes no maximum. A billing
month is a month of local time; a period belongs to the one in which it began.

Totals are a load profile of their own, TOTAL in gateway.profiles; the maxima of the last months are in a document.
"""

import asyncio

from micropython import const

from firmware.state.history import counter

TOTAL = "total"
DISTURBED = const(4)  # status of such a record, as meters mark a disturbed value

_LOOK_MS = const(1000)
_LATE_S = const(60)
_HOUR_S = const(3600)
_MONTHS = const(13)  # this one and a year
_NONE = const(255)
# What is kept of a month: its name, the demand period, import and export each (W, None at first; UTC of the period's end),
# then how many periods were complete and not
_NAME = const(0)
_PERIOD = const(1)
_IMPORT = const(2)
_EXPORT = const(4)
_COMPLETE = const(6)
_INCOMPLETE = const(7)


class Demand:
    """`gateway` is that of firmware/main.py. `months`: lists as above, the newest last. `last`: (UTC of its end, W, W, whether
    it was complete) of the last period, None before."""

    def __init__(self, gateway, beat):
        self._gateway = gateway
        self._beat = beat
        self._document = gateway.document(gateway.platform.root + "/demand.json")
        self.last = None
        self.months = [month for month in self._load() if len(month) == _INCOMPLETE + 1]
        self._period = 0  # minutes
        self._boundary = None  # number of the period that began last
        self._is_open = False  # whether counters of that boundary are still waited for
        self._before = {}  # slot: (what was read, import, export), these in thousandths of a Wh, at the boundary before
        self._now = {}
        self._saved_utc = 0
        gateway.clock.on_step(self._stepped)

    def meters(self):
        """Return the devices that are summed up: those that the setting names, or all."""
        wanted = self._gateway.settings.get("demand_meters").replace(" ", "")
        meters = self._gateway.readings.meters()
        if not wanted:
            return meters
        return [device for device in meters if str(device.slot) in wanted.split(",")]

    async def run(self):
        """Sum up for ever."""
        while True:
            self._beat.beat()
            period = self._gateway.settings.get("demand_period")
            if period != self._period:
                self._period = period
                self._boundary = None
                if period:
                    self._gateway.open_profiles().describe(TOTAL, period, ("1.5.0", "2.5.0"), ("W", "W"))
            if period and self._gateway.clock.is_set:
                self.look(self._gateway.clock.utc())
            await asyncio.sleep_ms(_LOOK_MS)

    def look(self, utc):
        """Take what the meters say now; to be called every second or so."""
        period_s = 60 * self._period
        boundary = utc // period_s
        if self._boundary is None:
            self._boundary = boundary  # nothing is known of the period in progress
        elif boundary != self._boundary:
            if self._is_open:
                self._close()
            if boundary != self._boundary + 1:
                self._before = {}
            self._boundary = boundary
            self._is_open = True
        if self._is_open:
            wanted = self.meters()
            for device in wanted:
                if device.slot not in self._now:
                    self._take(device, boundary * period_s)
            if len(self._now) == len(wanted) or utc % period_s >= min(_LATE_S, period_s // 2):
                self._close()

    def _take(self, device, start):
        """Keep the counters of a meter that was read since a boundary."""
        group = device.group("counters")
        if group is None or group.utc < start:
            return
        energies, rows = [], []
        for direction in ("import", "export"):
            row = counter(device, group, direction)
            rows.append(row)
            energies.append(0 if row == _NONE else group.mantissa[row] * 10 ** (group.exponent[row] + 3))
        self._now[device.slot] = (device.serial, rows), energies[0], energies[1]  # other counters say nothing of a difference

    def _close(self):
        """The counters of a boundary are there as far as they will be: tell of the period that ended with it."""
        self._is_open = False
        before, now = self._before, self._now
        self._before, self._now = now, {}
        sums = [0, 0]
        count = 0
        wanted = self.meters()
        for device in wanted:
            then, here = before.get(device.slot), now.get(device.slot)
            if then and here and then[0] == here[0] and then[1] <= here[1] and then[2] <= here[2]:
                sums[0] += here[1] - then[1]
                sums[1] += here[2] - then[2]
                count += 1
        is_complete = count == len(wanted) > 0
        # From thousandths of a Wh in a period to W
        watts = [(energy * (60 // self._period) + 500) // 1000 for energy in sums] if count else [None, None]
        self._record(self._boundary * 60 * self._period, watts, is_complete)

    def _record(self, utc, watts, is_complete):
        self.last = utc, watts[0], watts[1], is_complete
        gateway = self._gateway
        values = [None if number is None else (number, 0) for number in watts]
        try:
            gateway.open_profiles().append(TOTAL, utc, 0 if is_complete else DISTURBED, values)
        except OSError:
            pass  # `failure` of the profiles tells
        year, number = gateway.clock.local(utc - 60 * self._period)[:2]
        name = f"{year}-{number:02d}"
        months = self.months
        is_news = not months or months[-1][_NAME] != name or months[-1][_PERIOD] != self._period
        if is_news:
            months.append([name, self._period, None, 0, None, 0, 0, 0])
            del months[:-_MONTHS]
        month = months[-1]
        month[_COMPLETE if is_complete else _INCOMPLETE] += 1
        for at, most in ((_IMPORT, watts[0]), (_EXPORT, watts[1])):
            if is_complete and (month[at] is None or most > month[at]):
                month[at], month[at + 1] = most, utc
                is_news = is_news or most > 0
        if is_news or utc - self._saved_utc >= _HOUR_S:
            self._saved_utc = utc
            self._save()

    def _stepped(self, step_ms, first):
        if not first and abs(step_ms) > 1000:
            self._before, self._now = {}, {}
            self._boundary = None
            self._is_open = False

    def _load(self):
        content = self._document.load()
        return content["months"] if isinstance(content, dict) and isinstance(content.get("months"), list) else []

    def _save(self):
        try:
            self._document.save({"months": self.months})
        except OSError as error:
            self._gateway.events.add("history", f"the flash did not take the maximum demand: error {error.errno}")


async def get(gateway, _, response):
    """/api/demand."""
    from lib.http.json_text import put_items, room  # noqa: PLC0415 - what sums up does not need it

    demand = gateway.demand
    clock = gateway.clock
    response.put(b"{")
    period = gateway.settings.get("demand_period")
    await put_items(response, (("period_min", period), ("key", TOTAL)))
    response.put(b',"meters":[')
    comma = b""
    for device in demand.meters() if demand and period else ():
        response.put(comma)
        response.put_json(str(device.slot))
        comma = b","
    response.put(b"]")
    if demand and demand.last:
        utc, imported, exported, is_complete = demand.last
        response.put(b',"last":{')
        local = clock.local_text(utc)
        items = (("utc", utc), ("local_time", local), ("import_w", imported), ("export_w", exported), ("complete", is_complete))
        await put_items(response, items)
        response.put(b"}")
    response.put(b',"months":[')
    comma = b"{"
    for month in list(demand.months) if demand else ():
        await room(response, 600)
        response.put(comma)
        comma = b",{"
        times = [clock.local_text(month[at + 1]) if month[at] is not None else None for at in (_IMPORT, _EXPORT)]
        await put_items(
            response,
            (
                ("month", month[_NAME]),
                ("period_min", month[_PERIOD]),
                ("import_w", month[_IMPORT]),
                ("import_time", times[0]),
                ("export_w", month[_EXPORT]),
                ("export_time", times[1]),
                ("complete", month[_COMPLETE]),
                ("incomplete", month[_INCOMPLETE]),
            ),
        )
        response.put(b"}")
    response.put(b"]}")
