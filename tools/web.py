"""Packs the web pages into one module, `build/web/web_assets.py`: `python -m tools.web`.

esbuild makes one script of the shell and all pages, and one style, both without a byte too many; the text table becomes a list
of texts for each language, in the order of the keys that the script has; the chart library comes from npm as it is. All is
compressed. The module holds one constant, FILES: tuples of (path, Content-Type, ETag, gzip). Frozen, it stays in flash. The
same sources give the same bytes. What not every board has (tools/parts.py) is in a module of its own beside it.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from zopfli import gzip  # three per cent smaller than zlib

from tools.image import TOP

SOURCES = TOP / "firmware" / "web"
TARGET = TOP / "build" / "web" / "web_assets.py"
PARTS = {"/lib/profile.js": "web_profile.py", "/lib/iec.js": "web_iec.py"}
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


def keys():
    """Return the keys of all texts, in the order in which each language's file has the texts."""
    return list(dict.fromkeys(key for table in texts().values() for key in table))


def _keys_id():
    """Return what stands behind the last key, and behind the last text: a script tells by it whether texts are its own."""
    return hashlib.sha256("\n".join(keys()).encode()).hexdigest()[:8]


def bundled(source):
    """Return a script or style with what it imports in it, as small as esbuild makes it. Addresses of ours stay imports.

    Raises SystemExit where esbuild finds a mistake; its own words are on stderr.
    """
    (esbuild,) = _NPM.glob("@esbuild/*/bin/esbuild")  # its npm package brings the one for this machine
    options = ["--bundle", "--minify", "--format=esm", "--target=es2022", "--external:/lib/*", "--log-level=warning"]
    if source.suffix == ".js":
        options.append("--define:TEXT_KEYS=" + json.dumps("\n".join([*keys(), _keys_id()])))
    environment = {**os.environ, "NODE_PATH": str(_NPM)}
    done = subprocess.run([esbuild, source, *options], stdout=subprocess.PIPE, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"{source.name} cannot be bundled")
    return done.stdout


def files():
    """Yield (path as the browser asks for it, content) of everything that is served."""
    for source in sorted(SOURCES.iterdir()):
        if source.suffix in (".js", ".css"):
            yield "/" + source.name, bundled(source)
        elif source.is_file() and source.name != TEXTS:
            yield "/" if source.name == "index.html" else "/" + source.name, source.read_bytes()
    for language, table in texts().items():
        yield f"/text/{language}.txt", "\n".join([*(table.get(key, "") for key in keys()), _keys_id()]).encode()
    for path in PARTS:
        yield path, bundled(SOURCES / path[1:])
    # Made for a <script>; as a module it has to name what it gives.
    yield "/lib/uplot.js", (_NPM / "uplot" / "dist" / "uPlot.iife.min.js").read_bytes() + b"\nexport default uPlot;\n"


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


def _made_from():
    """Return a digest of everything that the pages are made from."""
    digest = hashlib.sha256()
    for source in [Path(__file__), TOP / "tools" / "npm" / "package-lock.json", *sorted(SOURCES.rglob("*"))]:
        if source.is_file():
            digest.update(os.path.relpath(source, TOP).encode() + b"\0" + source.read_bytes() + b"\0")
    return digest.hexdigest()


def build():
    """Write the modules unless they are there already; return the path of the one that every board has."""
    head = f'"""The web pages, made by tools/web.py from {_made_from()}."""\n\nFILES = (\n'
    modules = [TARGET.with_name(name) for name in PARTS.values()] + [TARGET]
    if not all(module.exists() and module.read_text().startswith(head) for module in modules):
        rows = {module: [] for module in modules}
        for row in packed():
            rows[TARGET.with_name(PARTS.get(row[0], TARGET.name))].append(f"    {row!r},\n")
        TARGET.parent.mkdir(parents=True, exist_ok=True)
        for module in modules:
            new = module.with_suffix(f".{os.getpid()}")
            new.write_text("".join([head, *rows[module], ")\n"]))
            new.replace(module)  # whole or not at all: several builds may run at once
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
