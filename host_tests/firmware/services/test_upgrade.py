"""Upgrades over a slot in memory and a server without sockets: flash and memory that fail at any place, answers that break.

On the whole gateway: host_tests/peers/test_gateway_upgrade.py.
"""

import asyncio
import os
import sys

from firmware.services import upgrade, upgrade_fetch
from firmware.version import VERSION
from host_tests.fakes import register_gateway
from host_tests.fakes.ram_flash import FOLDER
from host_tests.fakes.slots import Slots
from host_tests.lib.ota import ota_vectors
from lib.aio.connect import ConnectionFailed
from lib.http.errors import HttpError

ROW = ota_vectors.rows("")[0]
IMAGE = bytes(ota_vectors.image(ROW))
upgrade_fetch.Fetch.pause_s = 0


class Trial:
    """In the place of firmware/services/upgrade_trial.py."""

    def __init__(self):
        self.prepared = self.last = None

    def prepare(self, gateway, version):
        self.prepared = version

    def outcome(self, gateway):
        return self.last


class Front:
    def show(self, mode):
        self.mode = mode


class Gateway(register_gateway.Gateway):
    def __init__(self):
        super().__init__()
        self.platform.root = FOLDER
        self.platform.board = "SG_W1"
        self.platform.release_keys = ota_vectors.device().keys
        self.platform.slots = self.slots = Slots()
        self.front = Front()
        self.push = None
        self.trial_module = sys.modules["firmware.services.upgrade_trial"] = Trial()

    def document(self, path):
        return self.router.module("lib.store.document").Document(path)

    def crashed(self, name, error):
        raise error

    def texts(self):
        return [event[2] for event in self.events.recent()]


class Server:
    """Connections without sockets. `breaks`: after how many bytes each of the first ones ends; `asked`: where each began."""

    def __init__(self, content=IMAGE, breaks=(), ranges=True):
        self.content, self.breaks, self.ranges = content, list(breaks), ranges
        self.asked = []
        upgrade_fetch.connector = lambda gateway, certificate: self.connect

    async def connect(self, host, port, is_secure):
        return Connection(self)


class Connection:
    def __init__(self, server):
        self._server = server
        self.is_closed = False

    async def send(self, data):
        server, text = self._server, bytes(data).decode()
        start = int(text.partition("Range: bytes=")[2].partition("-")[0] or 0)
        server.asked.append(start)
        size = len(server.content)
        if start >= size:
            head = f"HTTP/1.1 416 R\r\nContent-Range: bytes */{size}\r\nContent-Length: 0\r\n\r\n"
        elif start and server.ranges:
            head = f"HTTP/1.1 206 P\r\nContent-Length: {size - start}\r\nContent-Range: bytes {start}-{size - 1}/{size}\r\n\r\n"
        else:
            start, head = 0, f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n"
        self._data = head.encode() + bytes(server.content[start:])
        if server.breaks:
            self._data = self._data[: server.breaks.pop(0)]

    def receive(self, view):
        if not self._data:
            raise ConnectionFailed("closed")
        count = min(len(view), len(self._data), 1000)
        view[:count] = self._data[:count]
        self._data = self._data[count:]
        return count

    def close(self):
        self.is_closed = True


class Answer:
    def put(self, data):
        pass


async def ended(gateway):
    """Wait until the upgrade has ended in some way."""
    while gateway.upgrade.task:
        await asyncio.sleep_ms(0)


async def upgraded(gateway, url="http://h/x"):
    upgrade.start(gateway, url)
    await ended(gateway)
    return gateway.upgrade.phase


def has_note():
    return "upgrade.json" in os.listdir(FOLDER)


def versions():
    """What decides in the vectors is another version than this source's."""
    for module in ("upgrade_install",):
        __import__("firmware.services." + module)
        made = sys.modules["firmware.services." + module]
        made.VERSION, made.SECURITY_COUNTER = "0.9.2", 3


versions()


async def test_it_is_written_checked_prepared_and_switched_to():
    gateway, server = Gateway(), Server()
    assert await upgraded(gateway) == "restarting"
    assert gateway.slots.is_switched and gateway.trial_module.prepared == "0.10" and gateway.restarts == 1
    assert gateway.front.mode == "upgrading" and not has_note()
    written = bytearray(ROW["size"])
    gateway.slots.read(0, written)
    assert written == ota_vectors.payload(ROW["size"])
    assert server.asked == [0]


async def test_a_flash_that_fails_at_any_place():
    gateway, _ = Gateway(), Server()
    assert await upgraded(gateway) == "restarting"
    for number in range(1, gateway.slots.operations + 1):
        gateway, _ = Gateway(), Server()
        gateway.slots.fails_at = number
        assert await upgraded(gateway) == "failed"
        state = gateway.upgrade
        assert state.cause == "flash" and "flash" in state.sentence, state.sentence
        assert (
            not gateway.slots.is_switched and not gateway.restarts and not has_note() and gateway.front.mode == "upgrade failed"
        )
        assert state.sentence[:40] in gateway.texts()[-1]
        gateway.slots.fails_at = 0
        assert await upgraded(gateway) == "restarting"  # it can be tried again


async def test_memory_that_fails_at_any_place():
    count = 0
    while True:
        count += 1
        gateway, _ = Gateway(), Server()
        gateway.slots.starved = count
        phase = await upgraded(gateway)
        assert phase == "restarting" and gateway.slots.is_switched, (count, gateway.upgrade.sentence)  # it was tried again
        if gateway.slots.operations < count:
            break
    assert count > 10


async def test_no_memory_for_a_certificate_at_first():
    gateway, server = Gateway(), Server()
    tries = []

    def connector(gateway, certificate):
        tries.append(certificate)
        if len(tries) < 3:
            raise ConnectionFailed("memory")
        return server.connect

    upgrade_fetch.connector = connector
    assert await upgraded(gateway) == "restarting" and len(tries) == 3


async def test_connections_that_break_anywhere():
    for place in (0, 1, 70, 71, 200, 400, 600, 4095, 4096, 5000, 9999, len(IMAGE)):
        gateway, server = Gateway(), Server(breaks=[place])
        assert await upgraded(gateway) == "restarting", place
        assert len(server.asked) == 2 and gateway.upgrade.version == "0.10"
    gateway, server = Gateway(), Server(breaks=[6000] * 6)
    assert await upgraded(gateway) == "restarting"
    assert server.asked == sorted(server.asked) and server.asked[-1] > 12000  # each begins where the last one ended


async def test_connections_that_always_break_end_it():
    gateway, server = Gateway(), Server(breaks=[100] * 99)
    assert await upgraded(gateway) == "failed"
    assert gateway.upgrade.cause == "closed" and len(server.asked) == 5 and not has_note()
    gateway, server = Gateway(), Server(breaks=[5000] + [100] * 99)
    assert await upgraded(gateway) == "failed"
    assert gateway.upgrade.cause == "closed" and len(server.asked) > 10


async def test_a_server_without_ranges_begins_anew():
    gateway, server = Gateway(), Server(breaks=[9000], ranges=False)
    assert await upgraded(gateway) == "restarting"
    assert server.asked[0] == 0 < server.asked[1]


async def test_a_damaged_part_is_fetched_once_more_and_then_all():
    class Damaging(Server):
        times = 1

        async def connect(self, host, port, is_secure):
            connection = await super().connect(host, port, is_secure)
            if len(self.asked) < self.times:
                self.content = IMAGE[:9000] + b"????" + IMAGE[9004:]
            else:
                self.content = IMAGE
            return connection

    for times, asked in ((1, 2), (2, 3)):
        gateway, server = Gateway(), Damaging()
        server.times = times
        assert await upgraded(gateway) == "restarting"
        assert len(server.asked) == asked and server.asked[1] > 0 and (asked == 2 or server.asked[2] == 0)
    gateway, server = Gateway(), Damaging()
    server.times = 99
    assert await upgraded(gateway) == "failed" and gateway.upgrade.cause == "chunk"


async def test_another_file_at_the_server_meanwhile():
    gateway, server = Gateway(), Server(breaks=[9000])
    upgrade.start(gateway, "http://h/x")
    while len(server.asked) < 2:
        if len(server.asked) == 1 and not server.breaks:
            server.content = bytes(ota_vectors.image(ota_vectors.rows("")[4]))
        await asyncio.sleep_ms(0)
    await ended(gateway)
    assert gateway.upgrade.phase == "restarting" and server.asked[-1] == 0 and gateway.upgrade.total == len(server.content)


async def test_a_restart_of_the_gateway_goes_on_where_it_was():
    gateway, server = Gateway(), Server(breaks=[15000])
    upgrade.start(gateway, "http://h/x")
    while len(server.asked) < 1 or gateway.upgrade.phase != "waiting":
        await asyncio.sleep_ms(0)
    gateway.upgrade.task.cancel()  # power fails: nothing is tidied up
    note = gateway.document(FOLDER + "/upgrade.json").load() if has_note() else None
    await asyncio.sleep_ms(0)
    again = Gateway()
    again.platform.slots = again.slots = gateway.slots
    again.document(FOLDER + "/upgrade.json").save(note)
    server = Server()
    upgrade.look(again)
    assert again.upgrade.is_busy
    await ended(again)
    assert again.upgrade.phase == "restarting" and server.asked[0] > 9000 and not has_note()


async def test_a_note_of_another_version_or_image_is_not_followed():
    gateway, server = Gateway(), Server()
    gateway.document(FOLDER + "/upgrade.json").save({"from": "0.0.1"})
    upgrade.look(gateway)
    assert not gateway.upgrade.task and not has_note()
    note = {"from": VERSION, "url": "http://h/x", "certificate": "", "announced": "", "total": "00" * 32, "starts": 1}
    gateway.document(FOLDER + "/upgrade.json").save(note)
    upgrade.look(gateway)
    await ended(gateway)
    assert gateway.upgrade.phase == "restarting" and server.asked == [0]
    note["starts"] = 5
    gateway.upgrade.begin("idle")
    gateway.document(FOLDER + "/upgrade.json").save(note)
    upgrade.look(gateway)
    await ended(gateway)
    assert gateway.upgrade.cause == "starts" and not has_note()


async def test_a_version_that_was_taken_back_is_told_once():
    gateway = Gateway()
    gateway.trial_module.last = {"from": VERSION, "to": "0.10", "ok": False, "reason": "no network", "time": 0}
    upgrade.look(gateway)
    assert gateway.upgrade.phase == "failed" and "no network" in gateway.upgrade.sentence
    gateway.upgrade.begin("idle")
    upgrade.look(gateway)
    assert gateway.upgrade.phase == "idle"


async def test_cancelled_at_any_time():
    for turns in range(0, 200, 7):
        gateway, _ = Gateway(), Server()
        upgrade.start(gateway, "http://h/x")
        for _ in range(turns):
            await asyncio.sleep_ms(0)
        if gateway.upgrade.task is None:
            break
        await upgrade.cancel(gateway, None, Answer(), {})
        await asyncio.sleep_ms(0)
        assert gateway.upgrade.phase == "idle" and not gateway.upgrade.task and not gateway.slots.is_switched and not has_note()
    assert turns > 30


def refusal(start, gateway):
    try:
        start(gateway)
    except HttpError as error:
        assert error.status == 409
        return error.message


async def test_what_cannot_be_begun():
    gateway, _ = Gateway(), Server()
    upgrade.start(gateway, "http://h/x")
    for start in (upgrade.start, upgrade.begin_upload):
        assert "running already" in refusal(start, gateway)
    await ended(gateway)
    gateway = Gateway()
    gateway.platform.slots = None
    assert "cable" in refusal(upgrade.start, gateway)


async def test_nothing_is_begun_while_the_other_slot_is_what_may_come_back():
    """Be it before the trial was begun, or after the version gave up and says goodbye to its links."""
    gateway, server = Gateway(), Server()
    gateway.slots.is_on_trial = True
    for start in (upgrade.start, upgrade.begin_upload):
        assert "on trial" in refusal(start, gateway)
    note = {"from": VERSION, "url": "http://h/x", "certificate": "", "announced": "", "total": "00" * 32, "starts": 1}
    gateway.document(FOLDER + "/upgrade.json").save(note)  # power failed at the switch to an image of the same version
    upgrade.look(gateway)
    await ended(gateway)
    assert not server.asked and not gateway.slots.operations
    gateway.document(FOLDER + "/upgrade.json").remove()


class Starved:
    """In the place of what forgets a note, or keeps an event: there is no memory for it."""

    def __init__(self, gateway, name):
        self._gateway, self._name = gateway, name
        self._was = getattr(gateway, name)
        setattr(gateway, name, self)

    def __call__(self, *_):
        raise MemoryError

    add = __call__

    def ends(self):
        setattr(self._gateway, self._name, self._was)


async def test_it_is_over_even_if_there_is_no_memory_to_end_it():
    gateway, _ = Gateway(), Server(breaks=[0] * 99)
    upgrade.start(gateway, "http://h/x")
    starved = Starved(gateway, "document")
    await ended(gateway)
    assert gateway.upgrade.phase == "failed" and gateway.upgrade.cause == "closed"
    starved.ends()
    assert await upgraded(gateway) == "failed"  # and another can be begun

    Server()
    gateway = Gateway()
    upgrade.start(gateway, "http://h/x")
    while gateway.upgrade.phase != "checking":
        await asyncio.sleep_ms(0)
    starved = Starved(gateway, "events")
    await ended(gateway)
    assert gateway.slots.is_switched and gateway.upgrade.phase == "restarting" and gateway.restarts == 1
    starved.ends()
