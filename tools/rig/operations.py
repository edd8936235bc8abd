"""What each operation of the control channel does (design, section 8)."""

import threading

from tools.rig.errors import RigError
from tools.rig.faults import LINE_FAULTS, METER_FAULTS
from tools.rig.meter import Meter
from tools.rig.pt1000 import resistance
from tools.rig.relay_command import RelayCommand

DEFAULT_WIFI = [{"ssid": "Urbancic", "psk": "", "rssi": -35, "auth": "wpa2", "hidden": False}]
_CHEAP_S = 5.0  # patience with the gateway's answer
_START_S = 60.0  # and with its start


class Operations:
    """`station` has field, send(message), ask_heap(timeout_s), reset(cause, timeout_s), operations(), leds, ap, wifi."""

    def __init__(self, station):
        self._station = station
        self._field = station.field

    def operate(self, request):
        """The answer to one request: {"ok": true, ...} or {"error": "one sentence"}."""
        name = request.get("op")
        method = getattr(self, f"_op_{name}", None) if isinstance(name, str) else None
        if method is None:
            known = sorted(n[4:] for n in dir(self) if n.startswith("_op_"))
            return {"error": f"there is no operation {name!r}; there are {', '.join(known)}"}
        try:
            return {"ok": True, **(method(request) or {})}
        except RigError as error:
            return {"error": str(error)}
        except (TypeError, KeyError, AttributeError, ValueError, OverflowError) as error:
            return {"error": f"this request is not right for {name}: {error!r}"}

    # The field.

    def _op_meter(self, request):
        meter = self._field.meter(request.get("name"))
        if "fault" in request:
            meter.fault = _one_of(getattr(meter, "FAULTS", METER_FAULTS), request["fault"], "fault of a meter")
        if "set" in request:
            meter.pin(request["set"])
        if "command_relay" in request:
            self._command_relay(meter, request["command_relay"])
        answer = {"name": meter.name, "port": meter.port, "address": meter.address, "model": meter.model}
        if getattr(meter, "relay_command", None):
            answer["relay_command"] = meter.relay_command.result
        return {**answer, "serial": meter.serial, "fault": meter.fault, "values": meter.present()}

    def _command_relay(self, meter, state):
        if meter.port != "ir_left" or not isinstance(meter, Meter):
            raise RigError(f"{meter.name} is no meter on ir_left, which alone can command the switch")
        command = RelayCommand(_one_of((0, 1), state, "state of a relay"), meter.show_relay)
        meter.relay_command = command
        self._field.line(meter.port).command_relay(command)

    def _op_line(self, request):
        line = self._field.line(request.get("port"))
        line.set_fault(_one_of(LINE_FAULTS, request.get("fault"), "fault of a line"))
        return {"port": line.port, "fault": line.fault}

    def _op_wire(self, request):
        return self._field.line(request.get("port")).statistics()

    def _op_field(self, _):
        meters = [
            {"name": m.name, "port": m.port, "address": m.address, "model": m.model, "serial": m.serial}
            for m in self._field.meters.values()
        ]
        lines = {port: {"tty": str(line.path), "fault": line.fault} for port, line in self._field.lines.items()}
        return {"meters": meters, "lines": lines}

    # What the gateway feels.

    def _op_button(self, request):
        if "down" in request:
            self._station.send({"op": "button", "down": bool(request["down"])})
            return
        held_s = _number(request, "press_ms") / 1000
        self._station.send({"op": "button", "down": True})
        release = threading.Timer(held_s, self._station.send, [{"op": "button", "down": False}])
        release.daemon = True
        release.start()

    def _op_leds(self, _):
        return self._station.leds

    def _op_wifi(self, request):
        aps = request.get("aps")
        if not isinstance(aps, list) or not all(isinstance(ap, dict) and "ssid" in ap for ap in aps):
            raise RigError('"aps" is a list of objects with at least "ssid"')
        self._station.wifi = [{**DEFAULT_WIFI[0], **ap} for ap in aps]
        self._station.send({"op": "wifi", "aps": self._station.wifi})

    def _op_modem(self, request):
        if not self._station.modem:
            raise RigError("this board has no modem")
        return self._station.modem.control(request)

    def _op_ap(self, _):
        return self._station.ap

    def _op_pulse(self, request):
        message = {"op": "pulse", "count": int(_number(request, "count")), "bounce": int(request.get("bounce", 0))}
        self._station.send(message)

    def _op_pt1000(self, request):
        if "fault" in request:
            ohm = {"open": None, "short": 0}[_one_of(("open", "short"), request["fault"], "fault of a Pt1000")]
        elif "ohm" in request:
            ohm = _number(request, "ohm")
        else:
            ohm = round(resistance(_number(request, "celsius")), 4)
        self._station.ohm = ohm
        self._station.send({"op": "pt1000", "ohm": ohm})
        return {"ohm": ohm}

    def _op_clock(self, request):
        unix = _number(request, "unix")
        self._field.world.set(unix)
        self._station.clock_set = True
        self._station.send({"op": "clock", "unix": unix, "scale": self._field.world.scale})

    # The gateway itself.

    def _op_reset(self, request):
        cause = _one_of(("reset", "power-on", "watchdog"), request.get("cause", "reset"), "reset cause")
        return self._station.reset(cause, _START_S)

    def _op_heap(self, _):
        return self._station.ask_heap(_CHEAP_S)

    def _op_flash(self, _):
        return {"operations": self._station.operations()}

    def _op_ready(self, _):
        return self._station.ready_line()


def _one_of(known, name, what):
    if name not in known:
        raise RigError(f"there is no {what} {name!r}; there are {', '.join(known)}")
    return name


def _number(request, name):
    value = request.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise RigError(f'"{name}" is a number, not {value!r}')
    return value
