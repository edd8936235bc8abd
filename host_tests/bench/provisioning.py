"""Provisioning over Bluetooth: heap in use and how long the loop is held, with both securities, beside the default field."""

import threading
import time

from host_tests.bench.gauge import Gauge
from host_tests.bench.polling import until
from host_tests.bench.table import Table, kilobytes
from host_tests.ble_channel import Phone
from host_tests.provisioning_client import Client
from host_tests.rig import Rig

_HEAP = "112k"
_APS = [{"ssid": f"Network {each}", "psk": "correct horse", "rssi": -40 - each, "channel": 1 + each} for each in range(9)]
_SAMPLE_S = 0.1
_SECURITIES = {1: "security 1 (X25519, AES-CTR)", 2: "security 2 (SRP-6a, AES-GCM)"}


def tables():
    title = f"Provisioning, 32 bit, {_HEAP} of heap, default field of four devices"
    table = Table(title, "heap: advertising", "most in use", "loop held", "of budget", "the bench's own lag", "handshake")
    for security, label in _SECURITIES.items():
        advertising, most = _heap(security)
        lag_us, own_ms, handshake_s = _lag(security)
        table.add(
            label,
            kilobytes(advertising),
            kilobytes(most),
            f"{lag_us / 1000:.1f} ms",
            f"{lag_us / 500:.0f} %",
            f"{own_ms:.1f} ms",
            f"{handshake_s:.1f} s",
        )
    table.note(
        "loop held: the longest since the start, with everything else that the gateway did; budget 50 ms, a crypto slice"
    )
    table.note("most in use: after a collection, looked at ten times a second until the phone knows that it worked")
    yield table


def _rig(security):
    rig = Rig(bits=32, heap=_HEAP, settings={"wifi_ssid": "", "prov_security": security})
    return rig


def _heap(security):
    """(bytes in use while it waits for a phone, most of them until the phone is done), each after a collection."""
    with _rig(security) as rig, Phone(rig.ready["ble"]) as phone:
        rig.control("wifi", aps=_APS)
        until(rig, lambda: rig.get_json("/get_command?command=get_status")["measurement_device_count"] == 3)
        phone.find()
        seen = []
        advertising = rig.control("heap")["used"]
        over = threading.Event()

        def look():
            while not over.wait(_SAMPLE_S):
                seen.append(rig.control("heap")["used"])

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            _provision(rig, phone)
        finally:
            over.set()
            watcher.join()
    return advertising, max(seen)


def _lag(security):
    """(longest hold of the loop in us, the bench's own lag in ms, seconds of the handshake)."""
    with _rig(security) as rig, Phone(rig.ready["ble"]) as phone:
        rig.control("wifi", aps=_APS)
        until(rig, lambda: rig.get_json("/get_command?command=get_status")["measurement_device_count"] == 3)
        phone.find()
        with Gauge() as gauge:
            handshake_s = _provision(rig, phone)
        return rig.get_json("/get_command?command=get_status")["loop_lag_us"], gauge.worst_ms, handshake_s


def _provision(rig, phone):
    """All that a phone does; return how long the handshake took."""
    phone.connect()
    client = Client(phone, pop=rig.ready["pop"])
    began = time.monotonic()
    client.connect()
    handshake_s = time.monotonic() - began
    if len(client.scan()) != len(_APS) or client.join("Network 3", "correct horse", 0.3)["state"] != "Connected":
        raise RuntimeError("provisioning failed")
    return handshake_s
