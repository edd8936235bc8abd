"""Links: messages a second, heap, and for how long a broker in trouble keeps a bus waiting; beside umqtt.

Runs alone, too: `python -m host_tests.bench.push`.
"""

import contextlib
import shutil
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

from host_tests.authority import Authority
from host_tests.bench.gauge import Gauge
from host_tests.bench.interpreter import PEERS, TOP, NotMeasured, figures
from host_tests.bench.polling import at_frame, polled, until
from host_tests.bench.table import Table, kilobytes, percent
from host_tests.bench.timing import median
from host_tests.gateway import api, change
from host_tests.mosquitto import Mosquitto
from host_tests.mqtt_process import FakeBroker
from host_tests.rig import Rig, RigFailed

_BITS = 32
_ROUNDS = 3
_COUNTS = (1000, 100)  # messages of a round, by QoS
_OUTAGE_S = 5
_AFTER_S = 2
_UNIT = 33
_BAUD = 19200
_WINDOW_S = 10
_IDLE_S = 14  # what was loaded for a message is dropped after ten
_UMQTT = (TOP / ".tools/device/umqtt/simple.py", PEERS / "micropython-umqtt.robust-1.0/umqtt/robust.py")
_KINDS = ("lib/mqtt", "umqtt.simple", "umqtt.robust")
_PUSHED = ("leftir_pushlink", "rightir_pushlink", "rs485_pushlnk1", "rs485_pushlnk2")


def tables():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        authority = Authority("Bench CA")
        umqtt = folder / "umqtt"
        umqtt.mkdir()
        for file in _UMQTT:
            if not file.exists():
                raise NotMeasured(f"there is no {file}; run tools/setup peers")
            shutil.copy(file, umqtt)
        with Mosquitto(folder, server=authority.issue("broker", ["127.0.0.1"])) as broker:
            bench = Bench(folder, broker, authority)
            yield bench.rates()
            yield bench.gaps()
            yield bench.bus()
            yield bench.heap()


class Bench:
    def __init__(self, folder, broker, authority):
        self._folder = folder
        self._broker = broker
        self._authority = authority

    def _run(self, kind, port, qos, count, is_secure=False, seconds=0):
        der = self._authority.identity.der.hex() if is_secure else ""
        if kind == "lib/mqtt":
            return figures(_BITS, "push_ours.py", port, der, qos, count, seconds, peers=(self._folder,))
        return figures(_BITS, "push_umqtt.py", kind.split(".")[1], port, der, qos, count, seconds, peers=(self._folder,))

    def rates(self):
        table = Table(
            "Links: messages of 500 bytes to mosquitto, in the interpreter, 32 bit",
            *("QoS 0 a second", "QoS 1 a second", "heap", "connecting holds the loop"),
        )
        with Gauge() as gauge:
            for is_secure in (False, True):
                told = {kind: [] for kind in _KINDS[:2]}
                for _ in range(_ROUNDS):
                    for kind, found in told.items():
                        port = self._broker.port if is_secure else self._broker.plain_port
                        found.append([self._run(kind, port, qos, _COUNTS[qos], is_secure) for qos in (0, 1)])
                for kind, found in told.items():
                    table.add(
                        kind + (", TLS" if is_secure else ""),
                        *(f"{median([rounds[qos]['rate'] for rounds in found]):.0f}" for qos in (0, 1)),
                        f"{found[0][0]['heap']} B",
                        f"{median([one['connect_ms'] for rounds in found for one in rounds]):.1f} ms",
                    )
        table.note(
            f"held: the longest gap of a 10 ms ticker, 10 ms of it are its own; the bench's own lag {gauge.worst_ms:.1f} ms"
        )
        table.note("heap without that of mbedTLS, which here and on the device is not in MicroPython's; without modules")
        return table

    def gaps(self):
        """For how long does nobody ask the bus?"""
        table = Table(
            f"Links: the longest time that a 10 ms ticker stood still, while a broker is in trouble for {_OUTAGE_S} s", *_KINDS
        )
        for what, trouble in (
            ("none, a message each second", self._no_trouble),
            ("takes no connection", _deaf),
            ("takes connections, says nothing", lambda: _faulty(False)),
            ("never acknowledges QoS 1", lambda: _faulty(True)),
            ("is killed, refuses", self._killed),
        ):
            gaps = {}
            with trouble() as port, Gauge() as gauge:
                # At the same time: what blocks only waits.
                threads = [threading.Thread(target=self._gap, args=(gaps, kind, port)) for kind in _KINDS]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            table.add(what, *(gaps.get(kind, "not measured") for kind in _KINDS), f"own lag {gauge.worst_ms:.0f} ms")
        table.note("what blocks does so for as long as the trouble lasts: it was ended after that time")
        return table

    def _gap(self, gaps, kind, port):
        with contextlib.suppress(NotMeasured):
            gaps[kind] = f"{self._run(kind, port, 1, 0, seconds=_OUTAGE_S + 2 * _AFTER_S)['gap_ms']:.0f} ms"

    @contextlib.contextmanager
    def _no_trouble(self):
        yield self._broker.plain_port

    def _killed(self):
        folder = self._folder / "killed"
        folder.mkdir()
        return _refusing(folder)

    def bus(self):
        table = Table(
            f"Links: an IE38MD at {_BAUD} baud, read without a pause while its values are pushed each second, {_BITS} bit",
            *("transactions a second", "of those alone", "loop lag, the highest so far", "the bench's own lag"),
        )
        alone = None
        with polled(_BAUD, [_UNIT]) as rig:
            self._certify(rig)
            for what, prepare in (
                ("no link", lambda: None),
                ("plain", lambda: self._link(rig, 1)),
                ("plain, and TLS", lambda: self._link(rig, 2, True)),
                ("both brokers hang", self._broker.freeze),
                ("both refuse", self._broker.kill),
            ):
                prepare()
                time.sleep(2)
                with Gauge() as gauge:
                    before = at_frame(rig)
                    time.sleep(_WINDOW_S)
                    after = at_frame(rig)
                    lag_us = rig.get_json("/get_command?command=get_status")["loop_lag_us"]
                rate = (after["frames"] - before["frames"]) * 1000 / (after["elapsed_ms"] - before["elapsed_ms"])
                alone = alone or rate
                table.add(what, f"{rate:.2f}", percent(rate / alone), f"{lag_us / 1000:.1f} ms", f"{gauge.worst_ms:.1f} ms")
                if "Memory" in rig.log():
                    raise RigFailed(rig.log()[-500:])
        self._broker.start()
        return table

    def heap(self):
        table = Table(
            "Links: heap of the gateway, default field of four devices, idle after a collection, 32 bit", "used", "more"
        )
        used = [self._heap(*links) for links in ((), (False,), (False, False), (True, False))]
        for what, bytes_ in zip(("no link", "one, plain", "both, plain", "both, one with TLS"), used):
            table.add(what, kilobytes(bytes_), kilobytes(bytes_ - used[0]) if bytes_ != used[0] else "")
        return table

    def _heap(self, *links):
        with Rig(bits=_BITS) as rig:
            until(rig, lambda: rig.get_json("/get_command?command=get_status")["measurement_device_count"] == 3)
            self._certify(rig)
            for number, is_secure in enumerate(links, 1):
                self._link(rig, number, is_secure, 900)
            time.sleep(_IDLE_S)
            return min(rig.control("heap")["used"] for _ in range(9))

    def _certify(self, rig):
        status, answer = api(rig, "/api/certificates", {"name": "ca", "pem": self._authority.identity.pem.decode()})
        if status != 201:
            raise RigFailed(f"/api/certificates answered {status}: {answer}")

    def _link(self, rig, number, is_secure=False, interval_s=1):
        given = {"server": "127.0.0.1", "port": self._broker.port if is_secure else self._broker.plain_port}
        given.update(tls=int(is_secure), cert_file="ca", roottopic=f"bench{number}")
        settings = {f"mqtt{number}_{name}": value for name, value in given.items()}
        for name in _PUSHED:
            settings[name] = 1 if number == 1 else 3
            settings[name.replace("lnk", "int").replace("link", "intv")] = interval_s
        change(rig, **settings, **{f"push{number}_protocol": 1})


@contextlib.contextmanager
def _deaf():
    """A port whose queue of connections is full: those who try wait."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        time.sleep(0.1)
        timer = threading.Timer(_OUTAGE_S, listener.close)
        timer.start()
        yield listener.getsockname()[1]
        timer.join()
        for filler in fillers:
            filler.close()


@contextlib.contextmanager
def _faulty(greets):
    """A broker that accepts nobody, or acknowledges nothing; after the outage it does."""
    end = time.monotonic() + _OUTAGE_S

    def serve(peer, _):
        if time.monotonic() > end:
            _serve(peer)
        if greets:
            peer.greet()
        time.sleep(max(0, end - time.monotonic()))
        peer.close()

    with FakeBroker(serve) as broker:
        yield broker.port


def _serve(peer):
    peer.greet()
    while True:
        first, body = peer.packet()
        if first & 0xF2 == 0x32:
            at = 2 + int.from_bytes(body[:2], "big")
            peer.send(b"\x40\x02" + body[at : at + 2])


@contextlib.contextmanager
def _refusing(folder):
    """A broker that is killed when everybody has connected, and comes back."""
    with Mosquitto(folder) as broker:

        def trouble():
            time.sleep(_AFTER_S)
            broker.kill()
            time.sleep(_OUTAGE_S)
            broker.start()

        thread = threading.Thread(target=trouble)
        thread.start()
        yield broker.plain_port
        thread.join()


if __name__ == "__main__":
    for each in tables():
        print(each.text(), flush=True)
    sys.exit(0)
