"""lib/clock/posix_tz against two others, on both widths: at every change of every year and at random instants.

CPython's zoneinfo is given the rule alone, in a TZif file made here (RFC 8536, 3: the string is its footer; the one
transition lies in 1969, before it no rule is asked), so that the machine's time zone database plays no part. The C library
gets the string as TZ. Only the names of lib/clock/zones.py are held against the database, where there is one.
"""

import io
import json
import random
import struct
import subprocess
import sys
import zoneinfo
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent.parent
FIRST, LAST = 0, 4291747199  # 1970 to 2105

RULES = (
    "CET-1CEST,M3.5.0,M10.5.0/3",
    "EET-2EEST,M3.5.0/3,M10.5.0/4",
    "GMT0BST,M3.5.0/1,M10.5.0",
    "<+03>-3",
    "UTC0",
    "IST-1GMT0,M10.5.0,M3.5.0/1",  # Dublin: winter time is the exception, and behind
    "EST5EDT,M3.2.0,M11.1.0",
    "NST3:30NDT,M3.2.0,M11.1.0",
    "AEST-10AEDT,M10.1.0,M4.1.0/3",
    "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",  # Lord Howe: half an hour
    "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45",
    "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
    "EET-2EEST,M4.5.5/0,M10.5.4/24",
    "IST-2IDT,M3.4.4/26,M10.5.0",
    "<-04>4<-03>,M9.1.6/24,M4.1.6/24",
    "EET-2EEST,M3.4.4/50,M10.4.4/50",
    "AAA-3BBB,J60/2:30:15,J300/-1",
    "AAA11BBB,59/0,300/24",
    "AAA-3:20:10BBB-5:00:01,J3/0,J363/0",
    "AAA4BBB,J59,J365/-99",
    "EST5EDT,0/0,J365/25",  # summer time all year
)

ASKED = """
import json, sys
from lib.clock import posix_tz
for line in sys.stdin:
    text, instants = json.loads(line)
    zone = posix_tz.parse(text)
    print(json.dumps([[zone.offset_s(t), zone.name(t)] for t in instants]))
"""

LIBC = """
import json, os, sys, time
for line in sys.stdin:
    os.environ["TZ"], instants = json.loads(line)
    time.tzset()
    print(json.dumps([[t.tm_gmtoff, t.tm_zone] for t in map(time.localtime, instants)]))
"""


def oracle(text):
    """Return CPython's idea of a POSIX TZ string."""

    def header(transitions, stamp):
        body = struct.pack(stamp, -864000) * transitions + b"\x00" * transitions  # the one type there is
        head = b"TZif2" + bytes(15) + struct.pack(">6I", 0, 0, 0, transitions, 1, 4)
        return head + body + struct.pack(">iBB", 0, 0, 0) + b"XXX\x00"

    return zoneinfo.ZoneInfo.from_file(io.BytesIO(header(0, ">i") + header(1, ">q") + b"\n" + text.encode() + b"\n"))


def instants(zone):
    """Return random instants, and each change of offset with the seconds around it."""
    chance = random.Random(5)
    found = [chance.randint(FIRST, LAST) for _ in range(500)]
    step = 10 * 86400
    for begin in range(FIRST, LAST - step, step):
        low, high = begin, begin + step
        if offset(zone, low) != offset(zone, high):
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(zone, middle) == offset(zone, low) else (low, middle)
            found += [low - 1, low, high, high + 1]
    return found


def offset(zone, unix_s):
    difference = local(zone, unix_s).utcoffset()
    assert difference is not None
    return difference // timedelta(seconds=1)


def local(zone, unix_s):
    return (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=unix_s)).astimezone(zone)


def ask(interpreter, code, lines):
    """Run code with JSON lines on its input, inside MicroPython for a width; return the JSON lines it printed."""
    command = [str(TOP / ".tools" / "bin" / f"micropython{interpreter}"), "-X", "heapsize=8m", "-c", code]
    done = subprocess.run(
        [sys.executable, "-c", code] if interpreter == "CPython" else command,
        input="".join(json.dumps(line) + "\n" for line in lines),
        cwd=TOP,
        env={"MICROPYPATH": f"{TOP}:.frozen"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def asked():
    lines = [[text, instants(oracle(text))] for text in RULES]
    # Two changes a year in most of the zones, or nothing was looked at.
    assert sum(len(times) - 500 for _, times in lines) > 4 * 2 * 130 * 15
    return lines


def differences(lines, right, ours):
    for (text, times), expected, got in zip(lines, right, ours, strict=True):
        wrong = [(t, e, g) for t, e, g in zip(times, expected, got, strict=True) if e != g]
        assert not wrong, (text, len(wrong), wrong[:3])


@pytest.mark.parametrize("width", [64, 32])
def test_rules_against_zoneinfo(asked, width):
    # CPython 3.11 takes the day n, counted from 0, as if from 1, and J59 for 29 February: days of the year are left to libc.
    lines = [[text, times] for text, times in asked if "," not in text or ",M" in text]
    zones = [(oracle(text), times) for text, times in lines]
    right = [[[offset(zone, t), local(zone, t).tzname()] for t in times] for zone, times in zones]
    differences(lines, right, ask(width, ASKED, lines))


@pytest.mark.parametrize("width", [64, 32])
def test_rules_against_the_c_library(asked, width):
    differences(asked, ask("CPython", LIBC, asked), ask(width, ASKED, asked))


@pytest.mark.skipif(not zoneinfo.available_timezones(), reason="no time zone database on this machine")
def test_listed_zones_are_what_the_database_says():
    code = "import json; from lib.clock import zones; print(json.dumps([[n, zones.find(n)] for n in zones.names()]))"
    (listed,) = ask(64, code, [])
    assert len(listed) > 20
    for name, text in listed:
        ours, theirs = oracle(text), zoneinfo.ZoneInfo(name)
        # From 2024 on: Istanbul and others changed their rules before.
        for unix_s in range(1704067200, LAST, 5 * 86400 + 7200):
            assert offset(ours, unix_s) == offset(theirs, unix_s), (name, unix_s)
