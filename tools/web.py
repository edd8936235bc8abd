"""Packs the web pages of a board into one module, `build/web/BOARD/web_assets.py`: `python -m tools.web BOARD`.

esbuild makes one script of the shell and all pages, and one style, both without a byte too many; the text table becomes a list
of texts for each language, in the order of the keys that the script has; the chart library comes from npm as it is. All is
compressed. The module holds one constant, FILES: tuples of (path, Content-Type, ETag, gzip). Frozen, it stays in flash. The
same sources give the same bytes. What is for parts that the board lacks (tools/parts.py) is left out: texts, lines of the
navigation that name them, scripts and styles of their own, and what scripts do where HAS.part is true.
"""

import functools
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from zopfli import gzip  # three per cent smaller than zlib

from tools import parts
from tools.image import TOP

SOURCES = TOP / "firmware" / "web"
TARGET = TOP / "build" / "web"
FILES_OF = {
    "profile": ("/lib/profile.js",),
    "iec62056": ("/lib/iec.js",),
    "dlms": ("/lib/dlms.js", "/lib/dlms.css"),
    "roles": ("/lib/users.js",),
}
TEXTS = "texts.txt"  # the table of all texts
_NPM = TOP / ".tools" / "npm" / "node_modules"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


def texts(board="HOST"):
    """Return {language: {key: text}} of the table, whose lines are `key | text | text ...`; the first names the languages.

    A text of `-` is left out: what the gateway itself says is good enough in this language.
    """
    lines = [line for line in (SOURCES / TEXTS).read_text().splitlines() if line.strip() and not line.startswith("#")]
    rows = [[cell.strip() for cell in line.split(" | ")] for line in lines]
    languages = rows[0][1:]
    is_useless = parts.useless(board)
    for row in rows:
        if len(row) != len(rows[0]):
            raise SystemExit(f"{TEXTS}: {row[0]}: a text for each of {', '.join(languages)} is expected")
    return {
        language: {row[0]: row[number] for row in rows[1:] if row[number] != "-" and not is_useless(row[0])}
        for number, language in enumerate(languages, 1)
    }


def keys(board="HOST"):
    """Return the keys of all texts, in the order in which each language's file has the texts."""
    return list(dict.fromkeys(key for table in texts(board).values() for key in table))


def _keys_id(board):
    """Return what stands behind the last key, and behind the last text: a script tells by it whether texts are its own."""
    return hashlib.sha256("\n".join(keys(board)).encode()).hexdigest()[:8]


def bundled(source, board):
    """Return a script or style with what it imports in it, as small as esbuild makes it. Addresses of ours stay imports.

    Raises SystemExit where esbuild finds a mistake; its own words are on stderr.
    """
    (esbuild,) = _NPM.glob("@esbuild/*/bin/esbuild")  # its npm package brings the one for this machine
    options = ["--bundle", "--minify", "--format=esm", "--target=es2022", "--external:/lib/*", "--log-level=warning"]
    if source.suffix == ".js":
        options.append("--define:TEXT_KEYS=" + json.dumps("\n".join([*keys(board), _keys_id(board)])))
        options += [f"--define:HAS.{part}={json.dumps(part not in parts.lacks(board))}" for part in parts.PARTS_OF]
    environment = {**os.environ, "NODE_PATH": str(_NPM)}
    done = subprocess.run([esbuild, source, *options], stdout=subprocess.PIPE, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"{source.name} cannot be bundled")
    return done.stdout


def files(board="HOST"):
    """Yield (path as the browser asks for it, content) of everything that is served."""
    known = keys(board)
    for source in sorted(SOURCES.iterdir()):
        if source.suffix in (".js", ".css"):
            yield "/" + source.name, bundled(source, board)
        elif source.name == "index.html":
            lines = source.read_text().splitlines(keepends=True)
            named = [(re.search('data-text="(.+?)"', line), line) for line in lines]
            yield "/", "".join(line for key, line in named if not key or key[1] in known).encode()
        elif source.is_file() and source.name != TEXTS:
            yield "/" + source.name, source.read_bytes()
    for language, table in texts(board).items():
        yield f"/text/{language}.txt", "\n".join([*(table.get(key, "") for key in known), _keys_id(board)]).encode()
    for part, paths in FILES_OF.items():
        for path in paths if part not in parts.lacks(board) else ():
            yield path, bundled(SOURCES / path[1:], board)
    # Made for a <script>; as a module it has to name what it gives.
    yield "/lib/uplot.js", (_NPM / "uplot" / "dist" / "uPlot.iife.min.js").read_bytes() + b"\nexport default uPlot;\n"


def packed(board="HOST"):
    """Return the list that FILES becomes."""
    rows = []
    for path, content in files(board):
        ending = "." + path.rpartition(".")[2] if path != "/" else ".html"
        if ending not in _TYPES:
            raise SystemExit(f"{path} is nothing that a page is made of: known are {', '.join(_TYPES)}")
        kind = _TYPES[ending]
        tag = '"' + hashlib.sha256(content).hexdigest()[:12] + '"'
        rows.append((path, kind, tag, _compressed(content)))
    return rows


@functools.cache
def _compressed(content):
    return gzip.compress(content)


def _made_from(board):
    """Return a digest of everything that the pages are made from."""
    digest = hashlib.sha256(repr(parts.settings(board)).encode())
    tools = [Path(__file__), Path(parts.__file__), TOP / "tools" / "npm" / "package-lock.json", parts.board_file(board)]
    for source in [*tools, *sorted(SOURCES.rglob("*"))]:
        if source.is_file():
            digest.update(os.path.relpath(source, TOP).encode() + b"\0" + source.read_bytes() + b"\0")
    return digest.hexdigest()


def build(board="HOST"):
    """Write the module unless it is there already; return its path."""
    target = TARGET / board / "web_assets.py"
    head = f'"""The web pages, made by tools/web.py from {_made_from(board)}."""\n\nFILES = (\n'
    if not target.exists() or not target.read_text().startswith(head):
        target.parent.mkdir(parents=True, exist_ok=True)
        new = target.with_suffix(f".{os.getpid()}")
        new.write_text("".join([head, *(f"    {row!r},\n" for row in packed(board)), ")\n"]))
        new.replace(target)  # whole or not at all: several builds may run at once
    return target


def main(board="HOST"):
    build(board)
    total = 0
    for path, _, _, content in packed(board):
        print(f"{len(content):8} {path}")
        total += len(content)
    print(f"{total:8} in all, compressed")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
