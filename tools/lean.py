"""Makes modules lean, in build/lean/BOARD: they do the same in less flash. A device gets them as tools/bundle.py puts them
together. What their tables have for other boards' parts alone is left out (tools/parts.py).

Bytecode keeps every name but those of local variables. Parameters become _0, _1, ... where no call names them; variables and
attributes of self with a leading underscore get one or two letters, the same ones in all modules. What a traceback shows stays:
modules, functions, classes, lines. `from micropython import const` goes: the compiler knows const() without it. A number that
one module imports from another, or asks it for, stands where it is used, as the compiler does it within a module: it takes no
RAM in either.
It is one with const(), or with a name in capitals: modules that CPython imports too have no const().
"""

import ast
import hashlib
import os
import re
from collections import Counter
from itertools import product
from pathlib import Path
from string import ascii_lowercase

from tools import parts
from tools.image import DEVICE_LIBRARIES, ROOMS, TOP

TARGET = TOP / "build" / "lean"
_IMPORT = re.compile("^from micropython import const$", re.MULTILINE)
_PRIVATE = re.compile("_[a-z]")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class Words:
    """What the modules of a program call things: the names that have to stay, and the new ones of those that need not."""

    def __init__(self, modules, foreign=()):
        """`modules`: {name: tree} of all; `foreign`: trees of what stays as it is and is called by these, or calls them."""
        trees = modules.values()
        self.handed = set()  # names by which a call hands over a value
        said = set()  # constants, any of which may be the name in a getattr()
        bound = set()  # by statements that do not say where the name stands, or that tracebacks show
        used, stored = Counter(), set()
        for tree in (*trees, *foreign):
            keys = set()
            for node in ast.walk(tree):
                if isinstance(node, ast.keyword):
                    self.handed.add(node.arg)
                elif isinstance(node, (ast.Dict, ast.Subscript)):
                    keys.update(node.keys if isinstance(node, ast.Dict) else [node.slice])
                elif isinstance(node, ast.Constant):
                    said.add(node.value)
                elif isinstance(node, (ast.Name, ast.Attribute)):
                    name = node.id if isinstance(node, ast.Name) else node.attr
                    used[name] += 1
                    if isinstance(node.ctx, ast.Store):
                        stored.add(name)
                    if isinstance(node, ast.Attribute) and ast.unparse(node.value) != "self":
                        bound.add(name)  # perhaps of an object that is not ours
                bound |= _bound(node)
            if None in self.handed:  # a call with **
                self.handed.remove(None)
                self.handed |= {key.value for key in keys if isinstance(key, ast.Constant)}
        bound |= self.handed
        for tree in foreign:
            bound |= {getattr(node, "attr", getattr(node, "id", "")) for node in ast.walk(tree)}
        private = [name for name, _ in used.most_common() if _PRIVATE.match(name) and len(name) > 2]
        letters = ("_" + "".join(pair) for size in (1, 2) for pair in product(ascii_lowercase, repeat=size))
        free = (name for name in letters if name not in used and name not in bound)
        self.private = dict(zip((name for name in private if name in stored - bound - said), free))
        self.numbers = {(module, name): number for module, tree in modules.items() for name, number in _numbers(tree)}
        replaced = {node for tree in trees for node, _ in _members(tree, self.numbers)}
        attributes = [node for tree in (*trees, *foreign) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
        asked = {node.attr for node in attributes if node not in replaced}
        left = {(node.module, each.name) for tree in foreign for node, each in _imports(tree)}
        left |= {(node.module, each.name) for tree in trees for node, each in _imports(tree) if not _is_plain(tree, each)}
        own = {module: {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} for module, tree in modules.items()}
        self.hidden = {  # from other modules
            (module, name)
            for module, name in self.numbers
            if (module, name) not in left and name not in asked | said and "_" + name not in own[module]
        }


def _bound(node):
    """Return the names that a node binds or uses without telling where they stand in the text, and those of functions."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        return set(node.names)
    if isinstance(node, ast.ExceptHandler):
        return {node.name}
    if isinstance(node, ast.alias):
        return {node.asname or node.name}
    if isinstance(node, ast.arguments):
        return {each.arg for each in (*node.posonlyargs, *node.kwonlyargs, node.vararg, node.kwarg) if each}
    if isinstance(node, ast.JoinedStr):  # before Python 3.12 its inner places are wrong
        return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return set()


def _numbers(tree):
    """Yield (name, number) of every public constant that a module defines."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.targets[0], ast.Name):
            name, call = node.targets[0].id, ast.unparse(node.value)
            if name[0] != "_" and re.fullmatch(r"const\([-0-9A-Fa-fx<|+*() ]+\)", call):
                yield name, eval(call, {"const": int})
    for name, value in _plain_numbers(tree):
        if name[0] != "_":
            yield name, ast.literal_eval(value)


def _plain_numbers(tree):
    """Yield (name, node of its value) of every constant of a module that is one by its name alone."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper():
            if re.fullmatch("-?[0-9]+", ast.unparse(node.value)):
                yield node.targets[0].id, node.value


def _imports(tree):
    """Yield (statement, alias) of every `from ... import ...`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for each in node.names:
                yield node, each


def _members(tree, numbers):
    """Yield (node, (module, name)) of every number that a module asks another one for, `requests.GET`, but in f-strings."""
    modules = {each.asname or each.name: f"{node.module}.{each.name}" for node, each in _imports(tree) if _is_plain(tree, each)}
    formatted = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node not in formatted:
            key = modules.get(node.value.id), node.attr
            if key in numbers:
                yield node, key


def _is_plain(tree, alias):
    """Whether an imported name is only read, and that where the tree tells its place."""
    name = alias.asname or alias.name
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load):
            return False
        if isinstance(node, (ast.JoinedStr, ast.arguments, ast.Global)) and name in _bound(node):
            return False
        if isinstance(node, ast.arg) and node.arg == name:
            return False
    return True


def lean(source, words, module=""):
    """Return the text of a module with shorter names."""
    lines = source.encode().split(b"\n")
    spots = {}  # (line, offset in bytes): (old name, new name)
    tree = ast.parse(source)
    _collect(tree, _known(tree, words, module), words, spots)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            _collect_formatted(node, lines, words, spots)
    for node, key in _members(tree, words.numbers):
        spots[node.lineno, node.col_offset] = ast.get_source_segment(source, node), _text(words.numbers[key])
    for _, value in _plain_numbers(tree):
        old = ast.get_source_segment(source, value)
        spots[value.lineno, value.col_offset] = old, f"const({old})"
    for (number, offset), (old, new) in sorted(spots.items(), reverse=True):
        line = lines[number - 1]
        end = offset + len(old)
        if line[offset:end] != old.encode():
            raise SystemExit(f"line {number}: {old} is expected at {offset}")
        lines[number - 1] = line[:offset] + new.encode() + line[end:]
    for node in {node for node, each in _imports(tree) if _replaced(tree, node, each, words)}:
        names = [each for each in node.names if not _replaced(tree, node, each, words)]
        text = ast.unparse(ast.ImportFrom(node.module, names, node.level)) if names else "pass"
        lines[node.lineno - 1] = lines[node.lineno - 1][: node.col_offset] + text.encode()
        lines[node.lineno : node.end_lineno] = [b""] * len(lines[node.lineno : node.end_lineno])
    text = b"\n".join(lines).decode()
    return _IMPORT.sub("", text) if _is_compiled(tree) else text


def _is_compiled(tree):
    """Whether const() is gone when the module runs: the compiler takes `A = const(1)`, but not `A, B = const(1), const(2)`."""
    taken = sum(
        isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and ast.unparse(node.value).startswith("const(")
        for node in ast.walk(tree)
    )
    return taken == sum(isinstance(node, ast.Name) and node.id == "const" for node in ast.walk(tree))


def _replaced(tree, node, alias, words):
    return (node.module, alias.name) in words.numbers and _is_plain(tree, alias)


def _known(tree, words, module):
    """Return {name: what stands for it} of the numbers that a module imports, and of its own that no other module imports."""
    formatted = {name for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for name in _bound(node)}
    known = {name: "_" + name for name, _ in _numbers(tree) if (module, name) in words.hidden and name not in formatted}
    for node, each in _imports(tree):
        if _replaced(tree, node, each, words):
            number = words.numbers[node.module, each.name]
            known[each.asname or each.name] = _text(number)
    return known


def _text(number):
    return str(number) if number >= 0 else f"({number})"


def _collect(node, parameters, words, spots):
    """Put what is to change at or below `node` into `spots`; `parameters`: {old: new} of the functions around."""
    if isinstance(node, _FUNCTIONS):
        inner = _parameters(node, parameters, words)
        for each in node.args.args:
            new = inner.get(each.arg) or words.private.get(each.arg)
            if new:
                spots[each.lineno, each.col_offset] = each.arg, new
        body = node.body if isinstance(node.body, list) else [node.body]
        for part in ast.iter_child_nodes(node):
            _collect(part, inner if part in body else parameters, words, spots)
        return
    if isinstance(node, ast.Name):
        new = parameters.get(node.id) or words.private.get(node.id)
        if new:
            spots[node.lineno, node.col_offset] = node.id, new
    elif isinstance(node, ast.Attribute) and node.attr in words.private:
        spots[node.end_lineno, (node.end_col_offset or 0) - len(node.attr)] = node.attr, words.private[node.attr]
    if not isinstance(node, ast.JoinedStr):
        for part in ast.iter_child_nodes(node):
            _collect(part, parameters, words, spots)


def _collect_formatted(node, lines, words, spots):
    """Do so with the attributes in an f-string, by looking for them."""
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and part.attr in words.private:
            for number in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                for found in re.finditer(rb"(?<=[\w)\]]\.)%s\b" % part.attr.encode(), lines[number - 1]):
                    spots[number, found.start()] = part.attr, words.private[part.attr]


def _parameters(function, around, words):
    """Return {old: new} for the inside of a function: its own parameters, and those of the functions around it."""
    own = {each.arg for each in function.args.args}
    fixed = {"self"} | words.handed
    for node in ast.walk(function):
        if isinstance(node, ast.ClassDef):
            fixed |= {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        elif node is not function.args:
            fixed |= _bound(node)
    inner = {old: new for old, new in around.items() if old not in own}
    taken = sum(new[1].isdigit() for new in inner.values() if new[0] == "_")
    for each in function.args.args:
        if each.arg not in fixed:
            inner[each.arg] = f"_{taken}"
            taken += 1
    return inner


def sources():
    """Yield (source, path inside the image) of every module of the application."""
    for room in ROOMS:
        for source in sorted((TOP / room).rglob("*.py")):
            if source.name != "__init__.py" or source.stat().st_size:
                yield source, source.relative_to(TOP)


def module_name(path):
    """Return the dotted name of a module by its path inside the image."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _texts():
    """Return ({path inside the image: source} of the application, [source] of what it calls, or what calls it)."""
    if not DEVICE_LIBRARIES.is_dir():
        raise SystemExit("the libraries of the device are not there: run tools/setup")
    foreign = [*DEVICE_LIBRARIES.rglob("*.py"), *(TOP / "boards").rglob("*.py")]
    return {path: source.read_text() for source, path in sources()}, [file.read_text() for file in sorted(foreign)]


def _words(texts, others):
    return Words({module_name(path): ast.parse(text) for path, text in texts.items()}, [ast.parse(text) for text in others])


def overlay(changed):
    """Yield (path, text) for modules that stand in the place of those built: {path: source}, in the same words."""
    words = _words(*_texts())
    for path, text in changed.items():
        yield Path(path), lean(text, words, module_name(Path(path)))


def build(board="HOST"):
    """Write all modules unless they are there already; yield (file, path inside the image) of each.

    The words are those of all modules, so that what boards have in common is the same on all of them.
    """
    texts, others = _texts()
    target = TARGET / board
    tools = [Path(file).read_text() for file in (__file__, parts.__file__, parts.board_file(board))]
    digest = hashlib.sha256(repr((sorted(texts.items()), others, tools)).encode()).hexdigest()
    stamp = target / "made_from"
    if not stamp.exists() or stamp.read_text() != digest:
        words = _words(texts, others)
        for path, text in texts.items():
            write(target / path, lean(parts.reduced(board, path, text), words, module_name(path)))
        write(stamp, digest)
    for path in texts:
        yield target / path, path


def write(file, text):
    """Write a file unless it is as it should be: whole or not at all, for several builds may run at once."""
    if not file.exists() or file.read_text() != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(f".{os.getpid()}")
        new.write_text(text)
        new.replace(file)
