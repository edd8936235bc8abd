"""The air between phones and the gateway: JSON lines over TCP, each connection a phone (design, section 8).

What the gateway advertises is known here; all else is asked of its fake Bluetooth (firmware/port/bluetooth_fake.py) over the
link. While the gateway's Bluetooth is off nobody answers, and no phone is connected.
"""

import itertools
import threading

from tools.rig.control import Control

_SCAN_S = 3.0  # that a phone listens for advertisements
_LONGEST_S = 35.0  # a phone gives up after 30 s
_OPERATIONS = ("connect", "discover", "write", "read", "disconnect")
_SILENCE = {"adv": "", "resp": "", "central": None}


class Air:
    """`send(message)` takes a message to the gateway. heard() and forget() are called by the main thread."""

    def __init__(self, send):
        self._send = send
        self._changed = threading.Condition()
        self._present = _SILENCE
        self._answers = {}  # number of an operation: its answer, None while it is waited for
        self._numbers = itertools.count(1)
        self._centrals = itertools.count(1)
        self._server = Control(self._operate, self._central)
        self.address = self._server.address

    def close(self):
        self._server.close()

    def heard(self, message):
        """The gateway told what is in the air, or answered."""
        with self._changed:
            if message["event"] == "air":
                self._present = message
            elif message["id"] in self._answers:
                self._answers[message["id"]] = message["answer"]
            self._changed.notify_all()

    def forget(self):
        """The gateway starts: its radio is off."""
        with self._changed:
            self._present = _SILENCE
            for number in self._answers:
                self._answers[number] = {"error": "disconnected"}
            self._changed.notify_all()

    def _central(self):
        """Arguments of _operate() for a phone that comes, and what is to be done when it goes."""
        number = next(self._centrals)
        return (number,), lambda: self._operate({"op": "disconnect"}, number)

    def _operate(self, request, central):
        operation = request.get("op")
        if operation == "scan":
            with self._changed:
                self._changed.wait_for(lambda: self._present["adv"], _SCAN_S)
                return {"adv": self._present["adv"], "resp": self._present["resp"]}
        if operation not in _OPERATIONS:
            return {"error": f"there is no operation {operation!r}; there are scan, {', '.join(_OPERATIONS)}"}
        if not _is_right(operation, request):
            return {"error": f'this request is not right for {operation}: "handle" is a number, "hex" an even number of digits'}
        with self._changed:
            if operation == "connect" and not self._present["adv"]:
                return {"error": "nothing is there to connect to"}
            if operation != "connect" and self._present["central"] != central:
                return {"error": "not connected"}
            number = next(self._numbers)
            self._answers[number] = None
            self._send({**request, "op": "ble", "do": operation, "id": number, "central": central})
            self._changed.wait_for(lambda: self._answers[number] or self._is_lost(operation, central), _LONGEST_S)
            answer = self._answers.pop(number)
        return answer or ({"ok": True} if operation == "disconnect" else {"error": "disconnected"})

    def _is_lost(self, operation, central):
        return operation != "connect" and self._present["central"] != central


def _is_right(operation, request):
    if operation in ("write", "read") and not isinstance(request.get("handle"), int):
        return False
    if operation != "write":
        return True
    try:
        bytes.fromhex(request["hex"])
    except (KeyError, TypeError, ValueError):
        return False
    return True
