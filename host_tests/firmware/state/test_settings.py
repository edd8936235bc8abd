"""Settings in a file on littlefs: kept, changed as a whole or not at all, and never a reason not to start."""

import json
import os

from firmware.state import schema
from firmware.state.settings import Settings, SettingsError
from host_tests.fakes.ram_flash import FOLDER, PowerCut, RamFlash, fill, mounted
from lib.store.document import Document

PATH = FOLDER + "/settings.json"

CHANGED = {"location": "Klet, vhod 2", "rs485_type_2": 2, "wifi_password": "grün", "left_ir_enabled": 0, "mqtt2_port": 8883}

# What a file holds, what of it is used, and how many sentences of complaint that is worth
FILES = (
    ("as saved", {"version": 1, "values": {"location": "A", "http_port": 8080}}, {"location": "A", "http_port": 8080}, 0),
    ("empty", {"version": 1, "values": {}}, {}, 0),
    ("one wrong type", {"version": 1, "values": {"location": 5, "http_port": 8080}}, {"http_port": 8080}, 1),
    ("wrong types", {"version": 1, "values": {"location": None, "http_port": "80", "mqtt1_tls": [1], "locked": {}}}, {}, 4),
    (
        "out of range",
        {"version": 1, "values": {"http_port": 70000, "sg_modbus_addr": 0, "dns1": "1.1.1.1"}},
        {"dns1": "1.1.1.1"},
        2,
    ),
    ("text too long", {"version": 1, "values": {"location": "x" * 41, "description": "D"}}, {"description": "D"}, 1),
    (
        "unknown names",
        {"version": 1, "values": {"colour": "red", "rs485_type_17": 2, "": 1, "dns1": "1.1.1.1"}},
        {"dns1": "1.1.1.1"},
        3,
    ),
    ("no time zone", {"version": 1, "values": {"timezone": "Europe/Nowhere", "location": "A"}}, {"location": "A"}, 1),
    ("newer version", {"version": 2, "values": {"location": "A", "flux": 7}}, {"location": "A"}, 2),
    ("no version", {"values": {"location": "A"}}, {"location": "A"}, 1),
    ("version is text", {"version": "one", "values": {"location": "A"}}, {"location": "A"}, 1),
    ("list", [1, 2, 3], {}, 1),
    ("number", 7, {}, 1),
    ("text", "location", {}, 1),
    ("no values", {"version": 1}, {}, 1),
    ("values are a list", {"version": 1, "values": ["location"]}, {}, 1),
    ("values are text", {"version": 1, "values": "location"}, {}, 1),
    ("defaults", {"version": 1, "values": {"http_port": 80, "location": "Location"}}, {}, 0),
)

REFUSED = (
    # what is asked for, and what of it is wrong
    ({"http_port": 0}, ["http_port"]),
    ({"location": "A", "http_port": 0}, ["http_port"]),
    ({"colour": "red", "location": "A"}, ["colour"]),
    ({"location": 1, "http_port": "80", "rs485_type_99": 2, "mqtt1_port": 1884}, ["http_port", "location", "rs485_type_99"]),
    ({"": 1}, [""]),
    ({7: 1, "location": "A"}, [7]),
)


def loaded():
    settings = Settings(PATH)
    return settings, settings.load()


def fresh():
    mounted()
    return loaded()[0]


def stored():
    with open(PATH) as file:
        return json.loads(file.readline())["values"]


def differing(settings):
    """What is not at its default."""
    return {s.name: settings.get(s.name) for s in schema.each() if settings.get(s.name) != s.default}


def test_first_start():
    mounted()
    settings, troubles = loaded()
    assert troubles == [] and differing(settings) == {} and settings.revision == 0
    assert os.listdir(FOLDER) == []


def test_what_was_changed_is_kept():
    settings = fresh()
    assert sorted(settings.change(CHANGED)) == sorted(CHANGED)
    assert differing(settings) == CHANGED
    again, troubles = loaded()
    assert differing(again) == CHANGED and troubles == []
    assert again.change({"location": "Elsewhere"}) == ["location"]
    assert differing(loaded()[0]) == dict(CHANGED, location="Elsewhere")


def test_only_what_differs_is_in_the_file():
    settings = fresh()
    settings.change(CHANGED)
    assert stored() == CHANGED
    settings.change({"location": "Location", "left_ir_enabled": True, "mqtt2_port": 1883})
    assert stored() == {"rs485_type_2": 2, "wifi_password": "grün"}
    assert settings.get("location") == "Location" and settings.get("left_ir_enabled") == 1


def test_all_settings_at_once():
    settings = fresh()
    wanted = {}
    for setting in schema.each():
        if setting.kind == "text":
            wanted[setting.name] = ('é"\\' + setting.name)[: int(setting.range) // 2]
        elif setting.kind == "ssid":
            wanted[setting.name] = setting.name + "\\xff\\\\é"
        elif setting.kind == "zone":
            wanted[setting.name] = "Europe/Ljubljana"
        elif setting.kind == "writes":
            wanted[setting.name] = "33:6,16 *:5"
        elif setting.kind == "sources":
            wanted[setting.name] = "10.0.0.0/8"
        elif setting.kind == "when":
            wanted[setting.name] = "monthly 31 24:00"
        elif setting.kind == "ip":
            wanted[setting.name] = "255.255.255.0" if setting.name == "netmask" else "192.168.1.20"
        elif setting.kind == "int":
            wanted[setting.name] = int(setting.range.split("..")[1])
        else:
            wanted[setting.name] = int(setting.range.split(",")[-1].split("=")[0]) if setting.kind == "choice" else 1
    for number in range(1, schema.RS485_DEVICES + 1):
        wanted[f"rs485_addr_{number}"] = 100 + number  # no two the same
    settings.change(wanted)
    assert settings.restart_needed
    again, troubles = loaded()
    assert troubles == [] and {name: again.get(name) for name in wanted} == wanted


def test_files_of_all_kinds():
    for what, content, used, complaints in FILES:
        mounted()
        Document(PATH).save(content)
        settings, troubles = loaded()
        assert differing(settings) == used, (what, differing(settings))
        assert len(troubles) == complaints, (what, troubles)
        # A change works, and cleans the file.
        settings.change({"dns1": "9.9.9.9"})
        again, troubles = loaded()
        assert differing(again) == dict(used, dns1="9.9.9.9") and troubles == [], (what, troubles)


def test_keys_that_are_no_names():
    """MicroPython's JSON takes any value for a key."""
    for key in ("1", "null", "true", "1.5"):
        mounted()
        with open(PATH, "w") as file:
            file.write('{"version": 1, "values": {%s: 2, "location": "A"}}' % key)
        settings, troubles = loaded()
        assert differing(settings) == {"location": "A"} and len(troubles) == 2, (key, troubles)


def test_damaged_file_falls_back_to_the_version_before():
    settings = fresh()
    settings.change({"location": "A"})
    settings.change({"location": "B"})
    with open(PATH, "w") as file:
        file.write("{")
    settings, troubles = loaded()
    assert differing(settings) == {"location": "A"} and len(troubles) == 1 and PATH in troubles[0]
    for name in (PATH, PATH + ".old"):
        with open(name, "w") as file:
            file.write("rubbish")
    settings, troubles = loaded()
    assert differing(settings) == {} and len(troubles) == 1


def test_errors_change_nothing():
    settings = fresh()
    settings.change({"location": "Before"})
    told = []
    settings.on_change(told.append)
    for changes, wrong in REFUSED:
        try:
            settings.change(changes)
        except SettingsError as error:
            assert sorted(error.errors, key=str) == wrong, changes
            assert all([len(text) > 5 for text in error.errors.values()])
        else:
            raise AssertionError(changes)
        assert differing(settings) == stored() == {"location": "Before"} and settings.revision == 1, changes
    assert told == []


def test_listeners_hear_what_changed():
    settings = fresh()
    told = []
    settings.on_change(lambda names: told.append((sorted(names), settings.get("location"))))
    settings.on_change(lambda names: told.append(len(names)))
    settings.change({"location": "A", "http_port": 8080, "tcp_port": 10001})
    assert told == [(["http_port", "location"], "A"), 2] and settings.revision == 1
    assert settings.change({"location": "A"}) == settings.change({}) == []
    assert len(told) == 2 and settings.revision == 1


def test_unknown_name_is_a_bug():
    settings = fresh()
    try:
        settings.get("colour")
    except KeyError:
        return
    raise AssertionError


def test_power_cut_in_a_change():
    """At each operation: the old settings or the new ones, and no complaint."""
    flash = mounted()
    settings, _ = loaded()
    settings.change({"location": "Old"})
    settings.change({"location": "Old", "tcp_port": 502})
    old, new = differing(settings), {"location": "New", "http_port": 8080, "tcp_port": 502}
    start = bytes(flash.content)
    cuts = 0
    while True:
        cuts += 1
        flash = mounted(RamFlash(content=start))
        settings, _ = loaded()
        flash.cut_at = cuts
        try:
            settings.change({"location": "New", "http_port": 8080})
            break
        except PowerCut:
            pass
        mounted(RamFlash(content=flash.content))
        settings, troubles = loaded()
        assert differing(settings) in (old, new) and troubles == [], (cuts, differing(settings), troubles)
    assert cuts > 3 and differing(loaded()[0]) == new


def test_flash_that_takes_nothing_leaves_the_settings():
    flash = mounted()
    settings, _ = loaded()
    settings.change({"location": "Old"})
    fill()
    try:
        settings.change({s.name: "x" * int(s.range) for s in schema.each() if s.kind == "text"})
    except OSError:
        pass
    else:
        raise AssertionError("there was room")
    assert differing(settings) == {"location": "Old"} and settings.revision == 1
    mounted(flash)
    assert differing(loaded()[0]) == {"location": "Old"}
