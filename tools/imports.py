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
    """Yield (line, name) of what a module imports or names, but for what the compiler leaves out.

    "a.b.*": all that begin so; of `from a import b`: a, and "a.b?".
    """
    tree = ast.parse(source.read_text())
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in alive(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}?") for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            if node.value.startswith(tuple(room + "." for room in ROOMS)) and " " not in node.value:
                yield node.lineno, node.value + ("*" if node.value[-1] in "._" else "")


def alive(node):
    """Yield all nodes but those that the compiler leaves out: behind `if False` or `False and`, as tools/parts.py has them."""
    if _is_false(node):
        return
    yield node
    for name, value in ast.iter_fields(node):
        if isinstance(node, ast.If) and name == "body" and _is_false(node.test):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from alive(child)


def _is_false(node):
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        return _is_false(node.values[0])
    return isinstance(node, ast.Constant) and node.value is False


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
