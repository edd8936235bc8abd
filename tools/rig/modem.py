"""A simulated modem with a SIM card on a pseudo-terminal: AT commands as three makers' modems answer them, and data mode.

Behind CONNECT there is no PPP: it is played as firmware/port/ppp_fake.py tells.
"""

import json
import os
import select
import threading
import time

from tools.rig.errors import RigError
from tools.rig.pty_pair import PtyPair

# maker, model, what it says when it starts, what it says unasked amid answers, whether it knows LTE
_STYLES = {
    "SIM800": ("SIMCOM_Ltd", "SIMCOM_SIM800L", "RDY|+CFUN: 1|+CPIN: READY|Call Ready|SMS Ready", "+CREG: 1", False),
    "SIM7600": ("SIMCOM INCORPORATED", "SIMCOM_SIM7600E-H", "PB DONE", "+CGEV: EPS PDN ACT 1", True),
    "EC21": ("Quectel", "EC21", "RDY|+QIND: PB DONE", '+QIND: "csq",21,99', True),
}
_BOOT_S = 0.2
_IMEI = "866104023192342"


class Modem(threading.Thread):
    """`state` is what control() changes: style; sim (False: none), pin, tries; csq, registration (TS 27.007: 1 home, 2 looks,
    3 denied, 5 roaming), operator; apn, user, password: what the network takes; mute (True: no answer to anything)."""

    def __init__(self, path):
        super().__init__(name="modem", daemon=True)
        self.pty = PtyPair(path, 115200)
        self.state = {
            **{"style": "SIM800", "sim": True, "pin": "", "tries": 3, "csq": 21, "registration": 1, "operator": "Rig Mobile"},
            **{"apn": "internet", "user": "", "password": "", "mute": False},
        }
        self.resets = self.connections = self.pins = 0
        self.lights = 0
        self.login = None  # [security, user, key] as they were told last
        self._lock = threading.Lock()
        self._is_held = self._is_data = False
        self._is_open = self._has_echo = True
        self._line, self._apn = b"", ""
        self._starts_at = 0.0
        self._stopping = False
        self._power_on()
        self.start()

    # Called from other threads.

    def control(self, request):
        """Change the state; "drop": true ends the data connection. Returns all there is to know."""
        with self._lock:
            for name, value in request.items():
                if name in self.state:
                    self.state[name] = value
                elif name not in ("op", "drop"):
                    raise RigError(f"a modem has no {name!r}; it has {', '.join(self.state)}")
            if self.state["style"] not in _STYLES:
                raise RigError(f"there is no modem {self.state['style']!r}; there are {', '.join(_STYLES)}")
            if request.get("drop") and self._is_data:
                self._end()
            told = {"resets": self.resets, "connections": self.connections, "pins": self.pins}
            return {**self.state, **told, "is_data": self._is_data, "lights": self.lights, "login": self.login}

    def hold_reset(self, is_held):
        with self._lock:
            if self._is_held and not is_held:
                self.resets += 1
                self._power_on()
            self._is_held = is_held

    def power_on(self):
        """Its supply was away."""
        with self._lock:
            self._power_on()

    def close(self):
        self._stopping = True
        self.join(2)
        self.pty.close()

    # Its own thread.

    def run(self):
        while not self._stopping:
            select.select([self.pty.master], [], [], 0.02)
            with self._lock:
                self._turn(self.pty.read())

    def _power_on(self):
        self._is_data, self._has_echo, self._line = False, True, b""
        self._is_open = not self.state["pin"]
        self._starts_at = time.monotonic() + _BOOT_S

    def _turn(self, data):
        if self._is_held or self.state["mute"] or time.monotonic() < self._starts_at:
            return
        if self._starts_at:
            self._starts_at = 0.0
            self._say(*_STYLES[self.state["style"]][2].split("|"))
        for byte in data:
            self._take(bytes([byte]))

    def _take(self, byte):
        self._line += byte
        if self._is_data:
            if self._line.endswith(b"+++"):
                self._is_data, self._line = False, b""
                self._say("OK")
            elif byte == b"\n":
                line, self._line = self._line, b""
                if line.startswith(b"PPP "):
                    self._log_in(json.loads(line[4:]))
        elif byte == b"\r":
            line, self._line = self._line.decode("ascii", "replace").strip(), b""
            if self._has_echo:
                os.write(self.pty.master, line.encode() + b"\r")
            if line.upper().startswith("AT"):
                self._say(*self._answer(line[2:]))

    def _say(self, *lines):
        self.pty.write("".join(f"\r\n{line}\r\n" for line in lines).encode())

    def _log_in(self, login):
        self.login = login
        wanted = [self.state["user"], self.state["password"]]
        is_right = not wanted[0] or login[1:] == wanted
        self.connections += is_right
        self.pty.write(b"UP" if is_right else b"DENIED")

    def _end(self):
        self._is_data = False
        self._say("NO CARRIER")

    def _answer(self, command):
        state = self.state
        maker, model, _, unasked, has_lte = _STYLES[state["style"]]
        if command in ("", "E0", "E1", "+CMEE=1", "H"):
            self._has_echo = command == "E1" or (self._has_echo and command != "E0")
            return ["OK"]
        if command in ("+CGMI", "+CGMM", "+CGSN"):
            return [unasked, {"I": maker, "M": model, "N": _IMEI}[command[-1]], "OK"]
        if not state["sim"]:
            return ["+CME ERROR: 10"]
        if command.startswith("+CPIN"):
            return self._card(command)
        if command == "+CSQ":
            return [f"+CSQ: {state['csq']},0", "OK"]
        if command in ("+CEREG?", "+CGREG?", "+CREG?"):
            if command == "+CEREG?" and not has_lte:
                return ["ERROR"]
            return [unasked, f"{command[:-1]}: 0,{state['registration']}", "OK"]
        if command == "+COPS?":
            return [f'+COPS: 0,0,"{state["operator"]}"', "OK"]
        if command.startswith("+CGDCONT="):
            self._apn = command.split(",")[2].strip('"')
            return ["OK"]
        if command == "D*99#":
            if not self._is_open or self._apn != state["apn"] or state["registration"] not in (1, 5):
                return ["NO CARRIER"]
            self._is_data = True
            return ["CONNECT 115200"]
        return ["ERROR"]

    def _card(self, command):
        state = self.state
        if command == "+CPIN?":
            return [f"+CPIN: {'READY' if self._is_open else 'SIM PIN' if state['tries'] else 'SIM PUK'}", "OK"]
        self.pins += 1
        if not state["tries"] or command != f'+CPIN="{state["pin"]}"':
            state["tries"] = max(0, state["tries"] - 1)
            return ["+CME ERROR: 16"]
        state["tries"], self._is_open = 3, True
        return ["OK", "+CPIN: READY"]
