"""The time of the whole gateway: set by the board, by a time server, shown in a zone with summer time."""

import contextlib
import re
import socket
import struct
import threading
import time
from datetime import datetime, timedelta

import pytest

from host_tests.gateway import change, command, eventually, gateway, patch

NO_FIELD = {"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_type_1": 0, "rs485_type_2": 0}
QUIET = {**NO_FIELD, "ntp_server1": "", "ntp_server2": "", "ntp_server3": ""}
SLACK_S = 20  # later than asked, on a busy machine
SINCE_1900 = 2208988800
# zone, UTC, local time then
MOMENTS = (
    ("Europe/Ljubljana", 1774745999, "29.03.2026 01:59:59"),
    ("Europe/Ljubljana", 1774746000, "29.03.2026 03:00:00"),
    ("Europe/Ljubljana", 1792889999, "25.10.2026 02:59:59"),
    ("Europe/Ljubljana", 1792890000, "25.10.2026 02:00:00"),
    ("CET-1CEST,M3.5.0,M10.5.0/3", 1774746000, "29.03.2026 03:00:00"),
    ("60", 1792889999, "25.10.2026 01:59:59"),
    ("-210", 1582633122, "25.02.2020 08:48:42"),
    ("Europe/London", 1774745999, "29.03.2026 01:59:59"),
    ("UTC", 951782400, "29.02.2000 00:00:00"),
    ("UTC", 2147483648, "19.01.2038 03:14:08"),
    ("UTC", 4102444799, "31.12.2099 23:59:59"),
)


@pytest.fixture(scope="module", params=[64, 32])
def rig(request):
    with gateway(request.param, meters=[], settings=QUIET) as rig:
        yield rig


def local(rig):
    text = command(rig, "get_bicoms")["local_time"]
    assert re.fullmatch(r"\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d", text), text
    return datetime.strptime(text, "%d.%m.%Y %H:%M:%S")


def status(rig):
    return command(rig, "get_status")


@pytest.mark.parametrize(("zone", "unix", "expected"), MOMENTS)
def test_local_time(rig, zone, unix, expected):
    change(rig, timezone=zone)
    rig.control("clock", unix=unix - 10 * SLACK_S)  # so that what follows is a step
    eventually(lambda: 0 < unix - status(rig)["timestamp"] <= 10 * SLACK_S, lambda: status(rig))
    rig.control("clock", unix=unix)
    moment = datetime.strptime(expected, "%d.%m.%Y %H:%M:%S")
    # 1:59:59 is followed by 3:00:00: what was late is seen an hour later.
    late = [timedelta(hours=hours) for hours in (0, 1, -1)]
    eventually(lambda: 0 <= status(rig)["timestamp"] - unix < SLACK_S, lambda: status(rig))
    shown = local(rig)
    assert any(
        timedelta() <= shown - moment - shift < timedelta(seconds=SLACK_S) for shift in late[: 1 if moment.second == 0 else 3]
    )
    answer = status(rig)
    assert answer["time_set"] == 1 and 0 <= answer["timestamp"] - unix < SLACK_S


def test_it_goes_on_while_nothing_else_happens(rig):
    rig.control("clock", unix=1582633122)
    eventually(lambda: local(rig).year == 2020, lambda: status(rig))
    first = local(rig)
    eventually(lambda: local(rig) > first, "the time stands still")


def test_a_zone_that_is_none_is_refused(rig):
    change(rig, timezone="60")
    for zone in ("Europe/Nowhere", "CET-1CEST,M3.5", "x", "99999"):
        code, answer = patch(rig, {"timezone": zone})
        assert code == 422 and list(answer["errors"]) == ["timezone"], zone


def test_a_clock_that_nobody_set():
    with gateway(meters=[], settings=QUIET, clock="none") as rig:
        answer = status(rig)
        assert answer["time_set"] == 0
        assert answer["local_time"].startswith("01.01.2000 00:0")
        rig.control("clock", unix=1582633122)
        eventually(lambda: status(rig)["time_set"] == 1, lambda: status(rig))
        assert 0 <= status(rig)["timestamp"] - 1582633122 < SLACK_S
        rig.control("reset")  # the rig's clock goes on, as a counter with a battery would
        assert 0 <= status(rig)["timestamp"] - 1582633122 < SLACK_S


class TimeServer:
    """An SNTP server on loopback (RFC 4330) whose time is `ahead_s` from this machine's."""

    def __init__(self, ahead_s):
        self._ahead_s = ahead_s
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.name = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def now(self):
        return time.time() + self._ahead_s

    def _serve(self):
        while True:
            try:
                packet, address = self._socket.recvfrom(512)
            except OSError:
                return
            if not packet:
                return
            stamp = int((self.now() + SINCE_1900) * 2**32) & (2**64 - 1)
            # Leap 0, version as asked, mode 4 (server), stratum 2; reference, originate, receive, transmit.
            answer = struct.pack(">BBbbIII", packet[0] & 0x38 | 4, 2, 6, -20, 0, 0, 0x7F000001)
            answer += struct.pack(">Q", stamp) + packet[40:48] + struct.pack(">QQ", stamp, stamp)
            self._socket.sendto(answer, address)

    def close(self):
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as last:
            last.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()


def test_a_time_server_sets_the_clock():
    with contextlib.closing(TimeServer(ahead_s=86400 * 400)) as server:
        settings = {**NO_FIELD, "ntp_server1": server.name, "ntp_server2": ""}
        with gateway(32, meters=[], settings=settings, clock="none") as rig:
            eventually(lambda: status(rig)["time_set"] == 1, lambda: rig.log())
            assert abs(status(rig)["timestamp"] - server.now()) < SLACK_S
            assert f"time: set by {server.name}" in rig.log()


@pytest.mark.parametrize("rig", [64], indirect=True)
def test_a_server_that_is_set_later_is_asked_at_once(rig):
    with contextlib.closing(TimeServer(ahead_s=86400 * 900)) as server:
        change(rig, ntp_server1=server.name)
        eventually(lambda: abs(status(rig)["timestamp"] - server.now()) < SLACK_S, lambda: rig.log())
        change(rig, ntp_server1="")
