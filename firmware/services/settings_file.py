"""All settings as one file, to keep or to carry to another gateway: /api/settings/export and /api/settings/import.

The file is a JSON object: format, version, values (what differs from the defaults), perhaps `sealed`: the secrets, encrypted
with a key made of a passphrase (lib/crypto/sealed.py; PBKDF2 with the salt and iterations that stand there). Without a
passphrase secrets are left out.
"""

import json
from binascii import a2b_base64, b2a_base64, hexlify, unhexlify
from os import urandom

from micropython import const

from firmware.services.settings import put_changed
from firmware.state import schema
from firmware.state.accounts import SHORTEST, slow_key
from firmware.state.settings import SettingsError
from lib.crypto.sealed import seal, unseal
from lib.http.errors import HttpError
from lib.http.json_text import put_errors, put_items, put_value, room

_FORMAT = const("opensg-settings")
_VERSION = const(1)
_ITERATIONS = const(4096)
_MOST_ITERATIONS = const(20000)  # a file that asks for more is refused: it would take minutes
_BLOCKS = const(2)  # of 32 bytes: the key of lib/crypto/sealed.py
_ROOM = const(700)


async def export(gateway, request, response, body):
    passphrase = body.get("passphrase")
    if passphrase is not None and (not isinstance(passphrase, str) or len(passphrase) < SHORTEST):
        return await put_errors(response, {"passphrase": f"at least {SHORTEST} characters are expected"})
    settings = gateway.settings
    sealed = None
    gateway.events.add("settings", "exported" + (", secrets sealed" if passphrase else ""))
    if passphrase is not None:
        salt = urandom(16)
        key = await slow_key(passphrase, salt, _ITERATIONS, _BLOCKS)
        secrets = {name: value for name, value in settings.chosen() if schema.find(name).is_secret}
        sealed = (salt, seal(key, urandom(16), json.dumps(secrets).encode()))
    response.add_header("Content-Disposition", f'attachment; filename="{gateway.identity.serial}-settings.json"')
    response.put(b"{")
    head = (("format", _FORMAT), ("version", _VERSION), ("model", gateway.platform.model), ("serial", gateway.identity.serial))
    await put_items(response, head)
    response.put(b',"values":{')
    comma = b""
    for name, value in list(settings.chosen()):
        if not schema.find(name).is_secret:
            await room(response, _ROOM)
            response.put(comma)
            response.put_json(name)
            response.put(b":")
            put_value(response, value)
            comma = b","
    response.put(b"}")
    if sealed:
        await room(response, _ROOM)
        response.put(b',"sealed":{')
        await put_items(response, (("salt", hexlify(sealed[0]).decode()), ("iterations", _ITERATIONS)))
        response.put(b',"data":"')
        await room(response, 4 * len(sealed[1]) // 3 + 8)
        response.put(b2a_base64(sealed[1])[:-1])
        response.put(b'"}')
    response.put(b"}")
    return None


async def take(gateway, request, response, body):
    """Take the settings of a file; what it does not name goes back to its default, secrets only if the file has them."""
    file = body.get("file")
    is_ours = isinstance(file, dict) and file.get("format") == _FORMAT and file.get("version") == _VERSION
    values = file.get("values") if is_ours else None
    if not isinstance(values, dict):
        return await put_errors(response, {"file": "this is no file of settings"})
    settings = gateway.settings
    try:
        secrets = await _secrets(file.get("sealed"), body.get("passphrase"))
    except ValueError as error:
        return await put_errors(response, {"passphrase": str(error)})
    for name, _ in list(settings.chosen()):
        setting = schema.find(name)
        if name not in values and not setting.is_secret:
            values[name] = setting.default
    values.update(secrets)
    try:
        changed = settings.change(values)
    except SettingsError as error:
        return await put_errors(response, error.errors)
    except OSError:
        raise HttpError(507, "the flash did not take the settings; the old ones stay")
    return await put_changed(gateway, response, changed)


async def _secrets(sealed, passphrase):
    """Return the secrets of a file by name, {} if there are none. Raises ValueError with a sentence."""
    if sealed is None:
        return {}
    if not isinstance(passphrase, str) or not passphrase:
        raise ValueError("the file has secrets: its passphrase is expected")
    try:
        salt, iterations, data = unhexlify(sealed["salt"]), sealed["iterations"], a2b_base64(sealed["data"])
        if not 0 < iterations <= _MOST_ITERATIONS:
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise ValueError("the sealed part of the file is damaged")
    key = await slow_key(passphrase, salt, iterations, _BLOCKS)
    try:
        secrets = json.loads(unseal(key, data))
    except ValueError:
        raise ValueError("the passphrase is wrong, or the file is damaged")
    return secrets
