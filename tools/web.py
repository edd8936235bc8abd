"""Packs the web pages into one module, `build/web/web_assets.py`: `python -m tools.web`.

Each file of firmware/web is compressed, scripts and styles without comments and indentation; the text table becomes one JSON
file for each language; the chart library comes from npm as it is. The module holds one constant, FILES: tuples of (path,
Content-Type, ETag, gzip). Frozen, it stays in flash. The same sources give the same bytes.
"""

import hashlib
import json
import os
import re
import sys

from zopfli import gzip  # three per cent smaller than zlib

from tools.image import TOP

SOURCES = TOP / "firmware" / "web"
TARGET = TOP / "build" / "web" / "web_assets.py"
TEXTS = "texts.txt"  # the table of all texts
_CHARTS = TOP / ".tools" / "npm" / "node_modules" / "uplot" / "dist"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


def texts():
    """Return {language: {key: text}} of the table, whose lines are `key | text | text ...`; the first names the languages.

    A text of `-` is left out: what the gateway itself says is good enough in this language.
    """
    lines = [line for line in (SOURCES / TEXTS).read_text().splitlines() if line.strip() and not line.startswith("#")]
    rows = [[cell.strip() for cell in line.split(" | ")] for line in lines]
    languages = rows[0][1:]
    for row in rows:
        if len(row) != len(rows[0]):
            raise SystemExit(f"{TEXTS}: {row[0]}: a text for each of {', '.join(languages)} is expected")
    return {
        language: {row[0]: row[number] for row in rows[1:] if row[number] != "-"}
        for number, language in enumerate(languages, 1)
    }


# What stands before code on a line, and comments with lines of their own
_AROUND = re.compile(r"^[ \t]*(?:/\*(?:[^*]|\*(?!/))*\*/[ \t]*$|//.*$)?", re.MULTILINE)


def lean(source):
    """Return a script or a style without comments and indentation; its lines keep their numbers, for the browser's console."""
    if any(line.count("`") % 2 for line in source.split("\n")):
        raise SystemExit("a text in backquotes goes over several lines: its indentation would be lost")
    return _AROUND.sub(lambda found: "\n" * found[0].count("\n"), source)


def files():
    """Yield (path as the browser asks for it, content) of everything that is served."""
    for source in sorted(SOURCES.rglob("*")):
        if source.is_file() and source.name != TEXTS:
            path = "/" + source.relative_to(SOURCES).as_posix()
            content = source.read_text()
            if source.suffix in (".js", ".css"):
                content = lean(content)
            yield "/" if path == "/index.html" else path, content.encode()
    for language, table in texts().items():
        yield f"/text/{language}.json", json.dumps(table, ensure_ascii=False, separators=(",", ":")).encode()
    # Made for a <script>; as a module it has to name what it gives.
    yield "/lib/uplot.js", (_CHARTS / "uPlot.iife.min.js").read_bytes() + b"\nexport default uPlot;\n"
    yield "/lib/uplot.css", (_CHARTS / "uPlot.min.css").read_bytes()


def packed():
    """Return the list that FILES becomes."""
    rows = []
    for path, content in files():
        ending = "." + path.rpartition(".")[2] if path != "/" else ".html"
        if ending not in _TYPES:
            raise SystemExit(f"{path} is nothing that a page is made of: known are {', '.join(_TYPES)}")
        kind = _TYPES[ending]
        tag = '"' + hashlib.sha256(content).hexdigest()[:12] + '"'
        rows.append((path, kind, tag, gzip.compress(content)))
    return rows


def build():
    """Write the module unless it is there already; return its path."""
    rows = packed()
    lines = ['"""The web pages, made by tools/web.py."""\n\nFILES = (\n']
    lines += [f"    {row!r},\n" for row in rows]
    module = "".join([*lines, ")\n"])
    if not TARGET.exists() or TARGET.read_text() != module:
        TARGET.parent.mkdir(parents=True, exist_ok=True)
        new = TARGET.with_suffix(f".{os.getpid()}")
        new.write_text(module)
        new.replace(TARGET)  # whole or not at all: several builds may run at once
    return TARGET


def main():
    build()
    total = 0
    for path, _, _, content in packed():
        print(f"{len(content):8} {path}")
        total += len(content)
    print(f"{total:8} in all, compressed")


if __name__ == "__main__":
    sys.exit(main())
