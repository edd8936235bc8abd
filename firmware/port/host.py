"""What the host board has: the list of its ports. The rig plays whatever hardware the machine lacks.

The contract of a platform, which firmware/port/esp32.py keeps too: the names below that do not begin with an underscore.
"""

import asyncio
import errno
import gc
import sys
from time import ticks_diff, ticks_ms

import vfs
from micropython import const

import board
from firmware.port.flash_file import FlashFile, PartitionFile
from firmware.port.net_wlan import NetWlan
from firmware.port.radio_fake import AccessPointFake, RadioFake
from firmware.port.rig_link import RigLink
from firmware.port.slots_file import Slots
from firmware.port.uart_pty import UartPty

_RESET_STATUS = const(3)
_TRIAL_S = const(300)
_BUTTON_MS = const(50)  # between two tellings of how the button stands
_MAC = const(b"\xc4\x4f\x33\x00\x00\x11")  # its last three bytes in decimal are the serial number's digits: SG000017


class Platform:
    """Made once by main, from the rig's description of this start."""

    root = "/flash"  # where the file system is mounted
    is_host = True

    def __init__(self, config):
        self._ttys = config["tty"]
        self._paced = not config.get("fast")
        self._link = RigLink(config["link"])
        self._link.on("heap", self._report_heap)
        self.model = config["board"].replace("_", "-") if config.get("board") else board.MODEL
        self.hardware = board.HARDWARE
        self.board = "HOST_64" if sys.maxsize >> 32 else "HOST_32"  # in upgrade images
        self._keys = {int(number): bytes.fromhex(key) for number, key in (config.get("release_keys") or {}).items()}
        self.trial_ms = int(config.get("trial_s", _TRIAL_S) * 1000)
        self.failed_starts = config.get("failed_starts", 0)
        self._slot = config.get("slot")
        self.ports = board.PORTS
        self.mac = _MAC
        self.flash_mb = board.FLASH_MB
        self._card = config.get("sd")
        self._places = config["partitions"]  # of the board that the rig plays: {label: (offset, size)}
        self.first_settings = config.get("settings")
        self.load = None  # main sets load(name), which returns a module that is in RAM only while it is used
        self.reset_cause = config.get("reset_cause", "power-on")
        self._aioble = config.get("aioble")
        self._radio = RadioFake(config.get("aps") or [])
        self._link.on("wifi", self._hear_wifi)
        self.network = self.wlan = NetWlan(lambda: self._radio, lambda function, arguments: function(*arguments))
        self.lan = None
        if "modem" in self._ttys and "modem" in board.PARTS:
            from firmware.port import ppp_fake  # noqa: PLC0415 - RAM that only such boards need

            self.lan = ppp_fake.make(self._ttys["modem"], self._link)
        self.clock = _Clock(config.get("clock"))
        self._flash = FlashFile(
            config["flash"], board.FLASH_MB << 20, config.get("power_cut"), config.get("operations"), config.get("flash_log")
        )
        self.http_port = config.get("http_port", 0)  # 0 is any; None would leave it to the settings
        self.modbus_port = config.get("modbus_port", 0)
        self.phones_port = None  # they ask at http_port: there is no network of their own
        self.discovery_port = config.get("discovery_port", 0)
        self.netbios_port = config.get("netbios_port", 0)
        config.clear()  # its RAM is wanted

    def mount(self):
        """Mount the file system, made anew only where there is none. Raises OSError if it is damaged."""
        partition = PartitionFile(self._flash, "vfs", *self._places["vfs"])
        try:
            vfs.mount(vfs.VfsLfs2(partition), self.root)
        except OSError:
            if _has_superblock(partition):
                raise
            vfs.VfsLfs2.mkfs(partition)  # erased, or power failed during the first formatting
            vfs.mount(vfs.VfsLfs2(partition), self.root)

    @property
    def slots(self):
        """The two slots of the firmware: firmware/port/slots_file.py. None if it is frozen into the interpreter."""
        return Slots(self._flash, self._slot, self._places) if self._slot else None

    @property
    def release_keys(self):
        """Who may sign upgrades: {key id: 32 bytes}. The rig may have brought others than the firmware's own."""
        return self._keys or self.load("firmware.release_keys").KEYS

    def count_starts(self, failed):
        """Remember over resets, but not without power, that so many starts in a row have failed, this one included."""
        self._link.send(event="starts", failed=failed)

    def uart(self, name):
        """Return the UART of a port; call once per name."""

        return UartPty(self._ttys[name], name, self._link, self._paced)

    def pulse_input(self, contact):
        """Have contact.edge(closed, now_ms) called at each edge of the pulse input."""

        def pulses(message):
            now = ticks_ms()
            for _ in range(message["count"]):
                for _ in range(message.get("bounce", 0)):
                    contact.edge(True, now)
                    contact.edge(False, now + 1)
                    now += 2
                contact.edge(True, now)
                contact.edge(False, now + 50)
                now += 200

        contact.edge(False, ticks_ms())  # it stands open at the start
        self._link.on("pulse", pulses)

    def button(self, told):
        """Have told(is_down, now_ms) called: at once, at each change (bouncing too), and every 100 ms while it returns True."""
        told(False, ticks_ms())

        def hear(message):
            self._is_down = message["down"]
            asyncio.create_task(self._follow(told))

        self._link.on("button", hear)

    async def _follow(self, told):
        while told(self._is_down, ticks_ms()):
            await asyncio.sleep_ms(_BUTTON_MS)

    def pt1000(self):
        """Return a function that gives the resistance at the terminals in milliohm, None for an open circuit."""
        state = [None]

        def hear(message):
            ohm = message["ohm"]
            state[0] = None if ohm is None else int(ohm * 1000 + 0.5)

        self._link.on("pt1000", hear)
        return lambda: state[0]

    def card(self):
        """Return (folder, bytes) of the SD card; call once. Raises OSError without one, ValueError with why it is not used."""
        if not self._card:
            raise OSError(errno.ENODEV)
        sectors = self.load("firmware.port.sd_file").SdFile(self._card)
        return "/sd", self.load("firmware.port.sd_spi").mount(sectors, "/sd")

    def on_time(self, told):
        """Have told(unix_ms) called when somebody sets the time from outside: here, the rig's wall clock was set."""

        def hear(message):
            self.clock.scale = message.get("scale") or 1
            told(int(message["unix"] * 1000))

        self._link.on("clock", hear)

    def bluetooth(self, load):
        """Return (aioble, UUID, sleep_ms): module, class, and the function by which its on_read() may wait.

        `load(name)` returns a module that is in RAM only while it is used. The module bluetooth is a fake, and so is aioble
        unless the rig was told where the true one is. Raises ImportError where there is no Bluetooth.
        """
        if self._aioble:
            sys.modules["bluetooth"] = bluetooth = load("firmware.port.bluetooth_fake")
            if self._aioble not in sys.path:
                sys.path.append(self._aioble)
            aioble = load("aioble")
        else:
            aioble = load("firmware.port.aioble_fake")
            bluetooth = aioble.bluetooth_fake
        bluetooth.use(self._link)
        return aioble, bluetooth.UUID, bluetooth.sleep_ms

    def access_point(self):
        """Return the radio as an access point: see firmware/port/wlan_ap.py."""
        return AccessPointFake(lambda ssid, password: self._link.send(event="ap", ssid=ssid, password=password))

    def feed_watchdog(self):
        self._link.send(event="fed")

    def leds(self, green, red):
        """Show a pattern per colour: "off", "on", or blinking: "slow" once, "fast" five times a second."""
        self._link.send(event="leds", green=green, red=red)

    def ready(self, **services):
        """Everything runs; services by name with their port numbers."""
        self._link.send(event="ready", mac=self.mac.hex(), **services)

    def reset(self):
        sys.exit(_RESET_STATUS)

    def log(self, text):
        print(text)

    async def run(self):
        await self._link.run()

    def _hear_wifi(self, message):
        self._radio.access_points = message["aps"]

    def _report_heap(self, _):
        gc.collect()
        self._link.send(event="heap", used=gc.mem_alloc(), free=gc.mem_free())


def _has_superblock(partition):
    """Whether littlefs left its name in both blocks that a file system begins with.

    It is in one alone when power failed while that was written for the first time: nothing is lost yet.
    """
    start = bytearray(16)
    for block in (0, 1):
        partition.readblocks(block, start)
        if start[8:16] != b"littlefs":
            return False
    return True


class _Clock:
    """A fake of the real-time counter: the rig's wall clock, which may run faster than time does."""

    def __init__(self, clock):
        self.is_set = False
        self.scale = 1
        self.write_ms(946684800000)
        self.is_set = clock is not None
        if clock:
            self.scale = clock.get("scale") or 1
            self.write_ms(int(clock["unix"] * 1000))

    def read_ms(self):
        passed_ms = ticks_diff(ticks_ms(), self._ticks)
        if passed_ms > 100000000:  # long before the ticks wrap
            self.write_ms(self._base_ms + int(passed_ms * self.scale))
            passed_ms = 0
        return self._base_ms + int(passed_ms * self.scale)

    def write_ms(self, unix_ms):
        self._base_ms = unix_ms
        self._ticks = ticks_ms()
        self.is_set = True
