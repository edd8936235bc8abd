"""The certificates over HTTP: GET and POST /api/certificates, DELETE /api/certificates/<name>.

Called when the login has been checked. Of a private key only its name is told. `gateway` has platform.root, settings, events
and clock.
"""

import asyncio

from micropython import const

from firmware.state.certificates import Certificates, Refused
from lib.http.errors import HttpError
from lib.http.json_text import room
from lib.x509 import key, pem  # noqa: F401 - so that they go with this module
from lib.x509.certificate import Certificate  # noqa: F401

_PATH = const("/api/certificates/")
_ROOM = const(1100)  # flush when less is left: more than one entry takes, with two names of 100 characters
_USERS = const("mqtt#_cert_file mqtt#_cli_cert mqtt#_key_file modbus_tls_cert modbus_tls_key modbus_tls_ca upgrade_certificate")


async def get(gateway, request, response):
    """Answer with all entries."""
    response.put(b'{"certificates":[')
    comma = b""
    for entry in Certificates(gateway.platform.root).entries():
        await room(response, _ROOM)
        response.put(comma)
        _put_entry(response, gateway.clock, *entry)
        comma = b","
        await asyncio.sleep_ms(0)  # let others in between the files
    response.put(b"]}")


async def post(gateway, request, response, body):
    """Keep {"name", "pem"} and answer with its entry; 422 with what is wrong, 409 when it has no place, 507."""
    try:
        entry = Certificates(gateway.platform.root).add(body.get("name"), body.get("pem"))
    except Refused as error:
        if not error.field:
            raise HttpError(409, str(error))
        response.status = 422
        response.put(b'{"errors":{')
        response.put_json(error.field)
        response.put(b":")
        response.put_json(str(error))
        response.put(b"}}")
        return
    except OSError:
        raise HttpError(507, "the flash did not take it; nothing was kept")
    name, kind, _ = entry
    gateway.events.add("settings", f"{_word(kind)} {name} added")
    response.status = 201
    _put_entry(response, gateway.clock, *entry)


async def delete(gateway, request, response, body):
    """Forget the entry that the path names; 404 if there is none, 409 if a setting names it."""
    name = request.path[len(_PATH) :]
    certificates = Certificates(gateway.platform.root)
    if name not in certificates.names():
        raise HttpError(404, "there is no certificate or key of that name")
    for row in _USERS.split():
        for link in ("1", "2") if "#" in row else ("",):
            setting = row.replace("#", link)
            if gateway.settings.get(setting) == name:
                raise HttpError(409, f"the setting {setting} uses it")
    try:
        certificates.remove(name)
    except OSError:
        raise HttpError(507, "the flash did not take it")
    gateway.events.add("settings", f"certificate or key {name} deleted")
    response.status = 204


def _word(kind):
    return "private key" if kind == "key" else "certificate"


def _put_entry(response, clock, name, kind, certificate):
    """One entry as an object. A damaged file is shown as a certificate of which nothing is known, so that it can be deleted."""
    response.put(b'{"name":')
    response.put_json(name)
    if kind == "key":
        response.put(b',"kind":"key"}')
        return
    response.put(b',"kind":"certificate","subject":')
    response.put_json(certificate.subject if certificate else "damaged")
    response.put(b',"issuer":')
    response.put_json(certificate.issuer if certificate else "")
    response.put(b',"not_before":"')
    response.put(certificate.not_before if certificate else b"")
    response.put(b'","not_after":"')
    response.put(certificate.not_after if certificate else b"")
    response.put(b'","status":"')
    response.put(_status(clock, certificate))
    response.put(b'"}')


def _status(clock, certificate):
    if certificate is None or not clock.is_set:
        return b"unknown"
    now = clock.utc()
    if now < certificate.not_before_s:
        return b"early"
    return b"expired" if now > certificate.not_after_s else b"valid"
