"""Discovery messages of Home Assistant: one for the gateway, one for each meter; who was announced and has left.

A message is some 10 KB, so it is a renderer (firmware/services/pieces.py), never a whole. Short keys throughout. Values come
from the messages of firmware/services/hass_state.py; a value that is missing there becomes "unknown", never zero. Source:
Home Assistant's MQTT documentation, as of 2026.
"""

from micropython import const

from firmware.services import push_topics as topics
from firmware.state.readings import PRESENT, SILENT, WATT_HOURS
from firmware.version import VERSION

_MISSED = const(3)  # messages, after which a value expires that no broker keeps

# name without digits, name for people, device class, unit, decimals shown, flags: d diagnostic, h hidden until wanted
_VALUES = (
    ("frequency", "Frequency", "frequency", "Hz", 2, ""),
    ("U", "Voltage", "voltage", "V", 1, ""),
    ("I", "Current", "current", "A", 3, ""),
    ("P", "Active power", "power", "W", 1, ""),
    ("Q", "Reactive power", "reactive_power", "var", 1, ""),
    ("S", "Apparent power", "apparent_power", "VA", 1, ""),
    ("PF", "Power factor", "power_factor", "", 3, ""),
    ("PA", "Power angle", "", "°", 1, "h"),
    ("Tint", "Meter temperature", "temperature", "°C", 1, "d"),
    ("THDI", "Current distortion", "", "%", 1, "h"),
    ("THDUp", "Voltage distortion", "", "%", 1, "h"),
)
_ENERGIES = (("Active energy", "energy", "kWh"), ("Reactive energy", "", "kvarh"), ("Apparent energy", "", "kVAh"))
# key, name, device class, unit, state class, flags
_OF_GATEWAY = (
    ("rssi", "Wi-Fi signal", "signal_strength", "dBm", "measurement", "d"),
    ("boot", "Started", "timestamp", "", "", "d"),
    ("crashes", "Failed tasks", "", "", "total_increasing", "d"),
    ("heap", "Free memory", "data_size", "B", "measurement", "dh"),
    ("lag_us", "Longest hold of the loop", "duration", "ms", "measurement", "dh"),
    ("temperature", "Temperature", "temperature", "°C", "measurement", ""),
    ("pulses", "Pulse counter", "", "", "total_increasing", ""),
)
_FINDER = "7M."  # begins the models that Finder sells


def gateway_id(gateway):
    return "sg_" + _plain(gateway.identity.serial)


def meter_id(gateway, device):
    """Return what stays the same when a meter moves to another slot, address or gateway."""
    if device.serial:
        return _plain(device.model) + "_" + _plain(device.serial)
    return gateway_id(gateway) + "_" + topics.place(device.slot).replace("/", "_")


def announced(gateway, link):
    """Yield (topic, slot, device) of what is to be announced on a link: the gateway, whose slot and device are None, first."""
    prefix = gateway.settings.get(f"hass{link}_prefix") + "/device/"
    yield prefix + gateway_id(gateway) + "/config", None, None
    for device in gateway.readings.devices:
        if not device.is_switch and device.groups and device.status in (PRESENT, SILENT):
            if topics.is_pushed(gateway.settings, device.slot, link):
                yield prefix + meter_id(gateway, device) + "/config", device.slot, device


def message(gateway, link, device):
    """Return render(out) of the message for a meter; None for the gateway."""
    return (_gateway if device is None else _meter)(gateway, link, device)


def _gateway(gateway, link, _):
    settings, platform = gateway.settings, gateway.platform
    identity = gateway_id(gateway)
    base = topics.base(gateway, link)
    serial = gateway.identity.serial
    model, address = platform.model, platform.network.address
    switches = [
        (device.slot, settings.get("ir_relay_desc" if device.slot == "rir" else f"rs485_desc_{device.slot}") or "Relay")
        for device in gateway.readings.devices
        if device.is_switch and topics.is_pushed(settings, device.slot, link)
    ]
    has = {"rssi": platform.network.mode == "WiFi"}
    has["temperature"], has["pulses"] = settings.get("adc_enabled"), settings.get("pulse_cnt_en")
    commands = topics.commands(gateway, link) if settings.get(f"push{link}_commands") else ""
    mac = ":".join(["%02x" % byte for byte in platform.mac])

    def render(out):
        out.put(b'{"dev":{"ids":"')
        out.put(identity)
        out.put(b'","cns":[["mac","')
        out.put(mac)
        out.put(b'"]],"name":')
        out.put_json(model + " " + serial)
        _put(out, b"mf", "OpenSG")
        _put(out, b"mdl", model)
        _put(out, b"sn", serial)
        _put(out, b"sw", VERSION)
        if address:
            _put(out, b"cu", "http://" + address + "/")
        yield
        yield from _begin(out, base, "", 0)
        comma = b'"'
        for key, name, device_class, unit, state_class, flags in _OF_GATEWAY:
            if has.get(key, True):
                out.put(comma)
                _sensor(out, key, serial, name, device_class, unit, state_class, flags)
                _value(out, "lag_us/1000" if key == "lag_us" else key, key == "boot")
                comma = b',"'
                yield
        for slot, name in switches:
            yield from _relay(out, base, serial, slot, name, commands)
        out.put(comma)
        _entity(out, "firmware", "update", serial, "Firmware")
        out.put(b',"dev_cla":"firmware","ent_cat":"config"')
        _put(out, b"stat_t", base + "/firmware")
        out.put(b'},"restart":{"p":"button"')
        yield
        if commands:
            out.put(b',"name":"Restart","dev_cla":"restart","ent_cat":"config","pl_prs":"{\\"cmd\\":\\"restart\\"}"')
            _put(out, b"uniq_id", serial + "_restart")
            _put(out, b"cmd_t", commands)
        out.put(b"}}}")
        yield

    return render


def _relay(out, base, serial, slot, name, commands):
    """A switch where commands are allowed, else what shows its state; the other one of the two is told to go."""
    key = "relay_" + topics.place(slot).replace("/", "_")
    number = 0 if slot == "rir" else slot
    out.put(b',"')
    _entity(out, key if commands else key + "_state", "switch" if commands else "binary_sensor", serial, name)
    state = base + "/state/" + topics.place(slot)
    _put(out, b"stat_t", state)
    out.put(b',"val_tpl":"{{value_json.relay|is_defined}}","')
    out.put(b'stat_on":"1","stat_off":"0"' if commands else b'pl_on":"1","pl_off":"0"')
    yield
    for wanted, put in (("on", b"pl_on"), ("off", b"pl_off")):
        if commands:
            _put(out, put, f'{{"cmd":"relay","index":{number},"val":"{wanted}"}}')
    if commands:
        _put(out, b"cmd_t", commands)
    out.put(b',"avty":[')
    _put_availability(out, base + "/status", "{{value_json.state}}")
    out.put(b",")
    _put_availability(out, state, "{{'online' if value_json.relay is defined else 'offline'}}")
    out.put(b'],"avty_mode":"all"},"')
    out.put(key + "_state" if commands else key)
    out.put(b'":{"p":"binary_sensor"}' if commands else b'":{"p":"switch"}')
    yield


def _meter(gateway, link, device):
    settings = gateway.settings
    identity, parent = meter_id(gateway, device), gateway_id(gateway)
    base = topics.base(gateway, link)
    place = topics.place(device.slot)
    expire_s = 0 if settings.get(f"push{link}_retain") else _MISSED * topics.interval_s(settings, device.slot)
    model, serial, software, hardware = device.model, device.serial, device.software, device.hardware
    unique = serial or identity
    rows = device.groups["measurements"].rows
    is_single = device.phases == 1
    counters = _counters(device)

    def render(out):
        out.put(b'{"dev":{"ids":"')
        out.put(identity)
        out.put(b'","name":')
        out.put_json(model + " " + serial if serial else model)
        _put(out, b"mf", "Finder" if model.startswith(_FINDER) else "Iskra")
        _put(out, b"mdl", model)
        if serial:
            _put(out, b"sn", serial)
        if software:
            _put(out, b"sw", "%d.%02d" % (software // 100, software % 100))
        if hardware:
            _put(out, b"hw", hardware)
        _put(out, b"via_device", parent)
        yield
        yield from _begin(out, base, "/" + place, expire_s)
        for row in rows:
            key = row[0]
            stem = key.rstrip("0123456789")
            phase = key[len(stem) :]
            if is_single and phase == "1" and stem in ("P", "Q", "S", "PF", "PA"):
                continue  # the total once more
            for name, words, device_class, unit, decimals, flags in _VALUES:
                if name == stem:
                    name = words + _phase(phase)
                    _sensor(out, key, unique, name, device_class, unit, "measurement", flags, expire_s)
                    out.put(b',"sug_dsp_prc":')
                    out.put_int(decimals)
                    _value(out, key)
                    out.put(b',"')
                    yield
                    if stem == "PF":
                        _sensor(out, key + "cap", unique, name + " side", "enum", "", "", "h", expire_s)
                        out.put(b',"ops":["Ind","Cap"]')
                        _put(out, b"val_tpl", "{{'Cap' if value_json." + key + "cap|is_defined else 'Ind'}}")
                        out.put(b'},"')
                        yield
        for key, words, device_class, unit, state_class in counters:
            _sensor(out, key, unique, words, device_class, unit, state_class, "", expire_s)
            out.put(b',"sug_dsp_prc":2')
            _value(out, key)
            out.put(b',"')
            yield
        _sensor(out, "tariff", unique, "Active tariff", "enum", "", "", "d", expire_s)
        out.put(b',"ops":["1","2","3","4","5","6"]')
        _value(out, "tariff", True)
        out.put(b',"')
        _sensor(out, "errors", unique, "Bus errors", "", "", "total_increasing", "dh", expire_s)
        _value(out, "errors")
        out.put(b"}}")
        yield

    return render


def _counters(device):
    """Return [(key, name, device class, unit, state class)] of the counters that count something."""
    found = []
    group = device.groups["counters"]
    for index in range(len(group.rows)):
        unit = group.unit[index]
        if unit < WATT_HOURS:
            continue
        key = group.rows[index][0]
        words, device_class, unit = _ENERGIES[unit - WATT_HOURS]
        direction = device.direction(index)
        phase = device.phases_of[index]
        words += (" " + direction if direction else "") + (_phase(str(phase)) if phase else "") + " (" + key + ")"
        found.append((key, words, device_class, unit, "total" if direction == "bidirectional" else "total_increasing"))
    return found


def _begin(out, base, place, expire_s):
    """From behind the device to the first component's key; a meter's place begins with a slash, the gateway has none."""
    out.put(b'},"o":{"name":"OpenSG","sw":"')
    out.put(VERSION)
    out.put(b'"},"avty":[')
    _put_availability(out, base + "/status", "{{value_json.state}}")
    if place:
        out.put(b",")
        _put_availability(out, base + "/status" + place, "{{value_json.state}}")
        out.put(b'],"avty_mode":"all"')
    else:
        out.put(b"]")
    _put(out, b"stat_t", base + "/state" + place)
    out.put(b',"qos":1,"cmps":{')
    if place:
        out.put(b'"')
    yield


def _put_availability(out, topic, template):
    out.put(b'{"t":')
    out.put_json(topic)
    _put(out, b"val_tpl", template)
    out.put(b"}")


def _entity(out, key, platform, serial, name):
    """Behind the quote before its key; the object stays open."""
    out.put(key)
    out.put(b'":{"p":"')
    out.put(platform)
    out.put(b'"')
    _put(out, b"uniq_id", serial + "_" + key)
    _put(out, b"name", name)


def _sensor(out, key, serial, name, device_class, unit, state_class, flags, expire_s=0):
    _entity(out, key, "sensor", serial, name)
    if device_class:
        _put(out, b"dev_cla", device_class)
    if unit:
        _put(out, b"unit_of_meas", unit)
    if state_class:
        _put(out, b"stat_cla", state_class)
    if "d" in flags:
        _put(out, b"ent_cat", "diagnostic")
    if "h" in flags:
        out.put(b',"en":false')
    if expire_s:
        out.put(b',"exp_aft":')
        out.put_int(expire_s)


def _value(out, key, keeps=False):
    """The template of a value, and the component's end. What is missing is unknown; what `keeps` has its old state then, for
    only numbers may be unknown in older releases."""
    _put(out, b"val_tpl", "{{value_json." + key + ("|is_defined}}" if keeps else "|default(none)}}"))
    out.put(b"}")


def _put(out, key, text):
    out.put(b',"')
    out.put(key)
    out.put(b'":')
    out.put_json(text)


def _phase(digits):
    """ " L1", " L1-L2", or nothing for the total."""
    return "" if digits in ("", "0") else " L" + "-L".join(list(digits))


def _plain(text):
    """What may stand in a discovery topic."""
    return "".join([sign if sign.isalpha() and ord(sign) < 128 or sign.isdigit() else "_" for sign in text.lower()])
