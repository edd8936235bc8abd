"""The rig as a whole: the field, the gateway's process and the control channel, and the loop that keeps them together."""

import os
import selectors
import signal
import sys
import threading
import time
from pathlib import Path

from tools.rig import boot_loader
from tools.rig.air import Air
from tools.rig.boot_loader import Start
from tools.rig.control import Control
from tools.rig.errors import RigError
from tools.rig.flash import Flash, Layout, PowerCut
from tools.rig.gateway import POWER_CUT, RESET, Gateway
from tools.rig.operations import DEFAULT_WIFI, Operations
from tools.rig.pt1000 import resistance

TOP = Path(__file__).resolve().parent.parent.parent
_READY_S = 60.0  # all resets of one version included
_TRIAL_S = 300
_VAIN_RESETS = 10
_ROOM_TEMPERATURE = 20.4
_NO_AP = {"ssid": None, "password": None}
# option: name in the ready event
_PORTS = {"http_port": "http", "modbus_port": "modbus_tcp", "discovery_port": "discovery", "netbios_port": "netbios"}


class Station:
    """Made in the main thread, which then calls run(). `command` starts the gateway, all else is in `options`."""

    def __init__(self, field, options, command, watchdog_s=30.0):
        """`options`: flash, log, board, bits, ports (external, name -> tty), http_port, modbus_port, discovery_port,
        netbios_port, settings, clock_set, power_cut, fast, aioble (the folder that has it, or None), release_keys, trial_s,
        operations (the file that counts them), flash_log (the file that keeps them, or None), has_slots, is_frozen
        (the application is in the interpreter, and does not come from the slot), modem (a Modem or None), sd (the file
        that is the SD card, or None)."""
        self.field = field
        self.leds = {"green": "off", "red": "off"}
        self.wifi = DEFAULT_WIFI
        self.ap = _NO_AP
        self.ohm = round(resistance(_ROOM_TEMPERATURE), 4)
        self.clock_set = options["clock_set"]
        self._options = options
        self._ports = {option: options.get(option) or 0 for option in _PORTS}
        self._settings = options["settings"]
        self._gateway = Gateway(command, options["log"], watchdog_s)
        self._layout = Layout(options["board"])
        self._flash = Flash(
            options["flash"], options["operations"], options["power_cut"], options.get("flash_log"), self._layout
        )
        self._boot = Start("", False)
        self._failed_starts = 0  # in a row: what the gateway keeps over resets, but not without power
        self.modem = options.get("modem")  # Modem, on boards that have one
        self._control = Control(Operations(self).operate)
        self._air = Air(self.send)
        self._ready = None  # the gateway's ready event since its last start
        self._heap = {}
        self._changed = threading.Condition()
        self._reset_cause = None  # asked for by a control connection
        self._generation = 0  # how often it has become ready
        self._wake_r, self._wake_w = os.pipe()
        self._vain_resets = 0  # since it was last ready
        self._started_at = 0.0  # the version that runs, or its first start since it was last ready
        self._stopping = False

    # Called from any thread.

    def send(self, message):
        """To the gateway; while it is between two starts the message is lost, as a press of the button would be."""
        link = self._gateway.link
        if link is not None:
            link.send(message)

    def ask_heap(self, timeout_s):
        with self._changed:
            self._heap = {}
            self.send({"op": "heap"})
            if not self._changed.wait_for(lambda: self._heap, timeout_s):
                raise RigError(f"the gateway did not answer within {timeout_s:g} s")
            return {"used": self._heap["used"], "free": self._heap["free"]}

    def reset(self, cause, timeout_s):
        """Kill the gateway and start it again; returns the new ready line."""
        with self._changed:
            before = self._generation
            self._reset_cause = cause
            self._wake()
            if not self._changed.wait_for(lambda: self._generation > before, timeout_s):
                raise RigError(f"the gateway was not ready within {timeout_s:g} s after the reset")
        return self.ready_line()

    def ready_line(self):
        """What `up --json` prints."""
        ready = self._ready or {}

        def place(name):
            return ["127.0.0.1", ready[name]] if ready.get(name) else None

        return {
            "pid": os.getpid(),
            "http": f"http://127.0.0.1:{ready['http']}" if ready.get("http") else None,
            "modbus_tcp": place("modbus_tcp"),
            "modbus_tls": place("modbus_tls"),
            "discovery": place("discovery"),
            "netbios": place("netbios"),
            "ble": self._air.address,
            "control": self._control.address,
            "flash": str(self._options["flash"]),
            "log": str(self._options["log"]),
            "pop": ready.get("pop"),
            "serial": ready.get("serial"),
            "mac": ready.get("mac"),
            "code": ready.get("code"),
            "gateway_pid": self._gateway.pid,
            "slot": self._boot.slot or None,
        }

    def operations(self):
        """How often flash was written or erased since power-on."""
        return self._flash.operations()

    def stop(self):
        self._stopping = True
        self._wake()

    def _wake(self):
        os.write(self._wake_w, b"x")

    # The main thread.

    def run(self, when_ready, until_end_of=None):
        """Run until stop() or the end of the file `until_end_of`; returns the exit status."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self.stop())
        selector = selectors.DefaultSelector()
        selector.register(self._wake_r, selectors.EVENT_READ, "wake")
        if until_end_of is not None:
            selector.register(until_end_of, selectors.EVENT_READ, "stdin")
        announced = False
        try:
            status = self._start("power-on", selector, loses_power=True)
            if status is not None:
                return status
            while not self._stopping:
                for key, _ in selector.select(self._patience_s()):
                    if key.data == "wake":
                        os.read(self._wake_r, 64)
                    elif key.data == "stdin" and not os.read(key.fd, 4096):
                        return 0
                    elif key.data == "gateway":
                        messages = self._gateway.link.receive()
                        for message in messages or ():
                            self._heard(message)
                        if messages is None:
                            self._reset_cause = self._reset_cause or "ended"
                if self._ready and not announced:
                    announced = True
                    when_ready(self.ready_line())
                status = self._hopeless() or self._supervise(selector)
                if status is not None:
                    return status
            return 0
        finally:
            self._gateway.kill()
            self._control.close()
            self._air.close()
            if self.modem:
                self.modem.close()

    def _patience_s(self):
        patience_s = self._gateway.starving_in_s()
        if not self._ready:
            patience_s = min(patience_s, self._started_at + _READY_S - time.monotonic())
        return max(0.0, patience_s)

    def _supervise(self, selector):
        """Start it again where that is due; returns an exit status when all is over."""
        cause, ended = self._reset_cause, False
        loses_power = cause in ("reset", "power-on")  # somebody asked for it: the watchdog alone leaves it on
        if cause is None and self._gateway.starving_in_s() <= 0:
            cause = "watchdog"
            self._gateway.note("the watchdog was not fed in time: the gateway is killed and started again")
        if cause is None:
            return None
        selector.unregister(self._gateway.link)
        if cause == "ended":
            ended, cause = True, "reset"
        status = self._gateway.ended() if ended else self._gateway.kill()
        if ended and status == POWER_CUT:
            return POWER_CUT
        if ended and status != RESET and not self._boot.is_on_trial:  # then there is another version to go back to
            how = f"was killed by signal {-status}" if status < 0 else f"stopped with exit status {status}"
            return self._failed(f"The gateway {how}")
        if not self._ready and (ended or cause == "watchdog"):
            self._vain_resets += 1
        self._reset_cause = None
        return self._start(cause, selector, loses_power)

    def _hopeless(self):
        """Whether the version that the boot loader has chosen again and again never becomes ready: an exit status, or None."""
        if self._vain_resets >= _VAIN_RESETS:
            return self._failed(f"The gateway reset itself {_VAIN_RESETS} times without becoming ready")
        if not self._ready and time.monotonic() >= self._started_at + _READY_S:
            return self._failed(f"The gateway was not ready within {_READY_S:g} s")
        return None

    def _failed(self, what):
        tail = self._gateway.log_tail()
        print(f"rig: {what}; the end of its log ({self._options['log']}):\n{tail}", file=sys.stderr, flush=True)
        return 1

    def _start(self, cause, selector, loses_power):
        """Have the boot loader choose, and start that; returns an exit status if nothing could be started."""
        if loses_power:
            if self.modem and cause == "power-on" and self._started_at:
                self.modem.power_on()  # it has the same supply
            self._flash.power_on()
            self._failed_starts = 0
        before, self._ready = (self._boot.slot, self._ready), None
        if self._options["has_slots"]:
            try:
                boot = boot_loader.start(self._flash)
            except PowerCut:
                return POWER_CUT
            if boot is None:
                return self._failed("Neither slot holds a whole image")
            self._boot = boot
            if boot.slot != before[0]:
                self._gateway.note(f"the boot loader starts {boot.slot}{', on trial' if boot.is_on_trial else ''}")
                self._vain_resets = 0
        if self._boot.slot != before[0] or before[1] or not self._started_at:
            self._started_at = time.monotonic()
        self._air.forget()
        self.leds = {"green": "off", "red": "off"}
        self.ap = _NO_AP
        for line in self.field.lines.values():
            line.restart()
        self._gateway.start(self._argument(cause))
        assert self._gateway.link is not None
        selector.register(self._gateway.link, selectors.EVENT_READ, "gateway")
        self.send({"op": "wifi", "aps": self.wifi})
        self.send({"op": "pt1000", "ohm": self.ohm})
        return None

    def _argument(self, cause):
        options, world = self._options, self.field.world
        tty = {port: str(line.path) for port, line in self.field.lines.items()}
        if self.modem:
            tty["modem"] = str(self.modem.pty.path)
        return {
            "flash": str(options["flash"]),
            "operations": str(options["operations"]),
            "sd": options.get("sd"),
            "flash_log": options.get("flash_log"),
            "slot": self._boot.slot or None,
            "place": self._layout.places[self._boot.slot] if self._boot.slot and not options.get("is_frozen") else None,
            "partitions": self._layout.places,
            "release_keys": options.get("release_keys"),
            "trial_s": options.get("trial_s", _TRIAL_S),
            "failed_starts": self._failed_starts,
            "tty": {**tty, **options["ports"]},
            "board": options["board"],
            **self._ports,
            "settings": self._settings,
            "clock": {"unix": world.unix(), "scale": world.scale} if self.clock_set else None,
            "power_cut": options["power_cut"],
            "fast": options["fast"],
            "aps": self.wifi,
            "aioble": options.get("aioble"),
            "reset_cause": cause,
        }

    def _heard(self, message):
        try:
            self._event(message)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self._gateway.note(f"message from the gateway is not right: {message} ({error!r})")

    def _event(self, message):
        kind = message.get("event")
        if kind == "line":
            self.field.announce(message["port"], message["baud"], message["parity"], message["stop"])
        elif kind == "leds":
            self.leds = {"green": message["green"], "red": message["red"]}
        elif kind == "ap":
            self.ap = {"ssid": message["ssid"], "password": message["password"]}
        elif kind == "modem" and self.modem:
            self.modem.hold_reset(message["reset"])
        elif kind == "signal" and self.modem:
            self.modem.lights = message["lights"]
        elif kind == "fed":
            self._gateway.fed()
        elif kind == "starts":
            self._failed_starts = message["failed"]
        elif kind == "heap":
            with self._changed:
                self._heap = message
                self._changed.notify_all()
        elif kind in ("air", "ble"):
            self._air.heard(message)
        elif kind == "ready":
            self._became_ready(message)
        else:
            self._gateway.note(f"unknown message from the gateway: {message}")

    def _became_ready(self, message):
        for option, name in _PORTS.items():
            self._ports[option] = message.get(name) or self._ports[option]  # the same after a restart
        self._vain_resets = 0
        self._settings = None  # they were merged; from now on the flash has them
        with self._changed:
            self._ready = message
            self._generation += 1
            self._changed.notify_all()
