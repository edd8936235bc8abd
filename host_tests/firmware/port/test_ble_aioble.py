"""Bluetooth's transport over aioble's stand-in, in simulated time: slow answers, phones that go, events that must not fail.

Where OPENSG_AIOBLE names the folder that holds aioble itself, it is that which is tested.
"""

import asyncio
import os
import sys

from firmware.port import ble_aioble, bluetooth_fake
from host_tests.fakes.simulated_time import simulated

if os.getenv("OPENSG_AIOBLE"):
    sys.path.append(os.getenv("OPENSG_AIOBLE"))
    sys.modules["bluetooth"] = bluetooth_fake
    import aioble
else:
    from firmware.port import aioble_fake as aioble

UUID = "12340000-0000-1000-8000-0123456789ab"
REFUSED = {"att_error": 14}


class Air:
    """The rig's end of the link, and a phone: do() gives the answer to an operation."""

    def __init__(self, answer):
        self.events = []
        self.asked = []
        self.gone = 0
        self.answer = answer
        self._hear = None
        self._number = 0
        bluetooth_fake.use(self)
        bluetooth = aioble, bluetooth_fake.UUID, bluetooth_fake.sleep_ms
        self.transport = ble_aioble.Transport(bluetooth, UUID, ("first", "second"), self._answered, self._ended)
        self.task = asyncio.create_task(self.transport.run("PROV_000011"))

    def on(self, op, handler):
        assert op == "ble"
        self._hear = handler

    def send(self, **message):
        self.events.append(message)

    async def _answered(self, connection, endpoint, request):
        self.asked.append((endpoint, request))
        return await self.answer(request)

    def _ended(self):
        self.gone += 1

    async def do(self, operation, central=1, **fields):
        while self._hear is None:  # Bluetooth is still off
            await asyncio.sleep_ms(10)
        self._number += 1
        number = self._number
        self._hear(dict(op="ble", do=operation, id=number, central=central, **fields))
        while True:
            for event in self.events:
                if event["event"] == "ble" and event["id"] == number:
                    self.events.remove(event)
                    return event["answer"]
            await asyncio.sleep_ms(10)

    async def connect(self, central=1):
        while await self.do("connect", central) != {"ok": True}:
            await asyncio.sleep_ms(10)

    async def stop(self):
        assert bluetooth_fake.BLE().handler, "an exception in a handler of events"
        self.task.cancel()
        try:
            await self.task
        except asyncio.CancelledError:
            pass
        assert self.events[-1] == {"event": "air", "adv": "", "resp": "", "central": None}


FIRST, SECOND = 16, 19  # handles


async def slowly(request):
    await asyncio.sleep_ms(1000 * request[0])
    return b"to " + request


@simulated(ble_aioble)
async def test_a_read_waits_for_the_answer(time):
    air = Air(slowly)
    await air.connect()
    for seconds in (0, 1, 9):
        began = time.passed_ms()
        assert await air.do("write", handle=FIRST, hex="%02x41" % seconds) == {"ok": True}
        assert time.passed_ms() - began < 50, "a write waits for nobody"
        assert await air.do("read", handle=FIRST) == {"hex": (b"to " + bytes((seconds, 65))).hex()}
        assert 1000 * seconds <= time.passed_ms() - began < 1000 * seconds + 100
    assert [endpoint for endpoint, _ in air.asked] == ["first"] * 3
    await air.stop()


@simulated(ble_aioble)
async def test_a_read_does_not_wait_for_ever(time):
    air = Air(slowly)
    await air.connect()
    await air.do("write", handle=FIRST, hex="3c")
    began = time.passed_ms()
    assert await air.do("read", handle=FIRST) == REFUSED
    assert 24000 < time.passed_ms() - began < 27000, "the phone gives up after 30 s"
    await asyncio.sleep(60)
    assert await air.do("read", handle=FIRST) == {"hex": b"to \x3c".hex()}
    await air.stop()


@simulated(ble_aioble)
async def test_one_request_after_the_other_each_with_its_own_answer(time):
    air = Air(slowly)
    await air.connect()
    await air.do("write", handle=FIRST, hex="0341")
    await air.do("write", handle=SECOND, hex="0142")
    await air.do("write", handle=FIRST, hex="0043")
    assert await air.do("read", handle=SECOND) == {"hex": b"to \x01B".hex()}
    assert await air.do("read", handle=FIRST) == {"hex": b"to \x00C".hex()}
    assert [request for _, request in air.asked] == [b"\x03A", b"\x01B", b"\x00C"]
    await air.stop()


@simulated(ble_aioble)
async def test_nothing_is_left_for_the_next_phone(time):
    air = Air(slowly)
    for seconds in (0, 5):
        await air.connect(seconds)
        await air.do("write", seconds, handle=FIRST, hex="%02x41" % seconds)
        await asyncio.sleep(1)
        assert await air.do("disconnect", seconds) == {"ok": True}
        await air.connect(99)
        assert await air.do("read", 99, handle=FIRST) == REFUSED
        await asyncio.sleep(10)
        assert await air.do("read", 99, handle=FIRST) == REFUSED, "an answer came to the wrong phone"
        await air.do("disconnect", 99)
    assert air.gone == 4
    await air.connect()
    await air.stop()
    assert air.gone == 5


@simulated(ble_aioble)
async def test_a_phone_that_goes_while_it_reads(time):
    air = Air(slowly)
    await air.connect()
    await air.do("write", handle=FIRST, hex="09")
    reading = asyncio.create_task(air.do("read", handle=FIRST))
    await asyncio.sleep(1)
    await air.do("disconnect")
    assert "error" in await reading
    await air.connect()
    await air.do("write", handle=FIRST, hex="00")
    assert await air.do("read", handle=FIRST) == {"hex": b"to \x00".hex()}
    await air.stop()


@simulated(ble_aioble)
async def test_more_requests_than_there_is_room_for(time):
    air = Air(slowly)
    await air.connect()
    for number in range(14):
        await air.do("write", handle=FIRST, hex="01%02x" % number)
    assert await air.do("read", handle=FIRST) == REFUSED, "an answer to another request, or none at all"
    await air.do("disconnect")
    await air.connect()
    await air.do("write", handle=SECOND, hex="00")
    assert await air.do("read", handle=SECOND) == {"hex": b"to \x00".hex()}
    await air.stop()


@simulated(ble_aioble)
async def test_refusals_are_no_empty_answers(time):
    async def none(request):
        return None if request == b"\x01" else b""

    air = Air(none)
    await air.connect()
    for request in ("01", "02"):
        await air.do("write", handle=FIRST, hex=request)
        assert await air.do("read", handle=FIRST) == REFUSED
    await air.stop()


@simulated(ble_aioble)
async def test_long_requests_are_whole(time):
    async def size(request):
        return bytes(len(request))

    air = Air(size)
    await air.connect()
    for length in (1, 20, 21, 511, 512):
        await air.do("write", handle=SECOND, hex="ab" * length)
        assert await air.do("read", handle=SECOND) == {"hex": "00" * length}
    await air.stop()


@simulated(ble_aioble)
async def test_a_request_in_the_moment_of_the_connection(time):
    """Before advertise() has told of it."""
    air = Air(slowly)
    await air.connect()
    await air.do("disconnect")
    while "".join(event.get("adv", "") for event in air.events[-1:]) == "":
        await asyncio.sleep_ms(10)
    connecting = asyncio.create_task(air.do("connect"))
    writing = asyncio.create_task(air.do("write", handle=FIRST, hex="0041"))
    reading = asyncio.create_task(air.do("read", handle=FIRST))
    assert await connecting == {"ok": True} and await writing == {"ok": True}
    assert await reading == {"hex": b"to \x00A".hex()}
    await air.stop()


@simulated(ble_aioble)
async def test_it_is_switched_off_with_a_phone_connected_and_on_again(time):
    for _ in range(3):
        air = Air(slowly)
        await air.connect()
        await air.do("write", handle=FIRST, hex="09")
        reading = asyncio.create_task(air.do("read", handle=FIRST))
        await asyncio.sleep(1)
        await air.stop()
        assert "error" in await reading
        air = Air(slowly)
        await air.connect()
        assert await air.do("read", handle=FIRST) == REFUSED
        await air.do("write", handle=FIRST, hex="0142")
        assert await air.do("read", handle=FIRST) == {"hex": b"to \x01B".hex()}
        await air.do("disconnect")
        await air.stop()


@simulated(ble_aioble)
async def test_a_value_is_read_in_pieces_of_what_was_agreed_on(time):
    async def size(request):
        return bytes(request[0])

    air = Air(size)
    for mtu in (23, 185, 512):
        while await air.do("connect", mtu=mtu) != {"ok": True}:
            await asyncio.sleep_ms(10)
        for length in (1, 21, 22, 23, 44, 184, 255):
            await air.do("write", handle=FIRST, hex="%02x" % length)
            assert await air.do("read", handle=FIRST) == {"hex": "00" * length}, (mtu, length)
        await air.do("disconnect")
    await air.stop()
