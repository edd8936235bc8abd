"""The settings: one validated object, kept in one file, changed as a whole.

Only what differs from the default is kept, in RAM and in the file. Whatever a file holds - another version's names, wrong
types, half a file - the device starts: each field that does not pass falls back to its default and is reported.
"""

from firmware.state import schema
from lib.store.document import Document

_VERSION = 1


class SettingsError(Exception):
    """Nothing was changed. `errors` tells for each field what is wrong with it."""

    @property
    def errors(self):
        return self.args[0]


class Settings:
    """`revision` counts changes, over restarts too. `restart_needed`: a setting was changed that the next start takes up.

    Values are int or str; see firmware/state/schema.py.
    """

    def __init__(self, path="/settings.json"):
        self._file = Document(path)
        self._values = {}
        self._listeners = []
        self.revision = 0
        self.restart_needed = False

    def load(self):
        """Take the file's content; return the sentences that say what of it could not be used."""
        stored = self._file.load()
        self._values = {}
        troubles = [self._file.trouble] if self._file.trouble else []
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
                self._keep(setting, setting.check(value))
            except ValueError as error:
                troubles.append(f"{name}: {error}; the default serves")
        for name, text in schema.check_together(self.get).items():
            troubles.append(f"{name}: {text}")
        return troubles

    def get(self, name):
        """Return a value; KeyError for a name that is not in the schema (a bug)."""
        if name in self._values:
            return self._values[name]
        setting = schema.find(name)
        if setting is None:
            raise KeyError(name)
        return setting.default

    def change(self, changes):
        """Check all, then write all, then tell all; return the names that changed.

        Raises SettingsError and changes nothing if a single field is wrong; OSError if the flash does not take it.
        """
        errors = {}
        proposed = {}
        for name, value in changes.items():
            setting = schema.find(name)
            try:
                if setting is None:
                    raise ValueError("there is no such setting")
                proposed[name] = setting.check(value)
            except ValueError as error:
                errors[name] = str(error)
        errors = errors or schema.check_together(lambda name: proposed[name] if name in proposed else self.get(name))
        if errors:
            raise SettingsError(errors)
        before = dict(self._values)
        changed = []
        for name, value in proposed.items():
            if self.get(name) != value:
                self._keep(schema.find(name), value)
                changed.append(name)
        if not changed:
            return changed
        try:
            self._file.save({"version": _VERSION, "revision": self.revision + 1, "values": self._values})
        except Exception:
            self._values = before
            raise
        self.revision += 1
        self.restart_needed = self.restart_needed or any([schema.find(name).needs_restart for name in changed])
        for told in self._listeners:
            told(changed)
        return changed

    def chosen(self):
        """Yield (name, value) of what differs from its default."""
        yield from self._values.items()

    def on_change(self, told):
        """Have told(names) called after each change."""
        self._listeners.append(told)

    def _keep(self, setting, value):
        if value == setting.default:
            self._values.pop(setting.name, None)
        else:
            self._values[setting.name] = value
