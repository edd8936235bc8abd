"""The ESP32 platform over fakes of MicroPython's modules: clock, inputs, lights, watchdogs, Bluetooth, files, start-up."""

import asyncio
import gc
import os
import sys
from time import sleep_ms, ticks_diff, ticks_ms

sys.path.insert(0, "host_tests/fakes")  # a fake machine and network: see there
sys.path.insert(0, "boards/SG_W1")
import esp32
import machine
import network
import vfs

import board
from firmware.port import aioble_fake, ble_aioble, bluetooth_fake, wlan_actions, wlan_ap
from firmware.port import esp32 as port
from firmware.port.clock_rtc import ClockRtc
from firmware.port.esp32 import Platform
from firmware.port.pt1000_adc import Pt1000Adc
from host_tests.fakes.simulated_time import simulated
from lib.inputs.debounce import PulseInput
from lib.inputs.pt1000 import temperature

# Unix milliseconds, and date and time of day as the counter has them
INSTANTS = (
    (946684800000, (2000, 1, 1, 0, 0, 0, 0, 0)),
    (951782399999, (2000, 2, 28, 0, 23, 59, 59, 999000)),
    (1735689600000, (2025, 1, 1, 0, 0, 0, 0, 0)),
    (1765432101234, (2025, 12, 11, 0, 5, 48, 21, 234000)),
    (2147483648500, (2038, 1, 19, 0, 3, 14, 8, 500000)),
    (4107542400001, (2100, 3, 1, 0, 0, 0, 0, 1000)),
)

# what the converter reads in microvolts, a resistor of 3300 ohm to 3300 mV; milliohms
READINGS = (
    ("0 degC", 767442, 1000000),
    ("100 degC", 976640, 1387755),
    ("850 degC", 1788383, 3904125),
    ("a short", 0, 0),
    ("above the supply", 3300000, None),
)


def made():
    machine.journal.clear()
    return Platform(None)


def test_clock_keeps_unix_time_whatever_the_epoch():
    clock = ClockRtc()
    for unix_ms, fields in INSTANTS:
        clock.write_ms(unix_ms)
        assert machine.RTC.now[0] == fields, (unix_ms, machine.RTC.now[0])
        assert clock.read_ms() == unix_ms, (unix_ms, clock.read_ms())


def test_clock_is_not_set_after_power_up():
    machine.RTC.now[0] = (2000, 1, 1, 5, 0, 0, 7, 250000)
    clock = made().clock
    assert not clock.is_set
    assert clock.read_ms() == 946684807250
    clock.write_ms(1765432101234)
    assert clock.is_set
    assert ClockRtc().is_set, "it survives a restart"
    # What the chip answers has the true weekday: it must not matter.
    machine.RTC.now[0] = (2025, 12, 11, 3, 5, 48, 21, 234999)
    assert clock.read_ms() == 1765432101234


def test_resistance_from_the_divider():
    sensor = Pt1000Adc(34, 3300, 3300)
    for what, uv, mohm in READINGS:
        machine.ADC.readings_uv[:] = [uv]
        found = sensor.read()
        assert found is None if mohm is None else abs(found - mohm) <= mohm // 1000 + 5, (what, found)


def test_resistance_is_an_average():
    sensor = made().pt1000()
    machine.ADC.readings_uv[:] = [767442 - 5000, 767442 + 5000]
    assert abs(sensor() - 1000000) < 20
    assert abs(temperature(sensor())[0]) <= 1


def test_faults_of_the_sensor_are_recognised():
    sensor = made().pt1000()
    for uv, fault in ((3120000, "open"), (3300000, "open"), (20000, "short")):
        machine.ADC.readings_uv[:] = [uv]
        assert temperature(sensor()) == (None, fault), (uv, sensor())


def test_pulses_are_counted_from_interrupts():
    class Contact:
        pulses = 0
        levels = []
        _input = PulseInput()

        def edge(self, closed, now_ms):
            self.levels.append(closed)
            self.pulses += self._input.edge(closed, now_ms)

    platform, contact = made(), Contact()
    machine.Pin.levels[board.PULSE] = 1
    platform.pulse_input(contact)
    assert ("irq", board.PULSE, 3) in machine.journal
    assert contact.levels == [False], "told where the contact stands"
    pin = platform._pulse._pin
    machine.Pin.levels[board.PULSE] = 0
    pin.handler(pin)
    assert contact.levels == [False, True], "closed is low"
    machine.Pin.levels[board.PULSE] = 1
    platform._pulse.look()  # the edge was lost
    sleep_ms(1)  # scheduled work runs between bytecodes
    assert contact.levels == [False, True, False]


def test_lights_are_lit_by_a_low_level_and_start_dark():
    platform = made()
    levels = machine.Pin.levels
    assert (levels[board.LED_GREEN], levels[board.LED_RED]) == (1, 1)
    patterns = (("on", "off", (0, 1)), ("off", "fast", (1, 0)), ("slow", "on", (0, 0)), ("off", "off", (1, 1)))
    for green, red, expected in patterns:
        platform.leds(green, red)
        assert (levels[board.LED_GREEN], levels[board.LED_RED]) == expected, (green, red, "a blink begins with light")


# pattern: how often it is lit within ten seconds, and for how many of their 200 twentieths
BLINKS = (("off", (0, 0)), ("on", (1, 200)), ("slow", (10, 100)), ("fast", (50, 100)))


@simulated(port)
async def test_lights_blink_at_their_rates(time):
    platform = made()
    task = asyncio.create_task(platform.run())
    await asyncio.sleep_ms(25)  # between two looks
    levels = machine.Pin.levels
    for green, greens in BLINKS:
        for red, reds in BLINKS:
            platform.leds(green, red)
            before = [False, False]
            blinks, lit = [0, 0], [0, 0]
            together = 0
            for _ in range(200):
                now = [levels[pin] == board.LED_ON for pin in (board.LED_GREEN, board.LED_RED)]
                for colour in (0, 1):
                    blinks[colour] += now[colour] and not before[colour]
                    lit[colour] += now[colour]
                together += now == [True, True]
                before = now
                await asyncio.sleep_ms(50)
            assert [(blinks[0], lit[0]), (blinks[1], lit[1])] == [greens, reds], (green, red, blinks, lit)
            assert together == lit[0] or green != red, "orange is both at once"
    task.cancel()


@simulated(port)
async def test_the_button_is_told_of(time):
    platform = made()
    levels = machine.Pin.levels
    assert ("pin", board.BUTTON, machine.Pin.IN, None) in machine.journal and levels[board.BUTTON] == 1, "pulled up"
    told = []
    platform.button(lambda is_down, now_ms: told.append((is_down, now_ms)))
    assert told == [(False, time.ms())], "at once"
    task = asyncio.create_task(platform.run())
    for level, is_down in ((0, True), (1, False), (0, True)):
        levels[board.BUTTON] = level
        del told[:]
        began = time.passed_ms()
        await asyncio.sleep_ms(1010)
        assert len(told) >= 10, "at least every 100 ms"
        assert {state for state, _ in told} == {is_down}
        assert time.passed_ms() - began >= 1000 and told[-1][1] - told[0][1] >= 900
    levels[board.BUTTON] = 1
    task.cancel()


def test_looking_costs_no_memory():
    platform = made()

    class Contact:
        def edge(self, closed, now_ms):
            pass

    platform.pulse_input(Contact())
    platform.button(lambda is_down, now_ms: None)
    platform.leds("slow", "fast")
    machine.Pin.value, original = lambda pin, level=None: 1, machine.Pin.value  # the fake's keeps a journal
    try:
        gc.collect()
        before = gc.mem_alloc()
        for _ in range(40):
            platform._looks = (platform._looks + 1) % 20
            platform._blink()
            platform._ask_button()
        assert gc.mem_alloc() == before
    finally:
        machine.Pin.value = original


def test_both_watchdogs_are_fed():
    platform = made()
    assert machine.Pin.levels[board.WATCHDOG] == 0, "high would be read as a flash of 1.8 V at a reset"
    machine.journal.clear()
    platform.feed_watchdog()
    platform.feed_watchdog()
    assert machine.journal == [("fed",), ("level", 12, 1), ("fed",), ("level", 12, 0)]


def test_why_it_started():
    causes = ("unknown", "power-on", "restart", "watchdog", "deep sleep", "soft restart", "unknown")
    for cause, words in enumerate(causes):
        machine.cause[0] = cause
        assert made().reset_cause == words


def test_every_port_of_the_board_can_be_made():
    platform = made()
    for name in platform.ports:
        platform.uart(name).configure(19200, "N", 1)
    assert {0, 1, 2} <= set(machine.uarts)


def test_the_serial_number_names_the_host():
    platform = made()
    assert platform.lan is None, "this board has no Ethernet"
    network.journal.clear()
    platform.ready(http=80, serial="SG000017")
    assert network.journal == [("hostname", "sg000017")], "before the radio is on: DHCP and mDNS take it then"
    wlan_actions.start(platform.wlan)
    assert network.journal[1:] == [("active", True)]


def test_the_access_point_is_beside_the_station():
    platform = made()
    wlan_actions.start(platform.wlan)
    network.journal.clear()
    wlan_ap.start(platform.access_point(), "PROV_00ABCD", "SECRET2345")
    wlan_ap.stop(platform.access_point())
    assert [what for what in network.journal if what[0] == "ap"][0] == ("ap", "PROV_00ABCD", "SECRET2345")
    assert platform.wlan.radio.status() == 1000, "the station is still on"
    assert platform.phones_port == 80


def test_searches_are_heard_where_they_are_sent():
    platform = made()
    assert (platform.discovery_port, platform.netbios_port) == (33333, 137)


class Air:
    """The other end of the fake Bluetooth; keeps what was told to it."""

    def __init__(self):
        self.told = []
        self.operate = None

    def on(self, op, handler):
        self.operate = handler

    def send(self, **message):
        self.told.append(message)

    async def do(self, operation, **fields):
        self.operate(dict(op="ble", do=operation, id=operation, central=1, **fields))
        while True:
            for message in self.told:
                if message.get("id") == operation:
                    return message["answer"]
            await asyncio.sleep_ms(5)


async def test_bluetooth_is_what_the_transport_needs():
    air = Air()
    bluetooth_fake.use(air)
    sys.modules["bluetooth"] = bluetooth_fake
    loaded = []

    def load(name):
        loaded.append(name)
        return {"aioble": aioble_fake}[name]

    bluetooth = made().bluetooth(load)
    assert loaded == ["aioble"], "by name, so that it can go again"
    assert bluetooth[1] is bluetooth_fake.UUID, "the chip's own, which aioble takes"
    began = ticks_ms()
    bluetooth[2](20)
    assert ticks_diff(ticks_ms(), began) >= 20, "reads are held back by it: it blocks, and raises nothing"

    async def answer(connection, endpoint, request):
        return endpoint.encode() + request

    def gone():
        pass

    uuid = "12340000-0000-1000-8000-0123456789ab"
    task = asyncio.create_task(ble_aioble.Transport(bluetooth, uuid, ("first",), answer, gone).run("PROV_A1B2C3"))
    while not air.told or not air.told[-1]["resp"]:
        await asyncio.sleep_ms(5)
    assert bytes.fromhex(air.told[-1]["resp"]) == b"\x0c\x09PROV_A1B2C3"
    assert await air.do("connect") == {"ok": True}
    (characteristic,) = (await air.do("discover"))["services"][0]["characteristics"]
    handle = characteristic["handle"]
    assert await air.do("write", handle=handle, hex="2178") == {"ok": True}
    await asyncio.sleep_ms(50)  # on the chip a read comes from another thread, and may be held back
    assert await air.do("read", handle=handle) == {"hex": b"first!x".hex()}
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    assert not bluetooth_fake.BLE().active(), "its RAM and the radio are free again"


def test_a_file_system_that_is_not_there_is_an_error():
    platform = made()
    platform.mount()
    vfs.umount("/")
    try:
        platform.mount()
        raised = False
    except OSError:
        raised = True
    finally:
        vfs.mount(vfs.VfsPosix(), "/")
    assert raised


def boot():
    """Run the start-up code on the fake flash; return whether something is mounted, and whether a file is there."""
    with open("boards/common/_boot.py") as file:
        code = file.read()
    path = sys.path[:]
    vfs.umount("/")
    try:
        exec(code, {"__name__": "_boot"})  # noqa: S102
        mounted = os.statvfs("/")[2] > 0
        kept = mounted and "kept" in os.listdir("/")
        if mounted:
            with open("/kept", "w") as file:
                file.write("yes")
            vfs.umount("/")
        searched = sys.path[:]
    finally:
        sys.path[:] = path
        vfs.mount(vfs.VfsPosix(), "/")
    assert searched == [".frozen"], "files on the flash can hide frozen code"
    return mounted, kept


def test_start_up_formats_an_erased_flash_once():
    flash = esp32.Partition.flash
    flash[:] = b"\xff" * len(flash)
    assert boot() == (True, False)
    assert boot() == (True, True)


def test_start_up_formats_again_what_a_power_cut_left_half_formatted():
    flash = esp32.Partition.flash
    flash[:] = b"\xff" * len(flash)
    flash[0:6] = b"\x01\x00\x00\x00\xf0\x0f"
    assert boot() == (True, False)


def test_start_up_never_formats_a_damaged_file_system():
    flash = esp32.Partition.flash
    flash[:] = b"\xff" * len(flash)
    assert boot() == (True, False)
    for block in (0, 4096):
        flash[block + 20 : block + 200] = bytes(180)
    damaged = bytes(flash)
    assert boot() == (False, False)
    assert bytes(flash) == damaged


def test_start_up_without_a_partition_ends():
    esp32.Partition.labels[:] = []
    try:
        assert boot() == (False, False)
    finally:
        esp32.Partition.labels[:] = ["vfs"]


def run_main(failing):
    """Run what the interpreter runs on a device, with an application that ends so; return the journal."""

    def start(config):
        machine.journal.append(("started", config))
        raise ValueError("it ends")

    class Application:
        """A module; one without start() stands for one that stops while it is imported."""

    application = Application()
    if not failing:
        application.start = start
    machine.journal.clear()
    before = sys.modules.get("firmware.main")
    sys.modules["firmware.main"] = application
    with open("boards/common/main.py") as file:
        code = file.read().replace("_PAUSE_S = 10", "_PAUSE_S = 0")
    try:
        exec(code, {"__name__": "main"})  # noqa: S102
    finally:
        del sys.modules["firmware.main"]
        if before:
            sys.modules["firmware.main"] = before
    return machine.journal[:]


def test_each_start_is_watched_and_counted_before_the_application_is_there():
    machine.RTC.kept[0] = b"something else"
    for failed, failing in enumerate((False, True, False, True)):
        entries = run_main(failing)
        expected = [("watchdog", 30000)] + ([] if failing else [("started", None)]) + [("reset",)]
        assert entries == expected, entries
        assert made().failed_starts == failed, "this start has not failed yet"
    platform = made()
    platform.count_starts(0)  # it has lived long enough
    run_main(False)
    assert made().failed_starts == 0
    machine.RTC.kept[0] = b""


def test_what_a_board_is_called_in_images():
    assert made().board == "SG_W1"
