"""Fields of DLMS meters behind a gateway: loaded as one list, and what the archive must hold of them in the end.

What meters hold comes from tools/rig/families/dlms_values.py, what the archive holds from the flash file itself.
"""

import csv
import http.client
import io
import json
import os
import subprocess
import time

from host_tests.gateway import api, eventually, gateway, login
from tools.rig.families import dlms_values as values
from tools.rig.flash import Layout

TOP = values.__file__.rsplit("/tools/", 1)[0]
SETTINGS = {"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_type_1": 0, "rs485_type_2": 0}
PORTS = ("rs485", "ir_left", "network")
PROFILE, DAILY, MONTHLY = 0, 1, 2
LARGE = "ES_951"  # the board whose flash takes a thousand meters
HEAP = "112k"
NOW = 1773144420  # 2026-03-10 12:07 UTC, 15:07 where the meters are
QUARTER, DAY = 900, 86400
FIRST = 200  # address on each port; 126 and 127 are no meters' own
LOAD = ((0, 1), (0, 2), (0, 3), (0, 4))  # (tariff, kind) of the columns, as a simulated meter has them
DAYS = ((0, 1), (1, 1), (2, 1), (3, 1), (0, 2), (0, 5), (0, 8))
_LONG_S = 300


class Meters:
    """So many meters on each port: `entries` for the rig, `lines` for the list, `numbers` by serial."""

    def __init__(self, security=1, **counts):
        self.entries, self.lines, self.numbers = [], [], {}
        self._security = security
        for place, port in enumerate(PORTS):
            count = counts.get(port, 0)
            if count:
                self._add(place, port, count)

    def _add(self, place, port, count):
        first = 10000001 * (place + 1)
        how = {"security": self._security, "ciphering": int(self._security == 5)}
        common = {"family": "DLMS", "port": port, "serial": str(first), "address": FIRST, "count": count, "delay_ms": 2, **how}
        common |= {"most_info": 512, "most_pdu": 1024}
        self.entries.append(common)
        for step in range(count):
            self.numbers[str(first + step)] = first + step
            self.lines.append({"serial": str(first + step), "port": place, "physical": FIRST + step, "client": 1, **how})
            if port == "network":
                self.lines[-1] |= {"physical": 0, "logical": FIRST + step}
            if self._security == 5:
                self.lines[-1] |= {"key": "000102030405060708090A0B0C0D0E0F", "auth_key": "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"}
            else:
                self.lines[-1] |= {"password": "12345678"}

    def __len__(self):
        return len(self.lines)

    def settings(self):
        used = {line["port"] for line in self.lines}
        on = {"rs485_protocol": 5 * (0 in used), "ir_protocol": 2 * (1 in used), "dlms_network": int(2 in used)}
        return SETTINGS | on


def field(meters, settings=None, bits=32, heap=HEAP, clock=NOW, **options):
    """A gateway (a context manager) as small as a device, its meters not in its list yet."""
    settings = meters.settings() | (settings or {})
    return gateway(bits, meters=meters.entries, settings=settings, heap=heap, clock=clock, **options)


def load(rig, meters):
    """Give a gateway the list, as a server does: all lines in one request."""
    hosts = {}
    if any(line["port"] == 2 for line in meters.lines):
        first = next(line for line in meters.lines if line["port"] == 2)["serial"]
        hosts = {2: {"host": rig.control("meter", name=first)["values"]["host"]}}
    body = "".join(json.dumps(line | hosts.get(line["port"], {})) + "\n" for line in meters.lines)
    connection = http.client.HTTPConnection(rig.ready["http"].removeprefix("http://"), timeout=_LONG_S)
    try:
        connection.request("POST", "/api/dlms_batch", body.encode(), login(rig))
        answer = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    assert answer["added"] == len(meters) and not answer["refused"], answer


def listed(rig):
    """All meters of the list with their states. Who has no memory for that, from the start or amid it, is asked again."""

    def probe():
        try:
            status, answer = api(rig, "/api/dlms_meters")
        except http.client.IncompleteRead:
            return False
        assert status in (200, 503), answer
        return status == 200 and [answer["meters"]]

    return eventually(probe, "there is no memory for the list")[0]


def ids_of(rig):
    """{serial: id} of the list."""
    return {one["serial"]: one["id"] for one in listed(rig)}


def kept(flash, ids, board=None, kinds=(PROFILE, DAILY)):
    """What the archive on a flash file holds of these meters: as archived()."""
    return archived(flash, [(number, kind) for number in ids.values() for kind in kinds], board)


def all_read(rig, count, since, patience_s=_LONG_S):
    """Wait until all meters were read well at a time or later; return the list."""

    def probe():
        time.sleep(count / 100)  # a list of a thousand takes the gateway a second
        found = listed(rig)
        return len(found) == count and all((one["good_utc"] or 0) >= since for one in found) and found

    def what():
        late = [one for one in listed(rig) if (one["good_utc"] or 0) < since]
        return f"{len(late)} of {count} were not read, the first: {late[:1]}\n{rig.log()[-2000:]}"

    return eventually(probe, what, patience_s)


def archived(flash, wanted, board=None):
    """{(id, kind): (columns, rows)} of a flash file for all (id, kind) that are wanted: see fakes/archive_on_flash.py."""
    layout = Layout(board)
    numbers = [str(number) for number in (layout.size, *layout.places["vfs"])]
    command = [f"{TOP}/.tools/bin/micropython64", "-X", "heapsize=64m", f"{TOP}/host_tests/fakes/archive_on_flash.py"]
    environment = dict(os.environ, MICROPYPATH=f"{TOP}:{TOP}/.tools/device:.frozen")
    asked = "".join(json.dumps(one) + "\n" for one in wanted)
    done = subprocess.run(
        [*command, str(flash), *numbers], cwd=TOP, env=environment, input=asked, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr
    found = {}
    for line in done.stdout.splitlines():
        number, kind, columns, rows = json.loads(line)
        assert number, columns
        found[number, kind] = columns, rows
    return found


def ends(period_s, since, until):
    """UTC of the ends of the periods from one instant to another, by the meters' own day."""
    shift = values.OFFSET_S % period_s
    return range(-(-(since + shift) // period_s) * period_s - shift, until + 1, period_s)


def energies(number, kinds, utc):
    """What a meter's row of energies holds."""
    return [values.energy_wh(number, utc, tariff, kind) for tariff, kind in kinds]


def names(kinds):
    """Columns of energies as the archive has them: Wh, varh and VAh, whole."""
    units = {1: 30, 2: 30, 9: 31}
    return [[3, bytes((1, 0, kind, 8, tariff, 255)).hex(), 2, 0, 0, units.get(kind, 32)] for tariff, kind in kinds]


def compare(found, number, kinds, times):
    """Nothing may lack of a meter's rows, nothing be there twice, no value be another one. Status is not looked at."""
    columns, rows = found
    assert columns == names(kinds), (number, columns)
    assert [row[0] for row in rows] == list(times), (number, len(rows), rows[:1], rows[-1:])
    for utc, _, row in rows:
        assert row == energies(number, kinds, utc), (number, utc)


def compare_all(meters, ids, found, since=NOW - DAY, until=NOW, late_s=0):
    """Compare the load profiles from one instant to another, and the daily values, of all meters; `ids` by serial.

    Daily values begin seven days before NOW, when the meters were read first. So much later than the first of them the last
    one had its turn, whose profile begins and ends later then.
    """
    for serial, number in meters.numbers.items():
        compare(found[ids[serial], DAILY], number, DAYS, ends(DAY, NOW - 7 * DAY, until))
        times = ends(QUARTER, since, until)
        if late_s:
            rows = found[ids[serial], PROFILE][1]
            assert rows and rows[0][0] <= times[0] + QUARTER + late_s and rows[-1][0] >= times[-1], (number, len(rows))
            times = ends(QUARTER, rows[0][0], rows[-1][0])
        compare(found[ids[serial], PROFILE], number, LOAD, times)


def export(rig, kind, since, until):
    """(seconds, records) of the CSV of all meters: {id: [(UTC, values that are there)]}."""
    connection = http.client.HTTPConnection(rig.ready["http"].removeprefix("http://"), timeout=_LONG_S)
    told, began = {}, time.monotonic()
    try:
        connection.request("GET", f"/api/archive.csv?kind={kind}&from={since}&to={until}", headers=login(rig))
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        titles, *rows = csv.reader(io.TextIOWrapper(answer, "utf-8-sig"))
    except http.client.IncompleteRead as error:
        raise AssertionError(f"the export broke off: {rig.log()[-3000:]}") from error
    finally:
        connection.close()
    first = titles.index("status") + 1
    for row in rows:
        record = int(row[titles.index("utc")]), [int(value) for value in row[first:] if value]
        told.setdefault(int(row[titles.index("id")]), []).append(record)
    return time.monotonic() - began, told


def compare_export(told, ids, found, kind):
    """The export must be what the archive holds, of all meters."""
    assert sorted(told) == sorted(ids.values())
    for number in ids.values():
        assert told[number] == [(utc, values) for utc, _, values in found[number, kind][1]], number
