"""Discovery messages of Home Assistant: one for the gateway, one for each meter.

A message is some 10 KB, so it is a renderer (firmware/services/pieces.py), never a whole. Short keys throughout. Values come
from state() of firmware/services/payload_flat.py; a value that is missing there becomes "unknown", never zero. Source:
Home Assistant's MQTT documentation, as of 2026.
"""

from json import dumps

from micropython import const

from firmware.services import push_topics as topics
from firmware.state.readings import PRESENT, SILENT, WATT_HOURS
from firmware.version import VERSION

_MISSED = const(3)  # messages, after which a value expires that no broker keeps

# Name without digits, name for people, device class, unit, decimals shown, flags. These are: m measurement, i increasing total,
# t total, d diagnostic, h hidden until wanted, k keeps its state while the value is missing, for only numbers may be unknown.
# Text, for text costs little where constants are frozen.
_VALUES = const("""
frequency|Frequency|frequency|Hz|2|m
U|Voltage|voltage|V|1|m
I|Current|current|A|3|m
P|Active power|power|W|1|m
Q|Reactive power|reactive_power|var|1|m
S|Apparent power|apparent_power|VA|1|m
PF|Power factor|power_factor||3|m
PA|Power angle||°|1|mh
Tint|Meter temperature|temperature|°C|1|md
THDI|Current distortion||%|1|mh
THDUp|Voltage distortion||%|1|mh
Pavg|Average power of the last period|power|W|1|m
Pmax|Maximum demand import|power|W|1|m
PmaxExp|Maximum demand export|power|W|1|m
""")
_ENERGIES = const("Active energy|energy|kWh\nReactive energy||kvarh\nApparent energy||kVAh")  # in the order of their units
# Key, name, device class, unit, flags
_OF_GATEWAY = const("""
boot|Started|timestamp||dk
crashes|Failed tasks|||id
heap|Free memory|data_size|B|mdh
lag_ms|Longest hold of the loop|duration|ms|mdh
rssi|Signal|signal_strength|dBm|md
temperature|Temperature|temperature|°C|m
pulses|Pulse counter|||i
""")
_ONCE_MORE = const(("P", "Q", "S", "PF", "PA"))  # of which a single-phase meter has the total as phase 1 too
_STATE = const("{{value_json.state}}")
_TARIFFS = ',"ops":["1","2","3","4","5","6"]'
_SIDES = ',"ops":["Ind","Cap"]'


def announced(gateway, link):
    """Yield (topic, slot, device) of what is to be announced on a link: the gateway, whose slot and device are None, first."""
    prefix = gateway.settings.get(f"hass{link}_prefix") + "/device/"
    yield prefix + _gateway_id(gateway) + "/config", None, None
    for device in gateway.readings.devices:
        if not device.is_switch and device.groups and device.status in (PRESENT, SILENT):
            if topics.is_pushed(gateway.settings, device.slot, link):
                yield prefix + _meter_id(gateway, device) + "/config", device.slot, device


def message(gateway, link, device):
    """Return render(out) of the message for a meter; None for the gateway."""
    parts = (_gateway if device is None else _meter)(gateway, link, device)

    def render(out):
        for part in parts():
            out.put(part)
            yield

    return render


def _gateway_id(gateway):
    return "sg_" + _plain(gateway.identity.serial)


def _meter_id(gateway, device):
    """Return what stays the same when a meter moves to another slot, address or gateway."""
    if device.serial:
        return _plain(device.model) + "_" + _plain(device.serial)
    return _gateway_id(gateway) + "_" + _plain(topics.place(device.slot))


def _gateway(gateway, link, _):
    settings, network = gateway.settings, gateway.platform.network
    base, serial, model = topics.base(gateway, link), gateway.identity.serial, gateway.platform.model
    mac = ":".join(["%02x" % byte for byte in gateway.platform.mac])
    head = (_gateway_id(gateway), mac, model, serial, model, serial, VERSION, network.address, settings.get("http_port"))
    commands = settings.get(f"push{link}_commands") and topics.commands(gateway, link)
    absent = ("rssi",) if network.mode == "Ethernet" else ()
    absent += () if settings.get("adc_enabled") else ("temperature",)
    absent += () if settings.get("pulse_cnt_en") else ("pulses",)
    switches = [
        (device.slot, settings.get("ir_relay_desc" if device.slot == "rir" else f"rs485_desc_{device.slot}"))
        for device in gateway.readings.devices
        if device.is_switch and topics.is_pushed(settings, device.slot, link)
    ]

    def parts():
        yield (
            '{"dev":{"ids":"%s","cns":[["mac","%s"]],"name":"%s %s","mf":"OpenSG","mdl":"%s","sn":"%s","sw":"%s",'
            '"cu":"http://%s:%d/"}' % head
        )
        yield from _shared(base, "")
        yield (
            '"firmware":{"p":"update","uniq_id":"%s_firmware","name":"Firmware","dev_cla":"firmware","ent_cat":"config",'
            '"stat_t":%s' % (serial, dumps(base + "/firmware"))
        )
        if commands:
            yield ',"cmd_t":%s,"pl_inst":"{\\"cmd\\":\\"upgrade\\"}"' % dumps(commands)
        yield "}"
        for row in _OF_GATEWAY.strip().split("\n"):
            key, name, kind, unit, flags = row.split("|")
            if key not in absent:
                yield _sensor(key, serial, name, kind, unit, flags)
        for slot, name in switches:
            yield from _relay(base, serial, slot, name or "Relay", commands)
        yield ',"restart":{"p":"button"'  # no more than that has it removed
        if commands:
            yield (
                ',"uniq_id":"%s_restart","name":"Restart","dev_cla":"restart","ent_cat":"config","cmd_t":%s,'
                '"pl_prs":"{\\"cmd\\":\\"restart\\"}"' % (serial, dumps(commands))
            )
        yield "}}}"

    return parts


def _relay(base, serial, slot, name, commands):
    """A switch where commands are allowed, else what shows its state; the other one of the two is removed."""
    place = topics.place(slot)
    state = base + "/state/" + place
    key = "relay_" + _plain(place)
    if commands:
        yield ',"%s_state":{"p":"binary_sensor"},"%s":{"p":"switch","stat_on":"1","stat_off":"0","qos":1' % (key, key)
        yield ',"cmd_t":%s' % dumps(commands)
        for wanted in ("on", "off"):
            command = '{"cmd":"relay","index":%d,"val":"%s"}' % (0 if slot == "rir" else slot, wanted)
            yield ',"pl_%s":%s' % (wanted, dumps(command))
    else:
        yield ',"%s":{"p":"switch"},"%s_state":{"p":"binary_sensor","pl_on":"1","pl_off":"0"' % (key, key)
    yield ',"uniq_id":"%s_%s","name":%s,"val_tpl":"{{value_json.relay|is_defined}}"' % (serial, key, dumps(name))
    yield ',"stat_t":%s,"avty_mode":"all","avty":[' % dumps(state)
    yield _availability(base + "/status", _STATE) + ","
    yield _availability(state, "{{'online' if value_json.relay is defined else 'offline'}}") + "]}"


def _meter(gateway, link, device):
    base = topics.base(gateway, link)
    place = "/" + topics.place(device.slot)
    identity = _meter_id(gateway, device)
    model, serial = dumps(device.model)[1:-1], dumps(device.serial)[1:-1]
    maker = model[:3] if device.is_sparse else "Finder" if model.startswith("7M.") else "Iskra"
    software = "%d.%02d" % (device.software // 100, device.software % 100)
    head = (identity, model, serial, maker, model, serial, software, dumps(device.hardware)[1:-1], _gateway_id(gateway))
    unique = _plain(device.serial) or identity
    measured = device.groups.get("measurements")
    rows = [row for at, row in enumerate(measured.rows) if measured.has(at) or not device.is_sparse] if measured else ()
    is_single = device.phases == 1
    counters = _counters(device)
    retained = gateway.settings.get(f"push{link}_retain")
    expires = "" if retained else ',"exp_aft":%d' % (_MISSED * topics.interval_s(gateway.settings, device.slot))

    def parts():
        yield ('{"dev":{"ids":"%s","name":"%s %s","mf":"%s","mdl":"%s","sn":"%s","sw":"%s","hw":"%s","via_device":"%s"}' % head)
        yield from _shared(base, place)
        yield _sensor("errors", unique, "Bus errors", "", "", "idh", expires)[1:]
        if not device.is_sparse:
            yield _sensor("tariff", unique, "Active tariff", "enum", "", "dk", expires + _TARIFFS)
        for row in rows:
            stem = row[0].rstrip("0123456789")
            phase = row[0][len(stem) :]
            if is_single and phase == "1" and stem in _ONCE_MORE:
                continue
            at = _VALUES.find("\n" + stem + "|") + 1
            _, words, kind, unit, decimals, flags = _VALUES[at : _VALUES.find("\n", at)].split("|")
            words += _phase(phase)
            yield _sensor(row[0], unique, words, kind, unit, flags, expires + ',"sug_dsp_prc":' + decimals)
            if stem == "PF":
                yield _sensor(row[0] + "cap", unique, words + " side", "enum", "", "hk", expires + _SIDES)
        for key, words, kind, unit, flags in counters:
            yield _sensor(key, unique, words, kind, unit, flags, expires + ',"sug_dsp_prc":2')
        yield "}}"

    return parts


def _counters(device):
    """Return [(key, name, device class, unit, flags)] of the counters that count something."""
    found = []
    group = device.groups.get("counters")
    for index in range(len(group.rows) if group else 0):
        unit = group.unit[index] - WATT_HOURS
        if unit >= 0:
            key = group.rows[index][0]
            words, kind, unit = _ENERGIES.split("\n")[unit].split("|")
            direction = device.direction(index)
            phase = device.phases_of[index]
            name = words + (" " + direction if direction else "") + (_phase(str(phase)) if phase else "") + " (" + key + ")"
            found.append((key, name, kind, unit, "t" if direction == "bidirectional" else "i"))
    return found


def _shared(base, place):
    """What stands between the device and its components; `place`: "/" and where a meter is, "" for the gateway."""
    yield ',"o":{"name":"OpenSG","sw":"%s"},"stat_t":%s,"avty_mode":"all","avty":[' % (VERSION, dumps(base + "/state" + place))
    yield _availability(base + "/status", _STATE)
    if place:
        yield "," + _availability(base + "/status" + place, _STATE)
    yield '],"cmps":{'


def _availability(topic, template):
    return '{"t":%s,"val_tpl":"%s"}' % (dumps(topic), template)


def _sensor(key, unique, name, kind, unit, flags, more=""):
    """A component that shows the value `key` of the state, behind a comma. What is missing there is unknown."""
    text = ',"%s":{"p":"sensor","uniq_id":"%s_%s","name":"%s"%s' % (key, unique, key, name, more)
    if kind:
        text += ',"dev_cla":"%s"' % kind
    if unit:
        text += ',"unit_of_meas":"%s"' % unit
    for flag, words in (("m", "measurement"), ("i", "total_increasing"), ("t", "total")):
        if flag in flags:
            text += ',"stat_cla":"%s"' % words
    if "d" in flags:
        text += ',"ent_cat":"diagnostic"'
    if "h" in flags:
        text += ',"en":false'
    template = "value_json.%s|%s" % (key, "is_defined" if "k" in flags else "default(none)")
    if more.endswith(_SIDES):
        template = "['Ind','Cap'][" + template + "]"
    return text + ',"val_tpl":"{{' + template + '}}"}'


def _phase(digits):
    """Return " L1", " L1-L2", or nothing for the total."""
    return "" if digits in ("", "0") else " L" + "-L".join(list(digits))


def _plain(text):
    """Return what of a text may stand in a discovery topic."""
    return "".join([sign if ord(sign) < 128 and (sign.isalpha() or sign.isdigit()) else "_" for sign in text.lower()])
