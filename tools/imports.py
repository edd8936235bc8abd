"""Which modules a module brings in, by its source: imports anywhere in it, and the names of those that are loaded by name.

The gateway loads what it needs now and then by `_load("firmware.services.sntp")` and the like: each string that is the name of
a module counts, and one that ends in a dot or an underscore, before a name known at run time only, for all that begin so.
"""

import ast

from tools.image import TOP

ROOMS = ("lib", "firmware")


def application():
    """{dotted name: source} of all modules in lib and firmware."""
    found = {}
    for room in ROOMS:
        for source in sorted((TOP / room).rglob("*.py")):
            parts = source.relative_to(TOP).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = source
    return found


def named(source):
    """Yield (line, name) of what a module imports or names; "a.b.*": all that begin so; of `from a import b`: a, and "a.b?"."""
    tree = ast.parse(source.read_text())
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}?") for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            if node.value.startswith(tuple(room + "." for room in ROOMS)) and " " not in node.value:
                yield node.lineno, node.value + ("*" if node.value[-1] in "._" else "")


def asked(source):
    """The parts (tools/parts.py) of which a module asks whether the board has them: `"modem" in board.PARTS`."""
    found = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Compare) and ast.unparse(node.comparators[0]) in ("board.PARTS", "board.PROTOCOLS"):
            found |= {each.value for each in ast.walk(node.left) if isinstance(each, ast.Constant)}
    return found


def at_module_level(source):
    """The lines that run when a module is imported: all but those of functions."""
    tree = ast.parse(source.read_text())
    inside = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            inside |= set(range(node.body[0].lineno, (node.end_lineno or 0) + 1))
    return {node.lineno for node in ast.walk(tree) if isinstance(node, ast.stmt)} - inside


def needed(start, modules):
    """The names out of `modules` that are needed by the sources `start`, directly or by one another."""
    found, waiting = set(), list(start)
    while waiting:
        for _, name in named(waiting.pop()):
            name = name.rstrip("?")
            names = [m for m in modules if m.startswith(name[:-1])] if name.endswith("*") else [name] if name in modules else []
            waiting.extend(modules[name] for name in names if name not in found)
            found.update(names)
    return found
