"""Reads what is missing of an IEC 62056-21 meter's load profile, piece by piece, each kept when its check was right.

Rows go to what keeps profiles as they come, to be compressed while the line is busy; a piece takes about 15 s. What is missing
is what `gaps()` says of the last month: what the meter has not is asked for in two rounds, then no more. In RAM only while a
profile is read. `reader.meters.profiles()` is what keeps them (lib/store/profile.py), None where nothing does.
"""

import asyncio
from time import ticks_ms

from micropython import const

from firmware.meters import iec_profile_forms as forms
from firmware.meters.iec_profile_time import MeterTime
from lib.iec62056.dialogue import AGAIN
from lib.iec62056.errors import FormatError, FrameError, PeerError
from lib.iec62056.load_profile import LoadProfile
from lib.iec62056.message_reader import PART
from lib.iec62056.sign_on import PROGRAMMING
from lib.iec62056.times import written

_FIRST_S = const(30 * 86400)  # how far back a profile begins
_BAUD_A_ROW = const(50)  # of 75 characters: a piece takes 15 s
_FEWEST, _MOST = const(4), const(192)  # rows of a piece
_MOST_SMALLER = const(5)  # steps down in size on a bad line
_MOST_HELD = const(5000)  # bytes of rows that wait for the check
_NEAR = const(6)  # periods between holes that are asked for at once
_MOST_HOLES = const(16)  # then others' turns come
_FIRST_MS = const(15000)  # to the first row
_LOOK_BACK_S = const(5 * 3600)  # to see of which period rows are
_MOST_SCOUTED = const(24)
_MOST_REFUSALS = const(3)
_HOUR_S = const(3600)
_DAY_S = const(86400)
_QUARTER = const(15)
_REACTIVE = const(12)  # the counter 5.8.0


class _Round:
    """What is asked for of one meter: kept in `meters.rounds`."""

    def __init__(self):
        self.period = 0  # minutes, as seen since the start; 0: not yet
        self.count = 0  # of columns where no header tells
        self.since = 0  # what is missing before has been asked for twice
        self.asked = 0  # ... or once
        self.done = 0  # where the round goes on
        self.has_kept = False  # rows since the start
        self.smaller = 0  # pieces, for some came damaged: steps


class _Answer:
    """Hands on the rows of an answer as they come. `newest`: UTC of the last one that was taken, 0 without one."""

    def __init__(self, meters, index, profiles, state, time):
        self._device = meters.devices[index]
        self.key = self._device.serial
        self._profiles = profiles
        self._state = state
        self._time = time
        self._shift_s = 60 if forms.is_at_begin(self._device.model) else 0
        self.rows = LoadProfile()
        self.faults = self.kept = 0  # rows
        self.is_stuck = False  # the flash does not take what comes
        self.refusals = 0  # NAK in a row
        self.scouted = None  # times, while the period is looked for

    def begin(self, code, first, last):
        """Another answer follows: rows from UTC first to last are wanted."""
        self.rows.restart(code)
        self._first, self._until = first, last
        self.newest = self._last = self._base = 0
        self._head = None  # time of the header
        self._names = None  # of the columns of this piece
        self.is_full = False
        self._held_at = self._counted = 0

    def take(self, event, reader):
        """As drive() of firmware/bus/iec_reader.py calls it."""
        if event == AGAIN:
            self._profiles.give_up(self.key)
            self.rows.again()
            self._names = None
            self.is_full = False
            self.newest = self._last = self._held_at
            return None
        try:
            if self.rows.take(event, reader):
                self._row()
        except FormatError:
            self.faults += 1
        except OSError:
            self.is_stuck = self.is_full = True  # firmware/state/profiles.py tells it
        if event == PART:
            self.rows.mark()
            return self.commit()
        return None

    def _row(self):
        rows = self.rows
        period = rows.period
        if rows.head is None or rows.head is not self._head:
            self._head = rows.head
            utc = self._time.utc_of(rows.head or rows.time, self._last) + self._shift_s * (period or self._state.period)
            self._base = utc
        utc = self._base + 60 * period * rows.row if period else self._base
        self._last = utc
        if self.scouted is not None:
            if period:
                self._state.period = period
            elif self._counted != rows.count:
                self._counted = rows.count
            elif len(self.scouted) < _MOST_SCOUTED:
                self.scouted.append(utc)
                self._state.count = rows.count
        elif self._first <= utc <= self._until and not self.is_full and self._is_ready(rows, period):
            self._profiles.append(self.key, utc, rows.status, rows.values[: rows.count])
            self.newest = max(self.newest, utc)
            self.kept += 1

    def _is_ready(self, rows, period):
        """Describe the columns with the first row of a piece; what has others, or is too much, is left to the next piece."""
        key = self.key
        if rows.row and self._names:
            if rows.row & 15 == 0 and self._profiles.held(key) > _MOST_HELD:
                self.is_full = True
            return not self.is_full
        names = self._columns(rows)
        if self._names is None:
            try:
                self._profiles.describe(key, period or self._state.period, *names)
            except ValueError:
                raise FormatError("header")
            self._state.period = period or self._state.period
            self._profiles.hold(key)
            self._names = names
        elif names != self._names or self._profiles.held(key) > _MOST_HELD:
            self.is_full = True
        return not self.is_full

    def _columns(self, rows):
        """Return (codes, units) of the columns, texts."""
        count = rows.count
        if not rows.codes[0] and not rows.period:
            groups = self._device.groups
            has_reactive = "counters" in groups and groups["counters"].exponent[_REACTIVE] != -128
            columns = forms.columns_of(self._device.model, count, has_reactive)
            if columns:
                rows.name_columns(columns)
        if not rows.period and self._state.count not in (0, count):
            raise FormatError("row")
        if self._names and not rows.period:
            return self._names
        return [_text(rows.codes[at]) or str(at + 1) for at in range(count)], [_text(unit) for unit in rows.units[:count]]

    def commit(self):
        """What came is good. Yields while it is written."""
        self._names = None
        self._held_at = self.newest
        try:
            yield from self._profiles.commit(self.key)
        except OSError:
            self.is_stuck = True

    def margin_s(self):
        """Return by how much more is asked for: what a meter's clock is called may be an hour off, or rows begin there."""
        return _HOUR_S if self._shift_s or self._time.has_seasons else 0

    def period(self):
        """Return the minutes between the rows that were scouted, 0 if they do not tell."""
        times = self.scouted or []
        for at in range(2, len(times)):
            step = times[at] - times[at - 1]
            if 0 < step == times[at - 1] - times[at - 2] and step % 60 == 0 and times[at] % step % 900 == 0:
                return step // 60
        return 0


async def run(reader, index, plan):
    """Read what is missing, as long as nothing else waits for the wire; the rest stays a job of the reader."""
    meters = reader.meters
    profiles = meters.profiles()
    device = meters.devices[index]
    if profiles is None or not device.serial or not meters.is_clock_set():
        return
    state = meters.rounds.setdefault(index, _Round())
    time = MeterTime(meters.zone, meters.is_on_normal_time(index))
    answer = _Answer(meters, index, profiles, state, time)
    form = forms.form_of(plan.profile, device.model)
    began = ticks_ms()
    await reader.sign_on(plan, PROGRAMMING, plan.fastest)
    if plan.password:
        await reader.command(plan, None)
    try:
        if not state.period:
            await _scout(reader, plan, meters, answer, state, form)
        is_done = await _fill(reader, index, plan, answer, state, form, began)
    except FrameError:
        state.smaller = min(state.smaller + 1, _MOST_SMALLER)
        raise
    finally:
        profiles.give_up(device.serial)
        if answer.faults:
            meters.event(index, f"profile: {answer.faults} rows were no records")
    if not is_done:
        meters.more(reader, index)
    await reader.break_off()


async def _scout(reader, plan, meters, answer, state, form):
    """Find out the minutes between rows: from the header, or from times."""
    now = meters.utc()
    answer.scouted = []
    for back_s in (_LOOK_BACK_S, _DAY_S):
        answer.scouted.clear()
        await _ask(reader, plan, meters, answer, form, now - back_s, now)
        state.period = state.period or answer.period()
        if state.period:
            break
    kept = meters.profiles().meter(answer.key)
    state.period = state.period or (kept.period if kept else _QUARTER)
    answer.scouted = None


async def _fill(reader, index, plan, answer, state, form, began):
    """Ask for all that is missing. Return False if something else waits, or the flash takes nothing."""
    meters = reader.meters
    now = meters.utc()
    profiles, key = meters.profiles(), answer.key
    if state.since > now or state.asked > now or (state.has_kept and profiles.last(key) is None):
        state.since = state.asked = state.done = 0  # the clock was set back, or the profile removed
        state.has_kept = False
    first = max(state.since, state.done, now - _FIRST_S)
    rows = min(max(reader.baud // _BAUD_A_ROW >> state.smaller, _FEWEST), _MOST)
    holes = await _holes(profiles, key, first, now, state.period)
    for begin, last in holes:
        while begin <= last:
            span_s = 48 * 60 * state.period
            end = begin + rows * 60 * state.period
            if end > span_s + begin:
                end = end // span_s * span_s  # parts that are stored begin there
            end = min(end - 60, last) if form[2][0] != ";" else last
            await _ask(reader, plan, meters, answer, form, begin, end)
            begin = answer.newest + 60 if answer.is_full and answer.newest else end + 60
            state.done = begin
            state.has_kept = state.has_kept or answer.kept > 0
            if answer.is_stuck:
                return True
            if begin < now and reader.is_awaited(index, began):
                return False
    if len(holes) == _MOST_HOLES:
        return False
    state.since, state.asked, state.done, state.smaller = state.asked, now, 0, 0
    if answer.faults and not answer.kept:
        state.period = 0  # it may have other columns now
    return True


async def _holes(profiles, key, first, now, period):
    """Return [first, last] of what is missing, UTC; what is near together as one."""
    if profiles.last(key) is None or profiles.meter(key).period != period:
        return [[first, now]]
    holes = []
    for gap in profiles.gaps(key, first, now):
        if gap is None:
            await asyncio.sleep_ms(0)
        elif holes and gap[0] - holes[-1][1] <= _NEAR * 60 * period:
            holes[-1][1] = gap[1]
        elif len(holes) == _MOST_HOLES:
            return holes
        else:
            holes.append([gap[0] - 60 * period + 60, gap[1]])
    if holes and now - holes[-1][1] < 60 * period:
        holes[-1][1] = now
    return holes


async def _ask(reader, plan, meters, answer, form, first, last):
    """Ask for the rows of a time, from UTC first to last, and keep them."""
    command, code, form = form
    begin, end = first - answer.margin_s(), last
    if "h" not in form:
        end += _DAY_S
    text, tail = form, b")"
    if form.endswith("()"):
        text, tail = form[:-2], b")()"
    zone = meters.zone
    if zone.offset_s(end + _HOUR_S) != zone.offset_s(end - _HOUR_S):
        end += _HOUR_S  # what it is called comes twice
    operand = code.encode() + b"("
    if text == ";":
        operand += b";"
    else:
        operand += b";".join([written(text.encode(), meters.civil(utc) + (0,)) for utc in (begin, end)])
    answer.begin(code.encode(), first, last)
    reader.tells_rows(True)
    try:
        await reader.command(plan, command.encode(), operand + tail, answer.take, _FIRST_MS)
        for _ in answer.commit():
            await asyncio.sleep_ms(0)
        answer.refusals = 0
    except PeerError as error:
        answer.refusals += error.text == "nak"
        if answer.refusals == _MOST_REFUSALS or not (error.text == "nak" or error.text.startswith("ER")):
            raise  # else there is nothing in this range
    finally:
        reader.tells_rows(False)


def _text(name):
    return "".join([chr(byte) for byte in name])
