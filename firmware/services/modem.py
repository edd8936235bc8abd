"""The mobile network: leads the modem into data mode, watches the connection, and begins anew when it ends.

Failures make pauses that grow, and the modem is reset; a PIN that the card refused is never told again before another one is
set, over restarts and power cuts too, for the card locks itself. docs/network.md tells what people see.
"""

import asyncio
import hashlib
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from firmware.state import schema
from lib.modem.answer import Answer
from lib.modem.dialogue import Dialogue
from lib.modem.errors import ModemError
from lib.modem.lines import Lines

_LOOK_MS = const(50)  # at the connection: 4 KB come in 350 ms
_LISTEN_MS = const(10)  # at the answer to a command
_IDLE_MS = const(500)
_ADDRESS_MS = const(40000)
_GOODBYE_MS = const(15000)  # lwIP asks twice, at six seconds each
_RESET_MS = const(500)
_FIRST_PAUSE_S = const(5)
_TOP_PAUSE_S = const(600)
_RESET_FAILURES = const(3)  # in a row
_PROVEN_MS = const(120000)  # a connection that lasted so long was none that failed
_NONE_TRIED = {"tried": ""}
_NAMES = const(("apn", "user", "password", "auth", "pin"))
_HOPELESS = const(("pin_missing", "pin_wrong", "pin_tried", "puk"))  # until another PIN is set, or the card is changed


async def run(gateway):
    """Serve the modem, for ever: connected while gateway.platform.lan.is_wanted."""
    keeper = _Keeper(gateway, gateway.platform.lan)
    try:
        while True:
            if keeper.ppp.is_wanted:
                await keeper.serve()
            else:
                await asyncio.sleep_ms(_IDLE_MS)
    finally:
        keeper.ppp.close()


class _Keeper:
    def __init__(self, gateway, ppp):
        self.ppp = ppp
        self._gateway = gateway
        self._lines = Lines()
        self._buffer = bytearray(64)
        self._failures = 0
        self._told = ""  # the last trouble
        self._identity = ""
        self._mark = gateway.document(gateway.platform.root + "/modem_pin.json")

    async def serve(self):
        """One connection from its beginning to its end, and the pause behind it."""
        settings = self._settings()
        cause = "lost"
        try:
            await self._connect(settings)
            began = ticks_ms()
            while self.ppp.is_wanted and self._settings() == settings and self.ppp.look():
                await asyncio.sleep_ms(_LOOK_MS)
            if ticks_diff(ticks_ms(), began) > _PROVEN_MS:
                self._failures = 0
                self._told = ""
            if not self.ppp.is_wanted or self._settings() != settings:
                cause = ""
            else:
                self._tell(ModemError("lost"))
        except ModemError as error:
            cause = error.cause
            self._tell(error)
        except OSError as error:
            cause = "unexpected"
            self._tell(ModemError(cause, repr(error)))
        finally:
            self.ppp.close()
        await self._take_over()
        if cause == "":
            await self._hang_up()
            return
        self._failures += 1
        pause_s = min(_FIRST_PAUSE_S << min(self._failures - 1, 10), _TOP_PAUSE_S)
        if cause in _HOPELESS:
            pause_s = _TOP_PAUSE_S
        elif cause == "silent" or self._failures % _RESET_FAILURES == 0 or not await self._hang_up():
            await self._reset()
        await self._pause(pause_s, settings)

    async def _connect(self, settings):
        apn, user, password, auth, pin = settings
        if not pin:  # who empties the setting wants to begin anew
            self._mark_off()
        dialogue = Dialogue(apn, pin, self._may_try, self._mark_off)
        try:
            await self._lead(dialogue.connect(), dialogue)
        finally:
            identity = f"{dialogue.maker} {dialogue.model} {dialogue.imei}".strip()
            if identity and identity != self._identity:
                self._identity = identity
                self._gateway.events.add("network", "modem: " + identity)
        self.ppp.ssid = dialogue.operator
        self.ppp.open(user, password, auth == 1)
        until = ticks_add(ticks_ms(), _ADDRESS_MS)
        while not self.ppp.look():
            if self.ppp.is_refused:
                raise ModemError("login")
            if ticks_diff(until, ticks_ms()) <= 0:
                raise ModemError("no_address")
            await asyncio.sleep_ms(_LOOK_MS)

    async def _lead(self, steps, dialogue=None):
        """Do what a dialogue says, to its end; return what that returns."""
        answer = None
        while True:
            try:
                command, patience_ms = steps.send(answer)
            except StopIteration as end:
                return end.value
            answer = await self._ask(command, patience_ms)
            if dialogue and dialogue.signal_dbm != self.ppp.rssi:
                self.ppp.measured(dialogue.signal_dbm)

    async def _ask(self, command, patience_ms):
        """Send a command and return its Answer; for "" only wait."""
        line = self.ppp.line
        if not command:
            await asyncio.sleep_ms(patience_ms)
            return None
        answer = Answer(command)
        line.discard()
        self._lines.clear()
        await line.send(command.encode() if command == "+++" else command.encode() + b"\r")
        until = ticks_add(ticks_ms(), patience_ms)
        while ticks_diff(until, ticks_ms()) > 0:
            count = line.receive(self._buffer)
            for index in range(count):
                text = self._lines.feed(self._buffer[index])
                if text and answer.take(text):
                    return answer
            await asyncio.sleep_ms(0 if count else _LISTEN_MS)
        answer.final = ""
        return answer

    async def _take_over(self):
        """Wait until PPP has said goodbye: what the modem answers meanwhile goes to it."""
        until = ticks_add(ticks_ms(), _GOODBYE_MS)
        while not self.ppp.has_let_go():
            if ticks_diff(until, ticks_ms()) <= 0:
                self.ppp.drop()
            await asyncio.sleep_ms(_LOOK_MS)

    async def _hang_up(self):
        """Bring the modem back to commands; return whether that is so."""
        try:
            return await self._lead(Dialogue("", "", None, None).hang_up())
        except OSError:
            return False

    async def _reset(self):
        self.ppp.hold_reset(True)
        await asyncio.sleep_ms(_RESET_MS)
        self.ppp.hold_reset(False)

    async def _pause(self, pause_s, settings):
        """Wait; not for longer than the settings stay and the network is wanted."""
        until = ticks_add(ticks_ms(), 1000 * pause_s)
        while ticks_diff(until, ticks_ms()) > 0 and self.ppp.is_wanted and self._settings() == settings:
            await asyncio.sleep_ms(_IDLE_MS)

    def _settings(self):
        settings = self._gateway.settings
        return [settings.value(schema.find("modem_" + name)) for name in _NAMES]

    def _tell(self, error):
        """Leave an event, unless it was the same before."""
        if error.sentence != self._told:
            self._told = error.sentence
            self._gateway.events.add("network", "modem: " + error.sentence)

    def _may_try(self, pin):
        """Return whether the card may be told this PIN: a file remembers it from before it is told until it was right."""
        tried = _digest(pin)
        known = self._mark.load()
        if self._mark.failure:  # nobody knows: then it is not told
            raise self._mark.failure
        if known == {"tried": tried}:
            return False
        self._mark.save({"tried": tried})
        return True

    def _mark_off(self):
        if (self._mark.load() or _NONE_TRIED) != _NONE_TRIED:
            self._mark.save(_NONE_TRIED)


def _digest(pin):
    return "".join(["%02x" % byte for byte in hashlib.sha256(pin.encode()).digest()[:4]])
