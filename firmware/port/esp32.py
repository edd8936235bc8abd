"""What an ESP32 board has: its ports, inputs, lights, clock and radio. The contract is that of firmware/port/host.py.

The board's pins are data: boards/<NAME>/board.py. boards/common/_boot.py mounts the file system before any of this runs.
"""

import asyncio
import errno
import os

import machine
from machine import WDT, Pin
from micropython import const

import board
from firmware.port.clock_rtc import ClockRtc
from firmware.port.net_wlan import NetWlan
from firmware.port.pt1000_adc import Pt1000Adc
from firmware.port.pulse_pin import PulsePin
from firmware.port.uart_esp32 import UartEsp32

_FLASH_BYTES = const(0x400000)
_WATCHDOG_MS = const(30000)  # the start is done within it; then it is fed each second
_LOOK_MS = const(200)
_CAUSES = {
    machine.PWRON_RESET: "power-on",  # or too low a voltage
    machine.HARD_RESET: "restart",  # by machine.reset(), or a panic
    machine.WDT_RESET: "watchdog",
    machine.DEEPSLEEP_RESET: "deep sleep",
    machine.SOFT_RESET: "soft restart",
}


class Platform:
    """Made once by main. `config` is the host board's and None here."""

    root = ""  # the file system is mounted at /
    is_host = False

    def __init__(self, config=None):
        self.model = board.MODEL
        self.hardware = board.HARDWARE
        self.ports = board.PORTS
        self.mac = machine.unique_id()
        self.flash_bytes = _FLASH_BYTES
        self.first_settings = None
        self.reset_cause = _CAUSES.get(machine.reset_cause(), "unknown")
        self.network = NetWlan()  # Ethernet comes later: an SG-E1 goes by Wi-Fi until then
        self.clock = ClockRtc()
        self.http_port = self.modbus_port = None  # the settings decide
        self.discovery_port = 33333
        self.netbios_port = 137
        self._pulse = None
        self._green = Pin(board.LED_GREEN, Pin.OUT, value=not board.LED_ON)
        self._red = Pin(board.LED_RED, Pin.OUT, value=not board.LED_ON)
        self._outer_watchdog = None if board.WATCHDOG is None else Pin(board.WATCHDOG, Pin.OUT, value=0)
        self._watchdog = WDT(timeout=_WATCHDOG_MS)

    def mount(self):
        """See that the file system is there. Raises OSError if it was damaged: start-up then did not mount it."""
        if os.statvfs("/")[2] == 0:  # blocks
            raise OSError(errno.ENODEV)

    def uart(self, name):
        """Return the UART of a port; call once per name."""
        return UartEsp32(*board.UARTS[name])

    def pulse_input(self, contact):
        """Have contact.edge(closed, now_ms) called at each edge of the pulse input, from a scheduled interrupt handler."""
        self._pulse = PulsePin(board.PULSE, board.PULSE_CLOSED, contact)

    def pt1000(self):
        """Return a function that gives the resistance at the terminals in milliohm, None for an open circuit."""
        return Pt1000Adc(board.PT1000, board.PT1000_PULL_UP_OHM, board.PT1000_SUPPLY_MV).read

    def on_time(self, told):
        """Have told(unix_ms) called when somebody sets the time from outside: nobody does on this hardware."""

    def feed_watchdog(self):
        """Feed the chip's own watchdog and turn the level of the outer one's pin."""
        self._watchdog.feed()
        if self._outer_watchdog:
            self._outer_watchdog.value(not self._outer_watchdog.value())

    def leds(self, green, red):
        """Show a pattern per colour: "off", "on", "slow", "fast". Nothing blinks yet: "slow" and "fast" are steady light."""
        self._green.value(board.LED_ON if green != "off" else not board.LED_ON)
        self._red.value(board.LED_ON if red != "off" else not board.LED_ON)

    def ready(self, **services):
        """Everything runs, but the network's task waits for the loop: the serial number becomes the host name."""
        self.network.hostname = services.get("serial", "").lower()

    def reset(self):
        machine.reset()

    def log(self, text):
        """Print where somebody can read it: only a board with a console has such a place."""
        if board.CONSOLE:
            print(text)

    async def run(self):
        """Look after the pulse contact, for ever."""
        while True:
            await asyncio.sleep_ms(_LOOK_MS)
            if self._pulse:
                self._pulse.look()
