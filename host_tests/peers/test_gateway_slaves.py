"""The whole gateway on a terminal where pymodbus answers, with register images made from the makers' tables."""

import asyncio
import contextlib
import os
import select
import threading
import tty

import pytest
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from host_tests.gateway import answered, change, command, detected, eventually, gateway, statistics, vector

IMAGES = [vector(name) for name in ("wm3m4c", "mc666", "ie38md")]
SETTINGS = {"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "poll_ms": 200}
for slot, image in enumerate(IMAGES, 1):
    SETTINGS.update({f"rs485_type_{slot}": 2, f"rs485_addr_{slot}": image["unit"]})


@contextlib.contextmanager
def cable():
    """Two terminals whose other ends are joined: what is written to one is read from the other."""
    ends = [os.openpty(), os.openpty()]
    for _, terminal in ends:
        tty.setraw(terminal)
    (a, _), (b, _) = ends
    stop_r, stop_w = os.pipe()

    def carry():
        while True:
            ready = select.select((a, b, stop_r), (), ())[0]
            if stop_r in ready:
                return
            for here in ready:
                os.write(b if here == a else a, os.read(here, 4096))

    thread = threading.Thread(target=carry, daemon=True)
    thread.start()
    yield [os.ttyname(terminal) for _, terminal in ends]
    os.write(stop_w, b"x")
    thread.join()
    for descriptor in (*ends[0], *ends[1], stop_r, stop_w):
        os.close(descriptor)


def device(image):
    """The register image as one of pymodbus's devices: the areas exist, what has no row reads 0."""
    words = {}
    for number, text, _ in image["registers"]:
        words.update(enumerate((int(word, 16) for word in text.split()), number))
    blocks = {30000: [], 40000: []}
    for first, last in image["areas"]:
        base = first // 10000 * 10000
        values = [words.pop(number, 0) for number in range(first, last + 1)]
        blocks[base].append(SimData(first - base, values=values, datatype=DataType.REGISTERS))
    assert not words, "rows outside of the areas"
    unused = [SimData(60000, values=False, datatype=DataType.BITS)]
    return SimDevice(id=image["unit"], simdata=(unused, unused, blocks[40000], blocks[30000]))


@contextlib.contextmanager
def slaves(terminal, images):
    """pymodbus's serial server in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin():
        server = ModbusSerialServer([device(image) for image in images], port=terminal, baudrate=115200)
        await server.serve_forever(background=True)
        return server

    server = asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
    yield
    asyncio.run_coroutine_threadsafe(server.shutdown(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(scope="module", params=[64, 32])
def rig(request):
    with cable() as (ours, theirs), slaves(theirs, IMAGES):
        with gateway(request.param, meters=[], settings=SETTINGS, port={"rs485": ours}) as rig:
            detected(rig, len(IMAGES))
            yield rig


@pytest.mark.parametrize("slot", [1, 2, 3], ids=[image["header"]["model"] for image in IMAGES])
def test_image_is_served(rig, slot):
    image = IMAGES[slot - 1]
    counters = answered(rig, f"get_counters{slot}")
    measurements = answered(rig, f"get_measurements{slot}")
    for answer in (counters, measurements):
        assert {name: answer["header"][name] for name in image["header"]} == image["header"]
    assert list(measurements["measurements"].items()) == list(image["measurements"].items())
    assert list(counters["counters"].items()) == list(image["counters"].items())
    assert list(counters["settings"].items()) == list(image["settings"].items())


def test_nothing_on_the_line_is_wrong(rig):
    for image in IMAGES:
        found = statistics(rig, "rs485", image["unit"])
        assert found["answered"] and not found["silent"] + found["damaged"] + found["refused"], found
    assert command(rig, "get_statistics")["rs485_noise_bytes"] == 0


def test_slots_take_other_addresses(rig):
    change(rig, rs485_addr_1=37, rs485_addr_3=35)
    for slot, image in ((1, IMAGES[2]), (3, IMAGES[0])):
        eventually(
            lambda: command(rig, f"get_measurements{slot}").get("measurements") == image["measurements"],
            lambda: command(rig, f"get_measurements{slot}"),
        )
    change(rig, rs485_addr_1=35, rs485_addr_3=37)
    detected(rig, len(IMAGES))
