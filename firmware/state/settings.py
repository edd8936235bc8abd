"""The settings: one validated object, kept in one file, changed as a whole.

Only what differs from the default is kept, in RAM and in the file. Whatever a file holds - another version's names, wrong
types, half a file - the device starts: each field that does not pass falls back to its default and is reported.
"""

from micropython import const

from firmware.state import schema

_VERSION = const(1)
_REMEMBERED = const(16)


class SettingsError(Exception):
    """Nothing was changed. `errors` tells for each field what is wrong with it."""

    @property
    def errors(self):
        return self.args[0]


class Settings:
    """`revision` counts changes, over restarts too. `restart_needed`: a setting was changed that the next start takes up.

    Values are int or str; see firmware/state/schema.py.
    """

    def __init__(self, path="/settings.json", document=None):
        """`document(path)` gives the Document of the file: what that needs is in RAM only while it is used."""
        self._path = path
        self._document = document or _document
        self._values = {}
        self._defaults = {}  # of those that were asked for first: at every turn of a wire, at every request
        self._listeners = []
        self.revision = 0
        self.restart_needed = False
        self.on_error = lambda error: None  # hears of a listener that failed

    def load(self):
        """Take the file's content; return the sentences that say what of it could not be used."""
        file = self._document(self._path)
        stored = file.load()
        self._values = {}
        troubles = [file.trouble] if file.trouble else []
        if stored is None:
            return troubles
        values = stored.get("values") if isinstance(stored, dict) else None
        if not isinstance(values, dict):
            troubles.append("settings are not in the form expected; defaults serve")
            return troubles
        revision = stored.get("revision")
        self.revision = revision if isinstance(revision, int) and revision >= 0 else 0
        version = stored.get("version")
        if version != _VERSION:
            troubles.append(f"settings come from version {version}; what this version knows is kept")
        for name, value in values.items():
            setting = schema.find(name)
            if setting is None:
                troubles.append(f"{name}: unknown setting")
                continue
            try:
                value = setting.check(value)
                if value != setting.default:
                    self._values[name] = value
            except ValueError as error:
                troubles.append(f"{name}: {error}; the default serves")
        for name, text in schema.check_together(self.get, ("static_ip_en", "rs485_addr_1")).items():
            troubles.append(f"{name}: {text}")
        return troubles

    def get(self, name):
        """Return a value; KeyError for a name that is not in the schema (a bug)."""
        if name in self._values:
            return self._values[name]
        if name in self._defaults:
            return self._defaults[name]
        setting = schema.find(name)
        if setting is None:
            raise KeyError(name)
        if len(self._defaults) < _REMEMBERED:
            self._defaults[name] = setting.default
        return setting.default

    def value(self, setting):
        """Return the value of a schema's Setting: for who walks through them all."""
        return self._values.get(setting.name, setting.default)

    def change(self, changes):
        """Check all, then write all, then tell all; return the names that changed.

        Raises SettingsError and changes nothing if a single field is wrong; OSError if the flash does not take it.
        """
        errors = {}
        proposed = {}
        restart = False
        defaults = []  # names that go back to it
        for name, value in changes.items():
            setting = schema.find(name)  # once for each: the search takes its time
            try:
                if setting is None:
                    raise ValueError("there is no such setting")
                value = setting.check(value)
            except ValueError as error:
                errors[name] = str(error)
                continue
            if value != self._values.get(name, setting.default):
                proposed[name] = value
                restart = restart or setting.needs_restart
                if value == setting.default:
                    defaults.append(name)
        errors = errors or schema.check_together(lambda name: proposed[name] if name in proposed else self.get(name), proposed)
        if errors:
            raise SettingsError(errors)
        if not proposed:
            return []
        before = dict(self._values)
        self._values.update(proposed)
        for name in defaults:
            self._values.pop(name)
        try:
            self._document(self._path).save({"version": _VERSION, "revision": self.revision + 1, "values": self._values})
        except Exception:
            self._values = before
            raise
        self.revision += 1
        self.restart_needed = self.restart_needed or restart
        changed = list(proposed)
        for told in self._listeners:
            try:
                told(changed)
            except Exception as error:  # the settings are kept, whatever comes of them
                self.on_error(error)
        return changed

    def chosen(self):
        """Yield (name, value) of what differs from its default."""
        yield from self._values.items()

    def on_change(self, told):
        """Have told(names) called after each change."""
        self._listeners.append(told)


def _document(path):
    from lib.store.document import Document  # noqa: PLC0415 - main has a better way

    return Document(path)
