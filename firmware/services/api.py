"""The settings over HTTP: GET and PATCH /api/settings. A change is checked as a whole and applied as a whole."""

import json

from firmware.state import schema
from firmware.state.settings import SettingsError
from lib.http.errors import HttpError

_ROOM = 700  # flush when less is left: more than one setting takes


class Api:
    def __init__(self, settings, events, login):
        self._settings = settings
        self._events = events
        self._login = login

    def find(self, method, path):
        if path == "/api/settings":
            return {"GET": self._get, "PATCH": self._patch}.get(method)
        return None

    async def _get(self, request, response):
        """All settings with their values; of a secret only whether it is set."""
        self._login.check(request)
        comma = b"{"
        for setting in schema.each():
            if response.room < _ROOM:
                await response.flush()
            response.put(comma)
            response.put_json(setting.name)
            response.put(b":")
            value = self._settings.get(setting.name)
            if setting.is_secret:
                response.put(b'{"set":true}' if value else b'{"set":false}')
            elif isinstance(value, str):
                response.put_json(value)
            else:
                response.put_int(value)
            comma = b","
        response.put(b"}")

    async def _patch(self, request, response):
        """Take {"name": value, ...}; answer with the names that changed and whether a restart is needed."""
        self._login.check(request)
        try:
            changes = json.loads(bytes(await request.body()))
        except (ValueError, RuntimeError):
            raise HttpError(400, "the body is not JSON")
        if not isinstance(changes, dict):
            raise HttpError(400, "an object of settings is expected")
        try:
            changed = self._settings.change(changes)
        except SettingsError as error:
            response.status = 422
            response.put(b'{"errors":{')
            comma = b""
            for name, text in error.errors.items():
                if response.room < _ROOM:
                    await response.flush()
                response.put(comma)
                response.put_json(str(name)[:64])
                response.put(b":")
                response.put_json(text)
                comma = b","
            response.put(b"}}")
            return
        except OSError:
            raise HttpError(507, "the flash did not take the settings; the old ones stay")
        restart = False
        response.put(b'{"changed":[')
        comma = b""
        for name in changed:
            restart = restart or schema.find(name).needs_restart
            if response.room < _ROOM:
                await response.flush()
            response.put(comma)
            response.put_json(name)
            comma = b","
        response.put(b'],"restart_needed":true}' if restart else b'],"restart_needed":false}')
        if changed:
            self._events.add("settings", "changed: " + ", ".join(changed))
