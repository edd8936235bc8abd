"""What tests of the gateway's links share: settings, certificates on their way in, what a receiver was told by device."""

import json

from host_tests.gateway import api, command, eventually
from host_tests.rig import RigFailed

_OF_SERVER = ("server", "port", "tls", "username", "password", "qos", "roottopic", "cert_file", "cli_cert", "key_file")
MQTT, XML, POST = 1, 2, 3
# Each second has a reading, which is pushed at once.
QUICK = {"poll_ms": 200, "response_ms": 300, "leftir_pushintv": 1, "rs485_pushint1": 1, "rightir_pushintv": 1}
FLAT_METERS = ("measurements/ir", "measurements/rs485/1")


def link(number, port, **more):
    """Settings of a link: flat numbers by MQTT unless `more` says something else. `more`: tls, username, retain, form, ..."""
    given = {"server": "127.0.0.1", "port": port, "protocol": MQTT, "form": 1, **more}
    return {f"{'mqtt' if name in _OF_SERVER else 'push'}{number}_{name}": value for name, value in given.items()}


def certify(rig, **texts):
    """Have the gateway keep certificates and keys, by name and PEM."""
    for name, pem in texts.items():
        status, answer = api(rig, "/api/certificates", {"name": name, "pem": pem.decode()})
        assert status == 201, answer


def state(rig, number=1):
    """A link's state as get_status has it; "" while there is no memory for an answer."""
    try:
        return command(rig, "get_status")[f"mqtt{number}_state"]
    except RigFailed as failure:
        assert "answered 503" in str(failure)
        return ""


def in_state(rig, word, number=1):
    """Wait until a link is in a state."""
    eventually(lambda: state(rig, number) == word, lambda: (state(rig, number), events(rig)))


def events(rig, kind="push"):
    """The texts of the events of a kind, the oldest first."""
    return [event["text"] for event in api(rig, "/api/events")[1]["events"] if event["kind"] == kind]


def told(rig, text, count=1):
    """Wait for so many events that have this in them."""
    eventually(lambda: len([one for one in events(rig) if text in one]) >= count, lambda: f"no {text!r}: {events(rig)}")


def readings(messages, root, place):
    """The flat readings of a place below ROOT/pub, late ones too, as they came: each once, and how many were repetitions."""
    topics = (f"{root}/pub/{place}", f"{root}/pub/history/{place}")
    found = [json.loads(payload) for topic, payload, _, _ in list(messages) if topic in topics]
    once = {one["ts"]: one for one in reversed(found)}
    order = list(dict.fromkeys(one["ts"] for one in found))
    return [once[ts] for ts in order], len(found) - len(order)
