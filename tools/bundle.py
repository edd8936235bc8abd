"""Makes one module of those that are always in RAM together, in build/bundle/BOARD: `python -m tools.bundle BOARD` makes all
modules of a board as a device gets them, and says which they are.

A module takes about 100 bytes of RAM, a name that one imports from another 8: a sixth of what the gateway took went there. The
texts are those of tools/lean.py, one behind the other in the order in which they are imported; what an import brought is named
itself. Of two modules' names that are the same one gets a number. Who imports such a module gets it from where it is now.

Modules belong together if the same entries bring them: those loaded by name, or imported within a function, and main. WITH says
which entries come only when another one is there anyway. The entry keeps its place and its names. Tracebacks name the file that
a module went to, and functions as ever. What nobody loads is left out.
"""

import ast
import hashlib
import sys
from collections import defaultdict
from fnmatch import fnmatchcase
from pathlib import Path

from tools import lean, merged, parts, scopes
from tools.image import TOP
from tools.imports import alive
from tools.merged import Bundle
from tools.scopes import alias_name, top_names

TARGET = TOP / "build" / "bundle"
BOARDS = TOP / "boards" / "common"  # what starts the application on a device
MAIN = "firmware.main"
NAMES = "firmware.names"  # imports all that is loaded by name, but is never loaded
# {entry: those that are loaded only while it is; none of them is loaded by name if the entry imports it}
WITH = {
    "firmware.dlms": (
        *("firmware.meters.dlms_jobs", "firmware.bus.dlms_*", "lib.dlms.link", "lib.dlms.wrapper", "lib.dlms.compact"),
        *("lib.store.archive_*", "firmware.meters.dlms*", "firmware.state.dlms_upkeep"),
    ),
    "firmware.state.dlms_meters": ("firmware.dlms",),
}


def _comes_with(name, entry):
    return name != entry and any(fnmatchcase(name, pattern) for pattern in WITH[entry])


class Program:
    """`modules`: {dotted name: tree}; `foreign`: trees of what imports some of them. `bundles`: {module that they go to:
    [modules, in their order]}; what nobody loads is in none.
    """

    def __init__(self, modules, foreign=()):
        self.modules = modules
        self._imports = {name: [] for name in modules}  # what each brings with it
        self._entries = {MAIN} & set(modules)
        for name, tree in modules.items():
            self._look(tree, self._imports[name])
        for tree in foreign:
            self._look(tree)
        self._entries |= self._loaded_by_name()
        for entry in WITH.keys() & self._entries:
            self._entries -= {name for name in self._brought(entry) if _comes_with(name, entry)}
        self.bundles = self._grouped()
        self.modules = {name: modules[name] for names in self.bundles.values() for name in names}
        self.place = {name: place for place, names in self.bundles.items() for name in names}
        self.bound = {name: self._bound(name, tree) for name, tree in self.modules.items()}
        self._made = {place: Bundle(self, place) for place in self.bundles}

    # Which belong together

    def target(self, node, alias):
        """Return (module, name) of what an import of ours imports, name None for the module itself; None: it is not ours."""
        if isinstance(node, ast.Import):
            return (alias.name, None) if alias.name in self.modules else None
        whole = f"{node.module}.{alias.name}"
        return (whole, None) if whole in self.modules else (node.module, alias.name) if node.module in self.modules else None

    def _look(self, tree, own=None):
        """Note what a module imports: what it imports where it begins comes with it, all else is an entry."""
        for node in alive(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                found = [str(target[0]) for target in (self.target(node, alias) for alias in node.names) if target]
                if own is not None and node in tree.body:
                    own += found
                else:
                    self._entries.update(found)

    def _loaded_by_name(self):
        """Return what is loaded by name; where only the beginning of one is said, all that begin so, but those that modules
        import and whose ends nobody says."""
        words = set()
        for tree in self.modules.values():
            documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in alive(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
                    words.update(node.value.split())
        begins = [word for word in words if word.startswith(("lib.", "firmware.")) and word[-1] in "._"]
        imported = {other for others in self._imports.values() for other in others}
        found = words & set(self.modules)
        for name in self.modules:
            ends = [name.removeprefix(begin) for begin in begins if name.startswith(begin)]
            if ends and (name not in imported or words.intersection(ends)):
                found.add(name)
        return found

    def _brought(self, entry):
        """Return what an entry brings, in the order in which it runs: the entry comes last."""
        found, seen = [], set()

        def visit(name):
            if name not in seen:
                seen.add(name)
                for other in self._imports[name]:
                    visit(other)
                found.append(name)

        visit(entry)
        return found

    def _grouped(self):
        there = {entry: set(self._brought(entry)) for entry in self._entries}  # what is there when an entry is
        bringers = {name: {entry for entry in there if name in there[entry]} for name in self.modules}
        for entry in WITH.keys() & there.keys():
            for other, present in there.items():
                if _comes_with(other, entry):
                    present.add(entry)
        groups = defaultdict(list)
        for name, entries in bringers.items():
            if not entries:
                continue  # nobody wants it
            first = {entry for entry in entries if not (entries - {entry}) & there[entry]}
            groups[MAIN if MAIN in entries else frozenset(first or entries)].append(name)
        return dict(self._ordered(names) for names in groups.values())

    def _ordered(self, names):
        order = []
        for name in sorted(names):
            order += [other for other in self._brought(name) if other in names and other not in order]
        entries = [name for name in order if name in self._entries]
        return (entries or order)[-1], order

    # What names stand for

    def meaning(self, node, alias):
        """Return what an import stands for: ("module", ours), (ours, name in it), or ("import", module, name) of another's.

        None: of ours, of which the whole path is imported; nobody uses that.
        """
        target = self.target(node, alias)
        if not target:
            return "import", getattr(node, "module", None), alias.name
        if target[1] is not None:
            return target
        return None if isinstance(node, ast.Import) and not alias.asname else ("module", target[0])

    def _bound(self, name, tree):
        """Return {name: what it stands for} of all that a module binds: imports, and (module, name) of its own."""
        found = {}
        for node in tree.body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                new = {alias_name(alias): self.meaning(node, alias) for alias in node.names}
            else:
                new = {each: (name, each) for each in top_names(node)}
            for each, meaning in new.items():
                if meaning and found.setdefault(each, meaning) != meaning:
                    raise SystemExit(f"{name} binds {each} twice")
        return found

    def origin(self, meaning):
        """Return what a name that may have come from module to module stands for in the end."""
        while meaning[0] in self.modules:
            further = self.bound[meaning[0]].get(meaning[1])
            if further is None:
                raise SystemExit(f"{meaning[0]} has no {meaning[1]}")
            if further == meaning:
                break
            meaning = further
        return meaning

    def name_of(self, module, name):
        """Return what a name of a module is in the bundle that the module went to."""
        return self._made[self.place[module]].name((module, name))

    def text(self, place):
        """Return the text of the bundle at a place; once, for it changes the trees."""
        return self._made[place].text()


def _files(board):
    """Return {dotted name: (path inside the image, lean file)} of the modules of a board."""
    has = parts.chooser(board)
    return {lean.module_name(path): (path, file) for file, path in lean.build(board) if has(path)}


def program(board):
    """Return the Program of a board."""
    foreign = [ast.parse(file.read_text()) for file in sorted(BOARDS.glob("*.py"))]
    return Program({name: ast.parse(file.read_text()) for name, (_, file) in _files(board).items() if name != NAMES}, foreign)


def build(board):
    """Write all modules of a board unless they are there already; yield (file, path inside the image) of each."""
    files = _files(board)
    tools = [Path(str(module.__file__)) for module in (lean, merged, parts, scopes, sys.modules[__name__])]
    texts = [(str(file), file.read_text()) for file in (*tools, *(file for _, file in files.values()), *BOARDS.glob("*.py"))]
    digest = hashlib.sha256(repr(sorted(texts)).encode()).hexdigest()
    target = TARGET / board
    stamp = target / "made_from"
    if not stamp.exists() or stamp.read_text().split("\n")[0] != digest:
        made = program(board)
        for place in made.bundles:
            lean.write(target / files[place][0], made.text(place))
        lines = files[NAMES][1].read_text().splitlines(keepends=True)
        kept = [line for line in lines if line.startswith("import ") and line.split()[1] in made.bundles]
        lean.write(target / files[NAMES][0], "".join(kept))
        lean.write(stamp, "\n".join([digest, *made.bundles, NAMES]))
    for place in stamp.read_text().split("\n")[1:]:
        yield target / files[place][0], files[place][0]


if __name__ == "__main__":
    for _, path in build(sys.argv[1]):
        print(path)
