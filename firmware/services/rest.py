"""The REST interface of the SG manual, 3.6: /get_command and /post_command.

Answers are compact JSON, put together piece by piece in the response's buffer. A device that does not answer now keeps its
header but has no values; one that is off or was never found has the model "0". Source of what the manual does not show: the
device sheet, 6.
"""

from micropython import const

from firmware.services import sg_text
from firmware.state.readings import DISABLED, NOT_DETECTED, PRESENT, SILENT
from lib.http.errors import HttpError
from lib.modbus.errors import FrameError, PeerError

_ROOM = const(300)  # flush when less is left: more than any one step below puts
_MOST_SLOTS = const(16)
_DEGREES = const(9)  # from here on units (deg, C, %) are of values in hundredths
_NAMES_OF_VALUES = ("average", "maximum", "minimum")  # &values=: of the meter's last interval instead of now


class Rest:
    """`info`: see firmware/services/info.py; `login.check(request)` raises for whoever may not change the device."""

    def __init__(self, readings, settings, clock, info, login):
        self._readings = readings
        self._settings = settings
        self._clock = clock
        self._info = info
        self._login = login

    def find(self, method, path):
        """Return the handler of a method and path, None if it is not ours."""
        if path == "/get_command":
            return self._get if method == "GET" else None
        if path == "/post_command":
            return self._post if method == "POST" else None
        return None

    async def _get(self, request, response):
        command = request.query("command") or ""
        if command == "get_status":
            await _put_object(response, self._info.status())
        elif command == "get_devices":
            await _put_object(response, self._device_items())
        elif command == "get_bicoms":
            await _put_object(response, self._bicom_items())
        elif command == "get_statistics":
            await _put_object(response, self._info.statistics())
        elif command.startswith("get_measurements"):
            await self._measurements(request, response, command)
        elif command.startswith("get_counters"):
            await self._counters(request, response, command)
        else:
            self._unknown(response, command)

    def _unknown(self, response, command):
        response.put(b'{"header":{"cmd":')
        response.put_json(command[:64])
        self._put_time(response)
        response.put(b',"model":"0"}}')

    def _device(self, request, suffix):
        """Return the device that a command means: its slot by suffix, &index= or &number=; None if there is none."""
        number = request.query("number")
        if number is not None:
            known = [device for device in self._readings.meters() if device.status in (PRESENT, SILENT)]
            return known[int(number) - 1] if number.isdigit() and 0 < int(number) <= len(known) else None
        index = request.query("index")
        if index is None:
            index = suffix
        if index == "":
            device = self._readings.device("lir")
        else:
            device = self._readings.device(int(index)) if index.isdigit() and len(index) < 3 else None
        if device is None or device.is_switch or device.status in (NOT_DETECTED, DISABLED):
            return None
        return device

    async def _measurements(self, request, response, command):
        device = self._device(request, command[16:])
        if device is None:
            return self._unknown(response, command)
        values = request.query("values")
        if values is not None and values not in _NAMES_OF_VALUES:
            raise HttpError(400, "values may be average, maximum or minimum")
        group = await self._interval(device, values) if values else device.group("measurements")
        self._put_header(response, "get_measurements", device)
        response.put(b'},"measurements":{')
        if group is not None:
            comma = b'"'
            for index in range(len(group.rows)):
                name = group.rows[index][0]
                if group.has(index):
                    response.put(comma)
                    response.put(name)
                    response.put(b'":')
                    _put_measurement(response, name, group, index)
                    comma = b',"'
            if device.tariff:
                response.put(comma)
                response.put(b'tariff":')
                response.put_int(device.tariff)
        response.put(b"}}")
        return None

    @staticmethod
    async def _interval(device, values):
        """Ask the meter for the values of its last interval; None if it has none."""
        try:
            return await device.interval(values)
        except (FrameError, PeerError):
            return None

    async def _counters(self, request, response, command):
        device = self._device(request, command[12:])
        if device is None:
            return self._unknown(response, command)
        self._put_header(response, "get_energy_counters", device)
        response.put(b',"resetable_counters":')
        response.put_int(device.resettable)
        response.put(b',"non_resetable_counters":')
        response.put_int(device.non_resettable)
        response.put(b'},"counters":{')
        group = device.group("counters")
        if group is not None:
            for index, (name, *_) in enumerate(group.rows):
                self._put_name(response, name, index)
                sg_text.put_counter(response, group.mantissa[index], group.exponent[index], group.unit[index])
            await _room(response)
            response.put(b'},"settings":{')
            for index, (name, *_) in enumerate(group.rows):
                self._put_name(response, "phase" + name[7:], index)
                phase = device.phases_of[index]
                if phase:
                    response.put(b'"Phase ')
                    response.put_int(phase)
                    response.put(b'"')
                else:
                    response.put(b'""')
            await _room(response)
            for index, (name, *_) in enumerate(group.rows):
                self._put_name(response, "tariff" + name[7:], 1)
                response.put(b'"')
                for tariff in range(6):
                    if device.tariffs[index] >> tariff & 1:
                        response.put_int(tariff + 1)
                        response.put(b" ")
                response.put(b'"')
        else:
            response.put(b'},"settings":{')
        response.put(b"}}")
        return None

    def _put_header(self, response, command, device):
        """The four keys of the manual; the object stays open."""
        response.put(b'{"header":{"cmd":"')
        response.put(command)
        response.put(b'"')
        self._put_time(response)
        response.put(b',"model":')
        response.put_json(device.model)
        response.put(b',"serial_number":')
        response.put_json(device.serial)

    def _put_time(self, response):
        response.put(b',"local_time":"')
        response.put(self._clock.local_text())
        response.put(b'"')

    @staticmethod
    def _put_name(response, name, index):
        """The name of a value, behind a comma unless it is the first."""
        response.put(b',"' if index else b'"')
        response.put(name)
        response.put(b'":')

    def _device_items(self):
        readings, settings = self._readings, self._settings
        yield "total_meas", len([d for d in readings.devices if not d.is_switch and d.status in (PRESENT, SILENT)])
        yield "total_bicom", len([d for d in readings.devices if d.is_switch])
        for slot in ("lir", "rir") + tuple(range(1, _MOST_SLOTS + 1)):
            device = readings.device(slot)
            if device is None:
                model = "Disabled"
            elif device.status == NOT_DETECTED and not device.model:
                model = "Not Detected"
            else:
                model = device.model
            if isinstance(slot, int):
                yield f"rs485_description_{slot}", settings.get(f"rs485_desc_{slot}")
            yield f"device_{slot}_model", model
            yield f"device_{slot}_serial", device.serial if device else ""
            yield f"device_{slot}_addr", device.address if device else 0

    def _bicom_items(self):
        readings, settings = self._readings, self._settings
        yield "bicoms total", len([device for device in readings.devices if device.is_switch])
        infrared = readings.device("rir")
        yield "ir_bicom_state", infrared.relay if infrared else 255
        yield "ir_bicom_description", settings.get("ir_relay_desc")
        for number, device in enumerate(self._rs485_switches()):
            yield f"bicom_485_{number + 1}_index", device.slot
            yield f"bicom_485_{number + 1}_state", device.relay
            yield f"rs485_description_{number + 1}", settings.get(f"rs485_desc_{device.slot}")
        yield "local_time", self._clock.local_text()

    def _rs485_switches(self):
        return [device for device in self._readings.devices if device.is_switch and device.slot != "rir"]

    async def _post(self, request, response):
        self._login.check(request)
        command = (await request.form_value("command") or "").upper()
        if command == "PULSE_RESET":
            self._info.reset_pulses()
            response.status = 204
            return
        device = None
        wanted = command
        if command.startswith("485_"):
            number, _, wanted = command[4:].partition("_")
            switches = self._rs485_switches()
            if number.isdigit() and 0 < int(number) <= len(switches):
                device = switches[int(number) - 1]
        elif wanted in ("ON", "OFF", "TOGGLE"):
            mode = self._settings.get("ir_ext_rel_mode")
            if mode == 2:
                raise HttpError(409, "the switch is controlled by the meter on the left: IR Relay Operating Mode")
            device = self._readings.device("rir")
        if wanted not in ("ON", "OFF", "TOGGLE"):
            raise HttpError(400, "command may be ON, OFF, TOGGLE, 485_1_ON and the like, or PULSE_RESET")
        if device is None:
            raise HttpError(404, "no such switch is connected")
        try:
            await device.switch(wanted.lower())
        except FrameError as error:
            raise HttpError(504, "the switch does not answer: " + error.reason)
        except PeerError as error:
            raise HttpError(502, "the switch refused: " + str(error))
        response.status = 204


def _put_measurement(response, name, group, index):
    mantissa, exponent, unit = group.mantissa[index], group.exponent[index], group.unit[index]
    if name.startswith("PF"):
        sg_text.put_power_factor(response, mantissa, unit)
    elif unit >= _DEGREES:
        sg_text.put_hundredths(response, mantissa)
    else:
        sg_text.put_value(response, mantissa, exponent, unit)


async def _room(response):
    if response.room < _ROOM:
        await response.flush()


async def _put_object(response, items):
    """Put (key, value) pairs as an object; values are str, int or bool. Long ones are sent in pieces."""
    comma = b"{"
    for key, value in items:
        await _room(response)
        response.put(comma)
        response.put_json(key)
        response.put(b":")
        if isinstance(value, str):
            response.put_json(value)
        else:
            response.put_int(int(value))
        comma = b","
    response.put(b"{}" if comma == b"{" else b"}")
