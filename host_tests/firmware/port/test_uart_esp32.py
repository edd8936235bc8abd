"""The UART port of the ESP32 over a fake machine.UART: what is done to the driver, and in which order."""

import asyncio
import sys

sys.path.insert(0, "host_tests/fakes")  # a fake machine: see there
import machine

from firmware.port.uart_esp32 import UartEsp32

FRAME = bytes(range(8))
# settings, as configure() takes them, and what the driver gets: baud rate, parity, stop bits; microseconds of a character
LINES = (
    ((9600, "N", 1), (9600, None, 1), 1041),
    ((19200, "E", 1), (19200, 0, 1), 572),
    ((19200, "O", 1), (19200, 1, 1), 572),
    ((115200, "N", 2), (115200, None, 2), 95),
    ((1200, "N", 1), (1200, None, 1), 8333),
)


def made(enable=2):
    """Return a port and its driver; the journal holds what follows."""
    port = UartEsp32(1, 15, 16, enable, "rx")
    machine.journal.clear()
    return port, machine.uarts[1]


def test_one_driver_is_made_with_room_for_a_frame():
    machine.journal.clear()
    port = UartEsp32(2, 14, 13, None, "tx rx")
    for line, _, _ in LINES:
        port.configure(*line)
    settings = machine.uarts[2].settings
    assert [entry for entry in machine.journal if entry[0] == "uart"] == [("uart", 2)]
    assert (settings["tx"], settings["rx"]) == (14, 13)
    assert settings["txbuf"] > 256 and settings["rxbuf"] >= 512
    assert settings["timeout"] == settings["timeout_char"] == 0, "a read would hold the loop"
    assert settings["invert"] == machine.UART.INV_TX | machine.UART.INV_RX


def test_seven_bits_make_a_character_of_ten():
    port, _ = made()
    port.configure(300, "E", 1, 7)
    assert machine.journal == [("init", {"baudrate": 300, "bits": 7, "parity": 0, "stop": 1})]
    assert port.char_us == 33333


def test_configuring_leaves_buffers_and_pins_alone():
    port, _ = made()
    for line, (baud, parity, stop), char_us in LINES:
        machine.journal.clear()
        port.configure(*line)
        assert machine.journal == [("init", {"baudrate": baud, "bits": 8, "parity": parity, "stop": stop})]
        assert port.char_us == char_us, (line, port.char_us)


async def test_the_driver_is_enabled_for_the_frame_and_no_shorter():
    for line, _, _ in LINES[:4]:
        port, _ = made()
        port.configure(*line)
        machine.journal.clear()
        await port.send(FRAME)
        assert machine.journal == [("level", 2, 1), ("write", FRAME), ("out",), ("level", 2, 0)], line


async def test_the_loop_runs_while_a_frame_goes_out():
    port, _ = made()
    port.configure(1200, "N", 1)
    turns = [0]

    async def others():
        while True:
            turns[0] += 1
            await asyncio.sleep_ms(1)

    task = asyncio.create_task(others())
    await port.send(FRAME)  # 67 ms
    task.cancel()
    assert turns[0] > 4, turns  # 67 of them on a machine that is not busy


async def test_without_an_enable_pin_none_is_touched():
    port, _ = made(None)
    await port.send(FRAME)
    assert machine.journal == [("write", FRAME), ("out",)]


async def test_a_driver_that_never_ends_frees_the_line():
    port, uart = made()
    uart.stuck = True
    try:
        await port.send(FRAME)
        raise AssertionError("nothing raised")
    except OSError:
        pass
    assert machine.journal[-1] == ("level", 2, 0)


async def test_cancelled_it_frees_the_line():
    port, _ = made()
    port.configure(1200, "N", 1)
    task = asyncio.create_task(port.send(FRAME))
    await asyncio.sleep_ms(5)
    assert machine.Pin.levels[2] == 1
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    assert machine.Pin.levels[2] == 0


async def test_a_frame_that_would_hold_the_loop_is_refused():
    port, _ = made()
    try:
        await port.send(bytes(1000))
        raise AssertionError("nothing raised")
    except ValueError:
        pass
    assert not machine.journal, "the line was touched"


async def test_receiving_never_waits_and_loses_nothing():
    port, uart = made()
    view = memoryview(bytearray(256))
    assert port.receive(view) == 0
    uart.incoming.extend(b"\x11\x03")
    assert port.receive(view) == 2 and bytes(view[:2]) == b"\x11\x03"
    assert port.receive(view) == 0


async def test_no_more_is_read_than_there_is_room():
    port, uart = made()
    uart.incoming.extend(b"abcdef")
    view = memoryview(bytearray(4))
    assert port.receive(view) == 4 and bytes(view) == b"abcd"
    assert port.receive(view[:2]) == 2 and bytes(view) == b"efcd"
    assert port.receive(view) == 0


async def test_discarding_counts_and_never_waits():
    port, uart = made()
    assert port.discard() == 0
    uart.incoming.extend(bytes(300))
    assert port.discard() == 300
    assert port.receive(memoryview(bytearray(4))) == 0
