"""The certificates over HTTP: answers as docs/api.md says, and nothing of a private key in any of them."""

import json
import os

from firmware.services import certificates as service
from firmware.state.events import Events
from firmware.state.settings import Settings
from host_tests.fakes.ram_flash import FOLDER, empty, fill, mounted
from host_tests.lib.x509.x509_vectors import der_of, load
from lib.http.errors import HttpError
from lib.http.response import Response

PATH = "/api/certificates/"
VECTORS = load()
SIGNED, CLIENT, SMALL = VECTORS["certificates"][:3]
KEY = VECTORS["keys"][3]
LONG = [row for row in VECTORS["certificates"] if row["what"] == "a long value"][0]

# Unix seconds, whether the clock is set, status of a certificate from 2020-01-01 00:00:00 to 2039-12-31 23:59:58
TIMES = (
    (1577836799, True, "early"),
    (1577836800, True, "valid"),
    (2208988798, True, "valid"),
    (2208988799, True, "expired"),
    (946684800, True, "early"),
    (1700000000, False, "unknown"),
    (946684800, False, "unknown"),
)
BODIES = (
    # what, body, the field that is wrong
    ("empty", {}, "name"),
    ("no name", {"pem": SMALL["pem"]}, "name"),
    ("a number as name", {"name": 1, "pem": SMALL["pem"]}, "name"),
    ("out of the folder", {"name": "../x", "pem": SMALL["pem"]}, "name"),
    ("too long", {"name": "x" * 33, "pem": SMALL["pem"]}, "name"),
    ("no text", {"name": "ca.pem"}, "pem"),
    ("a list as text", {"name": "ca.pem", "pem": [1]}, "pem"),
    ("no PEM", {"name": "ca.pem", "pem": 'a "quoted" text'}, "pem"),
    ("a strange label", {"name": "ca.pem", "pem": '-----BEGIN "A\n-----x-----END "A\n-----'}, "pem"),
    ("an encrypted key", {"name": "ca.pem", "pem": VECTORS["encrypted"][1]["pem"]}, "pem"),
)


class Clock:
    is_set = True
    now = 1700000000

    def utc(self):
        return self.now


class Platform:
    root = FOLDER


class Gateway:
    """On a new chip."""

    def __init__(self):
        mounted()
        self.platform = Platform()
        self.clock = Clock()
        self.events = Events(self.clock)
        self.settings = Settings(FOLDER + "/settings.json")

    def texts(self):
        return [(kind, text) for _, kind, text in self.events.recent()]


class Request:
    method = "GET"
    keep_alive = True
    minor = 1

    def __init__(self, path):
        self.path = path

    def body_known(self):
        return True


class Wire:
    def __init__(self):
        self.sent = b""

    async def send(self, view):
        self.sent += bytes(view)


async def asked(handler, gateway, *body, path=PATH[:-1]):
    """(status, JSON or None) of an answer; an HttpError as (status, {"error": ...})."""
    request = Request(path)
    response = Response()
    response.connection = Wire()
    response.clear(request)
    try:
        await handler(gateway, request, response, *body)
    except HttpError as error:
        assert not response.started
        return error.status, {"error": error.message}
    await response.finish()
    head, _, content = response.connection.sent.partition(b"\r\n\r\n")
    if b"chunked" in head:
        content, rest = b"", content
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            content += rest[: int(size, 16)]
            rest = rest[int(size, 16) + 2 :]
    return response.status, json.loads(content) if content else None


async def post(gateway, name, row):
    return await asked(service.post, gateway, {"name": name, "pem": row["pem"]})


async def listed(gateway):
    status, answer = await asked(service.get, gateway)
    assert status == 200 and list(answer) == ["certificates"]
    return answer["certificates"]


def entry(name, row, status="valid"):
    keys = "name", "kind", "subject", "issuer", "not_before", "not_after", "status"
    return dict(zip(keys, (name, "certificate", row["subject"], row["issuer"], row["dates"][0], row["dates"][1], status)))


async def test_the_way_of_one():
    gateway = Gateway()
    assert await listed(gateway) == []
    assert await post(gateway, "ca.pem", SMALL) == (201, entry("ca.pem", SMALL))
    assert await post(gateway, "client.key", KEY) == (201, {"name": "client.key", "kind": "key"})
    assert await listed(gateway) == [entry("ca.pem", SMALL), {"name": "client.key", "kind": "key"}]
    assert await asked(service.delete, gateway, None, path=PATH + "ca.pem") == (204, None)
    assert await listed(gateway) == [{"name": "client.key", "kind": "key"}]
    assert gateway.texts() == [
        ("settings", "certificate ca.pem added"),
        ("settings", "private key client.key added"),
        ("settings", "certificate or key ca.pem deleted"),
    ]


async def test_all_vectors_are_told_as_the_foreign_tool_reads_them():
    gateway = Gateway()
    gateway.clock.is_set = False
    for row in VECTORS["certificates"]:
        assert await post(gateway, "x", row) == (201, entry("x", row, "unknown")), row["what"]
        assert await listed(gateway) == [entry("x", row, "unknown")], row["what"]
        assert await asked(service.delete, gateway, None, path=PATH + "x") == (204, None), row["what"]


async def test_twelve_long_ones():
    gateway = Gateway()
    names = ["x" * 30 + f"{number:02d}" for number in range(12)]
    for name in names:
        assert (await post(gateway, name, LONG))[0] == 201
    assert await listed(gateway) == [entry(name, LONG) for name in names]
    status, answer = await post(gateway, "another", SMALL)
    assert status == 409 and "12" in answer["error"]


async def test_status():
    gateway = Gateway()
    await post(gateway, "ca", SMALL)
    for now, is_set, expected in TIMES:
        gateway.clock.now, gateway.clock.is_set = now, is_set
        assert (await listed(gateway))[0]["status"] == expected, (now, is_set)


async def test_what_is_wrong_is_told():
    gateway = Gateway()
    for what, body, field in BODIES:
        status, answer = await asked(service.post, gateway, body)
        assert status == 422 and list(answer) == ["errors"] and list(answer["errors"]) == [field], (what, status, answer)
        assert answer["errors"][field], what
    assert gateway.texts() == [] and os.listdir(FOLDER) == []


async def test_a_name_that_is_taken():
    gateway = Gateway()
    await post(gateway, "ca.pem", SMALL)
    for row in (SMALL, CLIENT, KEY):
        status, answer = await post(gateway, "ca.pem", row)
        assert status == 409 and "ca.pem" in answer["error"]
    assert len(gateway.texts()) == 1 and await listed(gateway) == [entry("ca.pem", SMALL)]


async def test_none_of_that_name():
    gateway = Gateway()
    await post(gateway, "ca.pem", SMALL)
    for name in ("", "ca", "CA.PEM", "ca.pem/", "../settings.json", ".", "..", ".new", "ca.pem\0", "č"):
        status, answer = await asked(service.delete, gateway, None, path=PATH + name)
        assert status == 404 and list(answer) == ["error"], name
    assert await listed(gateway) == [entry("ca.pem", SMALL)]


async def test_one_that_a_setting_names_stays():
    gateway = Gateway()
    await post(gateway, "one", SMALL)
    await post(gateway, "two", KEY)
    for setting in (
        "mqtt1_cert_file",
        "mqtt1_cli_cert",
        "mqtt1_key_file",
        "mqtt2_cert_file",
        "mqtt2_cli_cert",
        "mqtt2_key_file",
    ):
        gateway.settings.change({setting: "one"})
        status, answer = await asked(service.delete, gateway, None, path=PATH + "one")
        assert status == 409 and setting in answer["error"], setting
        gateway.settings.change({setting: ""})
    assert await asked(service.delete, gateway, None, path=PATH + "one") == (204, None)


async def test_a_full_flash():
    gateway = Gateway()
    await post(gateway, "one", SMALL)
    folder = fill()
    status, answer = await post(gateway, "two", CLIENT)
    assert status == 507 and list(answer) == ["error"] and await listed(gateway) == [entry("one", SMALL)]
    empty(folder)
    assert (await post(gateway, "two", CLIENT))[0] == 201


async def test_a_damaged_file_can_be_seen_and_deleted():
    gateway = Gateway()
    await post(gateway, "bad", SMALL)
    with open(FOLDER + "/certs/bad", "wb") as file:
        file.write(der_of(SMALL)[:-1])
    damaged = {"subject": "damaged", "issuer": "", "dates": ("", "")}
    assert await listed(gateway) == [entry("bad", damaged, "unknown")]
    assert await asked(service.delete, gateway, None, path=PATH + "bad") == (204, None)
