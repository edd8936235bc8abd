"""Collects what an IEC 62056-21 meter has logged, and keeps it: once a day, of a reading the newest. In RAM only then.

Most meters write them in the read-out that is wanted anyway: a Collector rides on it, and nobody signs on for them alone. For
others (short read-outs, log books of VDEW meters) there is a job, run().
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from lib.iec62056.dialogue import AGAIN
from lib.iec62056.errors import FormatError, PeerError
from lib.iec62056.event_log import entries, words_of
from lib.iec62056.load_profile import LoadProfile
from lib.iec62056.message_reader import IDENTIFIED, VALUE
from lib.iec62056.meter_numbers import is_same_number
from lib.iec62056.sign_on import PROGRAMMING
from lib.iec62056.times import written

_MOST = const(48)  # of a reading: as many as lib/store/profile_log.py keeps of a full file, so that none comes twice
_AT_ONCE = const(8)  # kept before others run
_DAY_S = const(86400)
_FIRST_DAYS = const(120)  # how far back a log book is read
_PIECE_S = const(8 * 86400)
_TURN_MS = const(60000)
_FIRST_MS = const(15000)
_VDEW = const("R5 P.98 zYYMMDDhhmm")


def form_of(plan, model, is_turkish):
    """Return where a meter's events are: packets, a digit each, or "command code form"; as its line says, or by its kind."""
    if plan.events != "auto":
        return plan.events
    if plan.read == "D":
        return "D"
    if not is_turkish:
        return _VDEW
    return "89" if plan.read and _generation(model) else "0"


def _generation(model):
    """Return "2" or "3" of a Turkish meter that follows one of the two specifications, else ""."""
    at = model.find("<")
    return model[at + 1] if at >= 0 and model[at + 1 : at + 3] in ("2>", "3>") else ""


class Collector:
    """The newest events of one reading: void until keep()."""

    def __init__(self, meters, index, plan):
        self._meters = meters
        self._index = index
        self._plan = plan
        self._is_foreign = False
        self._letter = ""  # generation of a Turkish meter
        self.clear()

    def clear(self):
        self._events = []  # (UTC, code, text), oldest first
        self._words = {}  # each text once

    def take(self, event, reader):
        """Take what a read-out has."""
        if event == AGAIN:
            self.clear()
        elif event == IDENTIFIED:
            self._letter = _generation(str(reader.text, "utf-8"))
        elif event == VALUE:
            try:
                if reader.address in (b"0.0.0", b"C.1.0") and not reader.index:
                    serial = self._meters.devices[self._index].serial
                    self._is_foreign = serial != "" and not is_same_number(reader.text, serial.encode())
                for time, code, text in entries(reader.address, reader.index, reader.text, self._letter):
                    self.add(time, code, text)
            except FormatError:
                pass  # a date that does not exist; the others are there

    def add(self, time, code, text):
        utc = self._meters.utc_of(time)
        events = self._events
        if len(events) == _MOST:
            if utc <= events[0][0]:
                return
            events.pop(0)
        at = len(events)
        while at and events[at - 1][0] > utc:
            at -= 1
        events.insert(at, (utc, self._words.setdefault(code, code), self._words.setdefault(text, text)))

    async def keep(self):
        """All was good: keep what is not kept yet. Return whether that is all the meter has: nothing is to be read beside."""
        meters = self._meters
        profiles = meters.profiles()
        serial = meters.devices[self._index].serial
        if self._is_foreign:
            raise PeerError("other meter")
        if profiles is not None and serial:
            for at in range(0, len(self._events), _AT_ONCE):
                try:
                    profiles.log(serial, self._events[at : at + _AT_ONCE])
                except OSError as error:
                    meters.event(self._index, f"events not kept: error {error.errno}")
                    break
                await asyncio.sleep_ms(0)
        self.clear()
        device = meters.devices[self._index]
        return form_of(self._plan, device.model, meters.is_turkish(self._index)) == (self._plan.read or "0")


def riding(meters, index, plan):
    """Return a Collector for a meter's next read-out, None if that has no events."""
    model = meters.devices[index].model
    if not model and plan.events == "auto" or form_of(plan, model, meters.is_turkish(index)) == (plan.read or "0"):
        return Collector(meters, index, plan)
    return None


async def run(reader, index, plan):
    """Read them by sessions of their own."""
    meters = reader.meters
    device = meters.devices[index]
    if meters.profiles() is None or not device.serial or not meters.is_clock_set():
        return
    form = form_of(plan, device.model, meters.is_turkish(index))
    collector = Collector(meters, index, plan)
    if " " in form:
        if not await _run_log_book(reader, index, plan, form.split(" "), collector):
            return
    else:
        for packet in form:
            await reader.sign_on(plan, int(packet), plan.fastest, take=collector.take)
            await collector.keep()
    reader.logged[index] = meters.day()


async def _run_log_book(reader, index, plan, form, collector):
    """From a day before the newest that is kept: a clock that was set back writes times twice. False: it goes on later."""
    meters = reader.meters
    command, code, form = form
    begin = await _newest(meters, index, code) - _DAY_S
    now = meters.utc()
    if reader.logged[index]:
        begin = max(begin, (reader.logged[index] - 2) * _DAY_S)  # so far it was read since the start
    begin = max(begin, now - _FIRST_DAYS * _DAY_S)
    book = LoadProfile()

    def take(event, lines):
        if event == AGAIN:
            collector.clear()
            book.again()
            return
        try:
            if book.take(event, lines):
                collector.add(book.time, code, words_of(book))
        except FormatError:
            pass  # a record that makes no sense

    began = ticks_ms()
    await reader.sign_on(plan, PROGRAMMING, plan.fastest)
    if plan.password:
        await reader.command(plan, None)
    while begin < now:
        if ticks_diff(ticks_ms(), began) > _TURN_MS:
            reader.logged[index] = begin // _DAY_S + 1
            meters.more(reader, index, 4)
            await reader.break_off()
            return False
        end = begin + _PIECE_S
        # Open at the end when it is the last: the meter's clock may be ahead.
        operand = _text(meters, form, begin) + b";" + (_text(meters, form, end) if end < now else b"")
        collector.clear()
        book.restart(code.encode())
        reader.tells_rows(True)
        try:
            await reader.command(plan, command.encode(), code.encode() + b"(" + operand + b")", take, _FIRST_MS)
        except PeerError as error:
            if error.text == "signed off" or not error.text.startswith("ER"):
                raise  # else there is nothing in this range
            collector.clear()
        finally:
            reader.tells_rows(False)
        await collector.keep()
        begin = end
    await reader.break_off()
    return True


async def _newest(meters, index, code):
    newest = 0
    for utc, known, _ in meters.profiles().logged(meters.devices[index].serial):
        if known == code:
            newest = max(newest, utc)
        await asyncio.sleep_ms(0)
    return newest


def _text(meters, form, utc):
    return written(form.encode(), meters.civil(utc) + (0,))
