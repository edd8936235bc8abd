"""Home Assistant's own rules, in the environment that it needs: `.tools/homeassistant/bin/python home_assistant_process.py`.

Takes a JSON object on standard input, prints one on standard output. `discovery`: [[topic, message], ...] and `states`:
{topic: message} give `entities`: by unique id what became of each component, and `faults` in words. `rest`: the text of a
configuration for RESTful sensors, and `answers`: {command: JSON text}, give the sensors' states.
"""

import asyncio
import json
import logging
import sys
import tempfile

import yaml
from homeassistant.components import rest as rest_component
from homeassistant.components.mqtt import (
    abbreviations,
    binary_sensor,
    button,
    discovery,
    sensor,
    switch,
    update,
)
from homeassistant.components.mqtt.models import MqttValueTemplate, PayloadSentinel
from homeassistant.core import HomeAssistant
from homeassistant.helpers.template import Template

PLATFORMS = {"sensor": sensor, "binary_sensor": binary_sensor, "switch": switch, "button": button, "update": update}
# What releases for whole devices know beside this one's own short keys
LONG = {**abbreviations.ABBREVIATIONS, "p": "platform", "cmps": "components", "o": "origin", "dev": "device"}
NEWER = {("sensor", "options")}  # keys of components that they know in addition
# What they hand down from the device to a component that does not have it
SHARED = ("availability", "availability_mode", "state_topic", "command_topic")
DEVICE_KEYS = {"device", "origin", "components", "availability", "availability_mode", "state_topic"}


def lengthened(keys, table):
    return {table.get(key, key): value for key, value in keys.items()}


class Log(logging.Handler):
    """Keeps what Home Assistant warns of."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


class Checker:
    def __init__(self, hass, states):
        self.hass = hass
        self.states = states
        self.faults = []
        self.entities = {}

    def message(self, topic, text):
        """A message for a whole device."""
        match = discovery.TOPIC_MATCHER.match(topic.partition("/")[2])
        if not match or match[1] != "device":
            self.faults.append(f"{topic}: no topic of a device")
        message = lengthened(json.loads(text), LONG)
        for key in set(message) - DEVICE_KEYS:
            self.faults.append(f"{topic}: {key} is not known there")
        message["device"] = lengthened(message["device"], abbreviations.DEVICE_ABBREVIATIONS)
        message["origin"] = lengthened(message["origin"], abbreviations.ORIGIN_ABBREVIATIONS)
        for key, short in message["components"].items():
            component = lengthened(short, LONG)
            platform = component.pop("platform")
            if component:
                shared = {name: message[name] for name in SHARED if name in message}
                component = {**shared, **component, "device": message["device"], "origin": message["origin"]}
                component["availability"] = [lengthened(one, LONG) for one in component["availability"]]
                try:
                    self.component(platform, short, component)
                except Exception as error:
                    self.faults.append(f"{topic} {key}: {error!r}")

    def component(self, platform, short, component):
        checked = PLATFORMS[platform].DISCOVERY_SCHEMA(dict(component))
        for key in lengthened(short, LONG):  # what it does not know it drops in silence
            if key != "platform" and key not in checked and (platform, key) not in NEWER:
                self.faults.append(f"{component['unique_id']}: {key} is not known of a {platform}")
        found = {"platform": platform, "name": component["name"], "device": component["device"]}
        found["available"] = [
            self.rendered(one.get("value_template"), self.states.get(one["topic"])) for one in checked["availability"]
        ]
        found["class"] = str(checked.get("device_class") or "")
        found["unit"] = checked.get("unit_of_measurement")
        if "state_topic" in checked and platform != "button":
            found["state"] = self.rendered(checked.get("value_template"), self.states.get(checked["state_topic"]))
        if platform == "sensor":
            found["shown"] = self.shown(checked, found["state"])
        if component["unique_id"] in self.entities:
            self.faults.append(f"{component['unique_id']} is there twice")
        self.entities[component["unique_id"]] = found

    def rendered(self, template, payload):
        """What a template makes of a message; None: nothing came, so the old state stays."""
        if payload is None:
            return None
        if template is None:
            return payload
        value = MqttValueTemplate(template, hass=self.hass).async_render_with_possible_json_value(
            payload, PayloadSentinel.DEFAULT
        )
        return None if value is PayloadSentinel.DEFAULT else value

    def shown(self, config, value):
        """The state of a sensor by its own rules for class, unit, state class and value, which it breaks by an exception."""
        entity = sensor.MqttSensor(self.hass, config, None, None)
        entity.hass = self.hass
        entity.entity_id = "sensor.checked"
        if value not in (None, "None"):
            if config.get("device_class") == "timestamp":
                value = sensor.dt_util.parse_datetime(value)
            entity._attr_native_value = value
        return entity.state


def rest_states(hass, text, answers):
    """[{name, state, available, ...}] of the RESTful sensors of a configuration: each reads the answer to its command."""
    found = []
    for block in rest_component.CONFIG_SCHEMA({"rest": yaml.safe_load(text)["rest"]})["rest"]:
        answer = answers[str(block["resource"]).partition("command=")[2]]
        for one in block["sensor"]:
            states = {}
            for key in ("availability", "value_template"):
                template = Template(one[key].template, hass)
                states[key] = template.async_render_with_possible_json_value(answer, "failed")
            found.append(
                {"name": str(one["name"].template), "state": states["value_template"], "available": states["availability"]}
            )
    return found


async def main():
    job = json.load(sys.stdin)
    log = Log()
    logging.getLogger().addHandler(log)
    with tempfile.TemporaryDirectory() as folder:
        hass = HomeAssistant(folder)
        checker = Checker(hass, job.get("states", {}))
        for topic, text in job.get("discovery", []):
            checker.message(topic, text)
        result = {"faults": checker.faults + log.lines, "entities": checker.entities}
        if "rest" in job:
            result["rest"] = rest_states(hass, job["rest"], job["answers"])
            result["faults"] += log.lines
    json.dump(result, sys.stdout)


asyncio.run(main())
