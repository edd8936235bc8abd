"""Writes firmware/names.py, the names of all modules: `python -m tools.module_names`. A test keeps it complete."""

from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
TARGET = TOP / "firmware" / "names.py"

_HEAD = '''"""Names of modules, for the tables of names in flash: this module is never loaded.

Made by `python -m tools.module_names`. A module that is loaded by a name put together at run time (firmware/routes.py) has its
name, that of its package and its last part kept in RAM for ever, unless frozen code has them as names. Here it has them:
`import a.b.c as x` names a.b.c, b and c. Of the whole gateway that saved 1.5 KB of 63 when idle.
"""

# ruff: noqa: F401, F811
'''


def text():
    """Return the module's source."""
    paths = [path for room in ("firmware", "lib") for path in (TOP / room).glob("*/**/*.py")]
    names = sorted(".".join(path.relative_to(TOP).with_suffix("").parts) for path in paths)
    return _HEAD + "".join(f"import {name} as _\n" for name in names)


if __name__ == "__main__":
    TARGET.write_text(text())
