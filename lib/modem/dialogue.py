"""The way of a modem into data mode and out of it, without input and output: generators that say what to send and to wait for.

Each `yield (command, patience_ms)` hands over the text of a command, "" for a pause alone, and is sent the Answer, None after a
pause. Whoever runs it sends the command with a carriage return ("+++" without), feeds lines to Answer.take() and makes
`final` "" of it when the time is over. Failures are a ModemError.

Commands: 3GPP TS 27.007, ITU-T V.250. Nothing here is a maker's own: SIM800, SIM7600 and EC21 all take it.
"""

from micropython import const

from lib.modem.answer import fields, number
from lib.modem.errors import ModemError

_MOMENT_MS = const(1000)
_USUAL_MS = const(5000)
_WAKE_TRIES = const(30)  # at a second each: what a modem takes from its power key to the first answer
_STILL_CONNECTED = const(4)  # a try after which the modem is taken to be in data mode
_SIM_TRIES = const(15)  # at a second: a card is not ready at once
_LOOK_MS = const(2000)  # between two looks at the registration
_REGISTER_LOOKS = const(60)
_DENIED_LOOKS = const(15)  # a refusal may be of one of several networks
_PIN_MS = const(15000)
_OPERATOR_MS = const(10000)
_DIAL_MS = const(75000)  # the longest that makers name for an activation
_GUARD_MS = const(1200)  # of silence around +++
_UNKNOWN = const(99)
# Numbers of CME errors (TS 27.007, 9.2)
_NO_SIM = const(("10", "SIM not inserted"))
_SIM_SOON = const(("14", "SIM busy", "13", "SIM failure", "515", "3"))  # 13 of a card that is starting, too


class Dialogue:
    """`apn`, `pin`: of the settings. `may_try(pin)` is asked before the card is told a PIN, and has to remember it; the card
    locks itself after three wrong ones. `accepted()` is called when it was right.

    What was learned: `maker`, `model`, `imei`, `operator` (texts), `signal_dbm` (0: not known), `is_roaming`.
    """

    def __init__(self, apn, pin, may_try, accepted):
        self._apn = apn
        self._pin = pin
        self._may_try = may_try
        self._accepted = accepted
        self.maker = self.model = self.imei = self.operator = ""
        self.signal_dbm = 0
        self.is_roaming = False

    def connect(self):
        """From a modem that was just switched on, or is in command mode, to CONNECT."""
        yield from self._wake()
        yield from self._identify()
        yield from self._unlock()
        yield from self._register()
        answer = yield "AT+COPS?", _OPERATOR_MS
        found = fields(answer.text)
        self.operator = found[2] if len(found) > 2 else ""
        if '"' in self._apn or not (yield f'AT+CGDCONT=1,"IP","{self._apn}"', _USUAL_MS).is_ok:
            raise ModemError("apn")
        answer = yield "ATD*99#", _DIAL_MS
        if answer.final != "CONNECT":
            raise ModemError("no_carrier", answer.error)

    def hang_up(self):
        """From data mode to command mode; whether the modem did so, `is_ok` of the last Answer tells: if not, reset it."""
        yield "", _GUARD_MS
        yield "+++", _GUARD_MS
        return (yield "ATH", _USUAL_MS).is_ok

    def _wake(self):
        for number_of_try in range(_WAKE_TRIES):
            if (yield "AT", _MOMENT_MS).is_ok:
                break
            if number_of_try == _STILL_CONNECTED:  # from before a restart of ours
                yield "", _GUARD_MS
                yield "+++", _GUARD_MS
        else:
            raise ModemError("silent")
        yield "ATE0", _USUAL_MS
        yield "AT+CMEE=1", _USUAL_MS  # errors by numbers

    def _identify(self):
        words = []
        for command in ("AT+CGMI", "AT+CGMM", "AT+CGSN"):
            words.append((yield command, _USUAL_MS).text.strip('"'))
        self.maker, self.model, imei = words
        self.imei = imei if imei.isdigit() else ""

    def _unlock(self):
        """See that the card is there and open; a PIN is told once."""
        is_told = False
        answer = None
        for _ in range(_SIM_TRIES):
            answer = yield "AT+CPIN?", _USUAL_MS
            state = answer.text
            if answer.error in _NO_SIM:
                raise ModemError("no_sim")
            if state == "READY":
                if is_told:
                    self._accepted()
                return
            if state.startswith("SIM PUK"):
                raise ModemError("pin_wrong" if is_told else "puk")
            if state == "SIM PIN" and is_told:
                raise ModemError("pin_wrong")
            if state == "SIM PIN":
                is_told = True
                yield from self._tell_pin()
            elif state or (answer.error and answer.error not in _SIM_SOON):
                raise ModemError("sim_fault", state or answer.error)
            yield "", _MOMENT_MS
        raise ModemError("no_sim" if answer.error else "silent")

    def _tell_pin(self):
        if not self._pin:
            raise ModemError("pin_missing")
        if not 4 <= len(self._pin) <= 8 or not self._pin.isdigit():
            raise ModemError("pin_wrong")  # no card has such a one: nothing is lost by not telling it
        if not self._may_try(self._pin):
            raise ModemError("pin_tried")
        if (yield f'AT+CPIN="{self._pin}"', _PIN_MS).final == "ERROR":
            raise ModemError("pin_wrong")

    def _register(self):
        """Wait until a network has taken the modem in, for packets if the modem tells that apart."""
        denied = 0
        for _ in range(_REGISTER_LOOKS):
            yield from self._measure()
            states = []
            for command in ("AT+CEREG?", "AT+CGREG?", "AT+CREG?"):
                if command == "AT+CREG?" and states:
                    break  # it speaks of calls: it decides only where nothing else does
                state = _registration((yield command, _USUAL_MS))
                if state in (1, 5):
                    self.is_roaming = state == 5
                    return
                if state is not None:
                    states.append(state)
            denied = denied + 1 if 3 in states else 0
            if denied == _DENIED_LOOKS:
                raise ModemError("denied")
            yield "", _LOOK_MS
        raise ModemError("denied" if denied else "not_registered")

    def _measure(self):
        level = number(fields((yield "AT+CSQ", _USUAL_MS).text)[0])
        self.signal_dbm = 2 * level - 113 if level is not None and level <= 31 else 0


def _registration(answer):
    """Return the state out of the answer to AT+CREG? and its kin, None if there is none.

    What comes by itself has the same sign, but no first number of two: "+CREG: 1", '+CREG: 1,"00C3"'.
    """
    for line in answer.lines:
        found = line.split(",")
        if len(found) > 1 and number(found[0]) is not None and number(found[1].strip()) is not None:
            return number(found[1].strip())
    return None
