"""IE38, IE35 and IE14 meters, and Finder's 7M.24 and 7M.38 which are the same (sheet, 4.4)."""

from datetime import datetime

from tools.rig.families import floats, time_blocks
from tools.rig.meter import CAPACITIVE, EXPORT, IMPORT, INDUCTIVE, VAR_HOUR, WATT_HOUR, CounterPlace, Meter
from tools.rig.registers import ILLEGAL_VALUE, Refused
from tools.rig.words import from_bcd, t1, t2, t3, t16, t_float, t_time

_BOTH = (6, 16)
_ALL_FOUR = 0b1111
# Wh in, Wh out, varh inductive, varh capacitive: again and again, as the manual's sample of a factory-new IE38MD.
_PATTERN = ((WATT_HOUR, IMPORT), (WATT_HOUR, EXPORT), (VAR_HOUR, INDUCTIVE), (VAR_HOUR, CAPACITIVE))


def _places(resettable):
    for n in range(4):
        yield CounterPlace(f"counter{n + 1}nr", 40421 + 4 * n, *_PATTERN[n], 2, _ALL_FOUR)
    for n in range(resettable):
        parameter, quadrants = _PATTERN[n % 4] if n < 12 else (0, 0)
        exponent, tariffs = (2, _ALL_FOUR) if n < 8 else (1, 0)
        yield CounterPlace(f"counter{n + 1}", 40437 + 4 * n, parameter, quadrants, exponent, tariffs)


class Ie38(Meter):
    MODEL = "IE38MD"
    AREAS = (
        *Meter.AREAS,
        *Meter.AREAS_INTERVAL,
        *((30396, 30501), floats.AREA, (32750, 32845), (32985, 32997), *time_blocks.AREAS),
        *((40001, 40031), (40201, 40256), (40271, 40274), (40401, 40419), (40421, 40500), (40990, 40994)),
        *((41001, 41244), (41901, 41946)),
    )
    WRITABLE = (
        *Meter.WRITABLE,
        *Meter.WRITABLE_INTERVAL,
        *((40001, 40002, (16,)), (40011, 40014, (6,)), (40030, 40031, (6,)), (40161, 40164, (16,)), (40166, 40166, _BOTH)),
        *((40170, 40256, _BOTH), (40271, 40274, _BOTH), (40401, 40419, _BOTH), (40421, 40500, _BOTH)),
        *((40990, 40994, _BOTH), (41001, 41244, _BOTH)),
    )
    COUNTERS = tuple(_places(16))
    RESETTABLE = 16

    def prepare(self, entry):
        super().prepare(entry)
        put = self.registers.put
        put(30400, t1(0))  # all checksums right
        put(40166, t1(1))
        put(40401, t1(1))
        self.line_settings(40252 if self.port == "ir_left" else 40202)
        self._blocks = None
        if entry.get("time_blocks"):
            self._blocks = time_blocks.TimeBlocks(self.world.unix(), self.nominal_w())
            for n in range(5):
                put(40990 + n, t16(100.0))

    def calibration(self, value):
        return t16(value)

    def measurements(self):
        yield from super().measurements()
        yield from floats.float_words(self._values, self.world.elapsed())
        if self._blocks:
            yield from self._blocks.words()

    def refresh(self):
        super().refresh()
        self.registers.put(30044, t1(0 if self._clock_set else 16))
        now = self.clock() if self._clock_set else datetime(2000, 1, 1)
        self.registers.put(30396, t_time(now))

    def put_counters(self, put):
        put(32750, t_float(self.tariff))
        for n in range(4):
            self._put(put, self.counters[f"counter{n + 1}nr"], 30401 + n, 30406 + 2 * n, 30462 + 2 * n, 32752 + 2 * n)
        for n in range(self.RESETTABLE):
            self._put(put, self.counters[f"counter{n + 1}"], 30446 + n, 30414 + 2 * n, 30470 + 2 * n, 32760 + 2 * n)

    @staticmethod
    def _put(put, counter, exponent, mantissa, tenths, single):
        put(exponent, t2(counter.exponent))
        put(mantissa, t3(counter.mantissa()))
        put(tenths, t3(counter.tenths()))
        put(single, t_float(counter.units()))

    def write(self, function, address, words):
        first = 40000 + address
        if first == 40030 and not 1 <= words[0] <= 6:
            raise Refused(ILLEGAL_VALUE)
        super().write(function, address, words)
        if first <= 40164 and first + len(words) > 40161 and first >= 40161:
            self._write_clock(first, words)

    def _write_clock(self, first, words):
        """T9 in 40161, T10 in 40163; a part that was not written stays as the clock has it."""
        word = dict(enumerate(t_time(self.clock()), 40161))
        word.update(enumerate(words, first))
        try:
            moment = datetime(
                word[40164],
                from_bcd(word[40163] & 0xFF),
                from_bcd(word[40163] >> 8),
                from_bcd(word[40162] & 0xFF),
                from_bcd(word[40162] >> 8),
                from_bcd(word[40161] & 0xFF),
                from_bcd(word[40161] >> 8) * 10000,
            )
        except ValueError as error:
            raise Refused(ILLEGAL_VALUE) from error
        self.set_clock(moment)

    def stepped(self, seconds, unix):
        if self._blocks and not self.frozen:
            self._blocks.add(self._values["P0"], seconds, unix)


class Ie35(Ie38):
    MODEL = "IE35MD"


class Ie14(Ie38):
    MODEL = "IE14MD"
    PHASES = 1
    COUNTERS = tuple(_places(8))
    RESETTABLE = 8
