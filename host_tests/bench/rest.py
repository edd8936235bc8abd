"""REST: answers to /get_command?command=get_measurements1, 32 bit, asked one after the other."""

import http.client
import json
import socket
import time

from host_tests.bench.gauge import Gauge
from host_tests.bench.interpreter import MICRODOT, NotMeasured, Server
from host_tests.bench.polling import until
from host_tests.bench.table import Table, times
from host_tests.bench.timing import median
from host_tests.rig import Rig
from tools.rig.field import build_meter
from tools.rig.registers import INPUT
from tools.rig.world import World

PATH = "/get_command?command=get_measurements1"
_ROUNDS = 7
_ROUND = 150  # answers
_ALLOCATION_ROUND = 20


class Asker:
    """Asks one server over a connection that it keeps as long as the server does; a new one each time if `closes`."""

    def __init__(self, port, path, closes=False):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.path = path
        self._headers = {"Connection": "close"} if closes else {}
        self.rates = []
        self.latencies_ms = []

    def get(self, path=None):
        self._connection.request("GET", path or self.path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise NotMeasured(f"{path or self.path} answered {answer.status}: {body!r}")
        return body

    def round(self):
        """Ask _ROUND times; note the rate and every latency."""
        began = before = time.perf_counter()
        for _ in range(_ROUND):
            self.get()
            now = time.perf_counter()
            self.latencies_ms.append((now - before) * 1000)
            before = now
        self.rates.append(_ROUND / (before - began))

    def bytes_per_answer(self):
        """Heap that one answer takes and leaves to the collector, without what the measuring itself takes."""

        def passed(count):
            before = int(self.get("/mark"))
            for _ in range(count):
                self.get()
            return int(self.get("/now")) - before

        self.get()
        return (passed(2 * _ALLOCATION_ROUND) - passed(_ALLOCATION_ROUND)) / _ALLOCATION_ROUND


def tables():
    with Rig(bits=32, meters=_METERS, settings=_SETTINGS) as rig:
        until(rig, lambda: "U1" in json.loads(rig.get(PATH)[2]).get("measurements", {}))
        body = rig.get(PATH)[2].decode()
        port = int(rig.ready["http"].rsplit(":", 1)[1])
        with _bare("rest_ours.py", body, _registers()) as ours, _bare("rest_microdot.py", body, _free_port()) as microdot:
            rows = (
                ("the gateway, polling, connection kept", Asker(port, PATH)),
                ("our server and service alone, connection kept", Asker(ours.port, PATH)),
                ("our server and service alone, one connection each", Asker(ours.port, PATH, closes=True)),
                ("our server, body ready-made, connection kept", Asker(ours.port, "/made")),
                ("our server, body ready-made, one connection each", Asker(ours.port, "/made", closes=True)),
                ("microdot 2.7.0, body ready-made (it always closes)", Asker(microdot.port, "/made")),
                ("microdot 2.7.0, body built from a dict", Asker(microdot.port, "/built")),
            )
            sizes = [len(asker.get()) for _, asker in rows]
            with Gauge() as gauge:
                for _ in range(_ROUNDS):  # in turns: what else the machine does then meets all of them
                    for _, asker in rows:
                        asker.round()
            takes = [None] + [asker.bytes_per_answer() for _, asker in rows[1:]]
    peer = median(rows[-2][1].rates)
    table = Table(__doc__.strip(), "answers a second", "of microdot, ready-made", "body", "heap per answer")
    for (label, asker), size, take in zip(rows, sizes, takes):
        rate = median(asker.rates)
        table.add(label, f"{rate:.0f}", times(rate / peer), f"{size} B", "" if take is None else f"{take:.0f} B")
    yield table
    yield _latency(rows[0][1].latencies_ms, gauge.worst_ms)


def _registers():
    """Identity and measurements of such a meter as the rig simulates, for the service alone: the same values to render."""
    meter = build_meter(_METERS[0], World())
    return [(first, meter.read(INPUT, first, count)) for first, count in ((1, 14), (101, 91))]


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _bare(script, *arguments):
    return Server(32, script, *arguments, peers=MICRODOT, heap="1m")


def _latency(latencies_ms, machine_ms):
    columns = ("median", "99 of 100", "longest", "budget", "the bench's own lag")
    table = Table("Latency of that answer from the polling gateway, the client's own time included", *columns)
    ordered = sorted(latencies_ms)
    shown = (median(ordered), ordered[len(ordered) * 99 // 100], ordered[-1])
    table.add(f"{len(ordered)} answers", *[f"{value:.2f} ms" for value in shown], "20 ms", f"{machine_ms:.1f} ms")
    return table


_METERS = [{"port": "rs485", "model": "IE38MD", "serial": "X0000124", "address": 33}]
_SETTINGS = {"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_type_1": 2, "rs485_addr_1": 33, "rs485_type_2": 0}
