"""Writes docs/settings.md from the schema: `python -m tools.settings_doc`. A test keeps the two equal."""

from pathlib import Path

from firmware.state import schema

TARGET = Path(__file__).resolve().parent.parent / "docs" / "settings.md"

_HEAD = """# Settings

Made from `firmware/state/schema.py` by `python -m tools.settings_doc`; do not edit.

They are changed on the page SG Settings, or by `PATCH /api/settings` with an object of names and values ([api.md](api.md)):

    curl -u admin:PASSWORD -X PATCH -H 'Content-Type: application/json' \\
        -d '{"timezone": "Europe/Istanbul", "rs485_type_1": 2}' http://ADDRESS/api/settings

A change is checked as a whole: if one field is wrong, the answer (422) says so for each, and nothing changes. What is marked
with *restart* takes effect with the next start, all else at once. A secret is never shown, only whether it is set.
Values that do not go together are refused: a static address without its mask, two RS-485 devices with one address.
`#` stands for the number of a link (1, 2), a further network (1 to 3), or an RS-485 device (1 to 16). `timezone` takes
minutes east of UTC, a name such as `Europe/Ljubljana`, or a POSIX TZ rule; `ntp_server1` to `3` take a name or an address, with
`:port` if need be. The name of a network may have any bytes ([network.md](network.md)).
`modbus_writes` lists what Modbus clients may change: `33:6,16 *:5` lets functions 6 and 16 through to unit 33, and 5 to all.
"""


def text():
    """Return the document: a table per page of settings."""
    lines = [_HEAD]
    page = None
    for title, rows, count in schema.TABLES:
        if title != page:
            page = title
            lines.append(f"\n## {page}\n\n| name | meaning | default | values | |\n| --- | --- | --- | --- | --- |\n")
        for row in rows.strip().split("\n"):
            setting = schema.Setting(title, row, None if count is None else "#")
            flags = setting.flags.replace(" ", ", ")
            lines.append(f"| `{setting.name}` | {setting.meaning} | {setting.default} | {_values(setting)} | {flags} |\n")
    return "".join(lines)


def _values(setting):
    if setting.kind == "text":
        return f"text, at most {setting.range} bytes"
    if setting.kind == "ssid":
        return f"name of a network, at most {setting.range} bytes"
    if setting.kind == "ip":
        return "IPv4 address, or empty"
    if setting.kind == "zone":
        return "minutes, name or rule of a time zone"
    if setting.kind == "sources":
        return "addresses and networks: 192.168.1.20, 10.0.0.0/8"
    if setting.kind == "when":
        return "`hourly MM`, `daily HH:MM`, `weekly D HH:MM`, `monthly D HH:MM`, or empty"
    if setting.kind == "writes":
        return "`unit:functions`, blanks between"
    if setting.kind == "flag":
        return "0 or 1"
    if setting.kind == "choice":
        return ", ".join(f"{pair.partition('=')[0]}: {pair.partition('=')[2]}" for pair in setting.range.split(","))
    return setting.range.replace("..", " to ")


if __name__ == "__main__":
    TARGET.write_text(text())
