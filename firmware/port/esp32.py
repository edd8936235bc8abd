"""What an ESP32 board has: its ports, inputs, lights, clock and radio. The contract is that of firmware/port/host.py.

The board's pins are data: boards/<NAME>/board.py. boards/common/_boot.py mounts the file system before any of this runs.
"""

import _thread
import asyncio
import errno
import os
from time import sleep_ms, ticks_ms

import machine
import network
from machine import WDT, Pin
from micropython import const

import board
from firmware.port import starts_rtc
from firmware.port.clock_rtc import ClockRtc
from firmware.port.net_wlan import NetWlan
from firmware.port.pt1000_adc import Pt1000Adc
from firmware.port.pulse_pin import PulsePin
from firmware.port.uart_esp32 import UartEsp32

_WATCHDOG_MS = const(30000)  # the start is done within it; then it is fed each second
_LOOK_MS = const(50)  # at button and lights
_PULSE_LOOKS = const(4)  # of these for one at the pulse contact
# Looks of a whole blink, lit for the first half: 1 Hz and 5 Hz, ours
_SLOW_LOOKS = const(20)
_FAST_LOOKS = const(4)
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
    trial_ms = 300000

    def __init__(self, config=None):
        self.model = board.MODEL
        self.hardware = board.HARDWARE
        self.board = board.MODEL.replace("-", "_")  # in upgrade images
        self.failed_starts = max(starts_rtc.read() - 1, 0)  # before this one, which boards/common/main.py counted already
        self.ports = board.PORTS
        self.mac = machine.unique_id()
        self.flash_mb = board.FLASH_MB
        self.first_settings = None
        self.load = None  # main sets load(name), which returns a module that is in RAM only while it is used
        self.reset_cause = _CAUSES.get(machine.reset_cause(), "unknown")
        self.network = self.wlan = NetWlan(lambda: network.WLAN(network.WLAN.IF_STA), _thread.start_new_thread)
        self.lan = None
        if "lan" in board.PARTS:
            from firmware.port.net_lan import NetLan  # noqa: PLC0415 - RAM that only such boards need

            self.lan = NetLan(_make_lan)
        elif "modem" in board.PARTS:
            from firmware.port import modem_esp32  # noqa: PLC0415

            self.lan = modem_esp32.make()
        self.clock = ClockRtc()
        self.http_port = self.modbus_port = None  # the settings decide
        self.phones_port = 80  # where their programs ask, over the own access point
        self.discovery_port = 33333
        self.netbios_port = 137
        self._pulse = self._told = None
        self._looks = 0
        self._patterns = ("off", "off")
        self._green = Pin(board.LED_GREEN, Pin.OUT, value=not board.LED_ON)
        self._red = Pin(board.LED_RED, Pin.OUT, value=not board.LED_ON)
        self._button = Pin(board.BUTTON, Pin.IN, Pin.PULL_DOWN if board.BUTTON_PRESSED else Pin.PULL_UP)
        self._outer_watchdog = None if board.WATCHDOG is None else Pin(board.WATCHDOG, Pin.OUT, value=0)
        self._watchdog = WDT(timeout=_WATCHDOG_MS)

    def mount(self):
        """See that the file system is there. Raises OSError if it was damaged: start-up then did not mount it."""
        if os.statvfs("/")[2] == 0:  # blocks
            raise OSError(errno.ENODEV)

    @property
    def slots(self):
        """The two slots of the firmware, made anew each time: firmware/port/slots_esp32.py. None if there is one alone."""
        return self.load("firmware.port.slots_esp32").find()

    @property
    def release_keys(self):
        """Who may sign upgrades: {key id: 32 bytes}."""
        return self.load("firmware.release_keys").KEYS

    def count_starts(self, failed):
        """Remember over resets, but not without power, that so many starts in a row have failed, this one included."""
        starts_rtc.write(failed)

    def uart(self, name):
        """Return the UART of a port; call once per name."""
        return UartEsp32(*board.UARTS[name])

    def pulse_input(self, contact):
        """Have contact.edge(closed, now_ms) called at each edge of the pulse input, from a scheduled interrupt handler."""
        self._pulse = PulsePin(board.PULSE, board.PULSE_CLOSED, contact)

    def button(self, told):
        """Have told(is_down, now_ms) called with what the contact shows, bouncing and all: now and at each look of run()."""
        self._told = told
        self._ask_button()

    def pt1000(self):
        """Return a function that gives the resistance at the terminals in milliohm, None for an open circuit."""
        return Pt1000Adc(board.PT1000, board.PT1000_PULL_UP_OHM, board.PT1000_SUPPLY_MV).read

    def card(self):
        """Return (folder, bytes) of the SD card; call once. Raises OSError without one, ValueError with why it is not used."""
        sd_spi = self.load("firmware.port.sd_spi")
        return "/sd", sd_spi.mount(sd_spi.open_spi(), "/sd")

    def on_time(self, told):
        """Have told(unix_ms) called when somebody sets the time from outside: nobody does on this hardware."""

    def bluetooth(self, load):
        """Return (aioble, UUID, sleep_ms): module, class, and the function by which its on_read() may wait."""
        import bluetooth

        return load("aioble"), bluetooth.UUID, sleep_ms

    def access_point(self):
        """Return the radio as an access point: see firmware/port/wlan_ap.py."""
        return network.WLAN(network.WLAN.IF_AP)

    def feed_watchdog(self):
        """Feed the chip's own watchdog and turn the level of the outer one's pin."""
        self._watchdog.feed()
        if self._outer_watchdog:
            self._outer_watchdog.value(not self._outer_watchdog.value())

    def leds(self, green, red):
        """Show a pattern per colour: "off", "on", or blinking: "slow" once, "fast" five times a second; both in step."""
        self._patterns = (green, red)
        self._looks = 0
        self._blink()

    def ready(self, **services):
        """Everything runs, but the network's task waits for the loop: the serial number becomes the host name.

        DHCP and mDNS take it from here; it must be there before an interface is switched on.
        """
        network.hostname(services["serial"].lower())

    def reset(self):
        machine.reset()

    def log(self, text):
        """Print where somebody can read it: only a board with a console has such a place."""
        if board.CONSOLE:
            print(text)

    async def run(self):
        """Look after button, lights and pulse contact, for ever. Allocates nothing."""
        while True:
            await asyncio.sleep_ms(_LOOK_MS)
            self._looks = (self._looks + 1) % _SLOW_LOOKS
            self._blink()
            if self._told:
                self._ask_button()
            if self._pulse and self._looks % _PULSE_LOOKS == 0:
                self._pulse.look()

    def _ask_button(self):
        self._told(self._button.value() == board.BUTTON_PRESSED, ticks_ms())

    def _blink(self):
        green, red = self._patterns
        self._green.value(_is_lit(green, self._looks) == board.LED_ON)
        self._red.value(_is_lit(red, self._looks) == board.LED_ON)


def _is_lit(pattern, looks):
    if pattern == "slow":
        return looks < _SLOW_LOOKS // 2
    if pattern == "fast":
        return looks % _FAST_LOOKS < _FAST_LOOKS // 2
    return pattern == "on"


def _make_lan():
    """Return the Ethernet interface with the transceiver that the board has; its clock comes in from an oscillator."""
    phy = board.LAN
    arguments = {
        "mdc": Pin(phy["mdc"]),
        "mdio": Pin(phy["mdio"]),
        "power": Pin(phy["power"]),
        "ref_clk": Pin(phy["clock_in"]),
        "ref_clk_mode": Pin.IN,
        "phy_addr": phy["address"],
        "phy_type": getattr(network, "PHY_" + phy["phy"]),
    }
    return network.LAN(**arguments)
