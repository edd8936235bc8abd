"""Reads the load profile of an IEC 62056-21 meter from the last record that is kept: piece by piece, each checked first.

A piece is half a day of 15 minutes: of its rows no value is kept in the profile before the block's check was right. In RAM
only while a profile is read.
`reader.meters.profiles()` is what keeps them, None where nothing does: last(key) -> UTC of the newest record or None,
describe(key, period_minutes, codes, units), append(key, time_utc, status, values).
"""

from array import array
from time import ticks_diff, ticks_ms

from micropython import const

from lib.iec62056.dialogue import AGAIN
from lib.iec62056.errors import FormatError, PeerError
from lib.iec62056.load_profile import LoadProfile
from lib.iec62056.sign_on import PROGRAMMING
from lib.iec62056.times import written

_ROWS = const(52)  # of a piece: half a day, and what a meter adds when its power fails
_PIECE_S = const(43200)
_FIRST_S = const(30 * 86400)  # how far back a profile begins
_TURN_MS = const(60000)  # then others' turns come, and it goes on later
_FIRST_MS = const(15000)  # to the first row
# Maker, as its identification begins: command, code, form of time
_FORMS = const(
    (
        ("MSY", "R2", "P.01", "YY-MM-DD,hh:mm"),
        ("AEL", "R2", "P.01", "YY-MM-DD,hh:mm"),
        ("LUN", "R2", "P.01", "YY-MM-DD,hh:mm"),
        ("BYL", "R2", "P.01", "YY-MM-DD,hh:mm"),
        ("ALP", "R2", "P.01", "YY-MM-DD,hh:mm"),
        ("MAS", "R2", "P.01", "YY-MM-DD,hh:mm"),
        ("VIK", "R2", "P.01", "YY-MM-DD,hh:mm"),
    )
)
_VDEW = const(("", "R5", "P.01", "zYYMMDDhhmm"))


def form_of(plan, model):
    """Return (command, code, form of time) for a meter: as its line says, or by its maker."""
    if plan.profile != "auto":
        return plan.profile.split(" ")
    for form in _FORMS:
        if model.startswith(form[0]):
            return form[1:]
    return _VDEW[1:]


class _Piece:
    """The rows of a piece, as they were read last."""

    def __init__(self, profile, utc_of):
        self._profile = profile
        self._utc_of = utc_of
        self.faults = 0
        self.clear()

    def clear(self):
        self.times = []  # seconds since the first row
        self.first = None
        self.statuses = []
        self.values = array("q")
        self.exponents = array("b")
        self.count = 0  # of channels
        self.is_full = False

    def take(self, event, reader):
        if event == AGAIN:
            self.clear()
            return
        try:
            is_record = self._profile.take(event, reader)
        except FormatError:
            self.faults += 1
            return
        if is_record:
            self._add(self._profile)

    def _add(self, profile):
        utc = self._utc_of(profile.time)
        if self.first is None:
            self.first, self.count = utc, profile.count
        if len(self.times) == _ROWS or profile.count != self.count:
            self.is_full = True
            return
        self.times.append(utc - self.first)
        self.statuses.append(profile.status)
        for at in range(self.count):
            mantissa, exponent = profile.values[at] or (0, -128)
            self.values.append(mantissa)
            self.exponents.append(exponent)

    def keep(self, profiles, key, after):
        """Hand the rows over that are later than `after`; return the time of the newest, None without one."""
        newest = None
        for row in range(len(self.times)):
            utc = self.first + self.times[row]
            if after is not None and utc <= after or newest is not None and utc <= newest:
                continue  # it is there already, or comes twice
            first = row * self.count
            values = [
                (self.values[at], self.exponents[at]) if self.exponents[at] != -128 else None
                for at in range(first, first + self.count)
            ]
            profiles.append(key, utc, self.statuses[row], values)
            newest = utc
        return newest


async def run(reader, index, plan):
    """Read what is missing, for a minute; the rest stays a job of the reader."""
    meters = reader.meters
    profiles = meters.profiles()
    device = meters.devices[index]
    if profiles is None or not device.serial or not meters.is_clock_set():
        return
    command, code, form = form_of(plan, device.model)
    key = device.serial
    last = profiles.last(key)
    now = meters.utc()
    begin = now - _FIRST_S if last is None else last + 60
    profile = LoadProfile()
    piece = _Piece(profile, meters.utc_of)
    began = ticks_ms()
    await reader.sign_on(plan, PROGRAMMING, plan.fastest)
    if plan.password:
        await reader.command(plan, None)
    is_described = False
    while begin < now:
        if ticks_diff(ticks_ms(), began) > _TURN_MS:
            meters.more(reader, index)
            break
        end = min(begin + _PIECE_S - 60, now)
        operand = code.encode() + b"(" + _text(meters, form, begin) + b";" + _text(meters, form, end) + b")"
        piece.clear()
        profile.restart(code.encode())
        reader.tells_rows(True)
        try:
            await reader.command(plan, command.encode(), operand, piece.take, _FIRST_MS)
        except PeerError as error:
            if error.text == "signed off" or not error.text.startswith("ER"):
                raise  # else there is nothing in this range
            piece.clear()
        finally:
            reader.tells_rows(False)
        if piece.times and not is_described:
            is_described = True
            count = piece.count
            period = profile.period or (piece.times[1] // 60 if len(piece.times) > 1 else 15)
            profiles.describe(
                key, period, [bytes(one) for one in profile.codes[:count]], [bytes(one) for one in profile.units[:count]]
            )
        newest = piece.keep(profiles, key, last)
        last = newest or last
        begin = newest + 60 if piece.is_full and newest else end + 60
        if piece.faults:
            meters.event(index, f"profile: {piece.faults} rows were no records")
            piece.faults = 0
    await reader.break_off()


def _text(meters, form, utc):
    return written(form.encode(), meters.civil(utc) + (0,))
