"""What tools/lean.py makes of modules: shorter names, the same program."""

import ast
import re
import subprocess
import symtable

import pytest

from tools import lean
from tools.image import TOOLS

NUMBER = re.compile("_?[A-Z][A-Z0-9_]*")
# what, source, the same made lean
EXAMPLES = (
    ("a parameter", "def f(value, other): return value + other", "def f(_0, _1): return _0 + _1"),
    ("one that a call names", "def f(value, other): return value\nf(1, other=2)", "def f(_0, other): return _0\nf(1, other=2)"),
    (
        "one that ** may name",
        "def f(value, other): return value\nd = {'other': 2}\nf(1, **d)",
        "def f(_0, other): return _0\nd = {'other': 2}\nf(1, **d)",
    ),
    ("self and names that are said", "class A:\n def f(self, a): return self.a", "class A:\n def f(self, _0): return self.a"),
    (
        "a function in a function",
        "def f(a, b):\n def g(c): return a + b + c\n return g",
        "def f(_0, _1):\n def g(_2): return _0 + _1 + _2\n return g",
    ),
    ("an inner one of the same name", "def f(a): return lambda a: a", "def f(_0): return lambda _0: _0"),
    ("a default from around", "def f(a): return lambda b=a: b", "def f(_0): return lambda _1=_0: _1"),
    ("a parameter in an f-string", 'def f(a, b): return f"{a}" + b', 'def f(a, _0): return f"{a}" + _0'),
    ("nonlocal", "def f(a, b):\n def g():\n  nonlocal a\n  a = b", "def f(a, _0):\n def g():\n  nonlocal a\n  a = _0"),
    ("behind letters of two bytes", 'def f(text): return "çş", text', 'def f(_0): return "çş", _0'),
    (
        "an attribute",
        "class A:\n def __init__(self): self._count = 0\n def f(self): return self._count",
        "class A:\n def __init__(self): self._a = 0\n def f(self): return self._a",
    ),
    (
        "an attribute in an f-string",
        "class A:\n def f(self): self._count = 1; self.y = f'._count {self._count}'",
        "class A:\n def f(self): self._a = 1; self.y = f'._count {self._a}'",
    ),
    ("an attribute that is asked for", 'self._count = getattr(y, "_count")', 'self._count = getattr(y, "_count")'),
    ("somebody else's attribute", "self._count = y._count", "self._count = y._count"),
    ("a function's name", "def _count(): pass\nself._count = _count", "def _count(): pass\nself._count = _count"),
    ("a letter that is taken", "self._count = _a", "self._b = _a"),
    (
        "const() that is called",
        "from micropython import const\n_A, _B = const(1), const(2)",
        "from micropython import const\n_A, _B = const(1), const(2)",
    ),
    ("const()", "from micropython import const\n_A = const(1)", "\n_A = const(1)"),
)


@pytest.mark.parametrize(("source", "expected"), [row[1:] for row in EXAMPLES], ids=[row[0] for row in EXAMPLES])
def test_examples(source, expected):
    assert lean.lean(source, lean.Words({"": ast.parse(source)})) == expected


NUMBERS = {
    "a": "from micropython import const\nFEW = const(2)\nMANY = const(1 << 4)\nLESS = const(-1)\nsize = FEW * MANY",
    "b": "from a import (  # two\n    FEW,\n    MANY,\n)\nx = FEW",
    "c": "from a import FEW, size\ndef f(value): return value + FEW + size",
    "d": "import a\nx = a.MANY",
    "e": "from a import LESS\nx = LESS, f'{LESS}'",
    "f": "MOST = const(3)\nx = MOST, f'{MOST}'",
    "p.g": "HALF = const(5)\nWHOLE = const(10)\nsize = HALF",
    "h": "from p import g\ndef f(): return g.HALF, g.size",
    "i": "from p import g\ndef f(): return g.HALF, f'{g.WHOLE}'",
}


def test_numbers_of_other_modules():
    words = lean.Words({name: ast.parse(source) for name, source in NUMBERS.items()})
    made = {name: lean.lean(source, words, name) for name, source in NUMBERS.items()}
    # MANY is asked for as an attribute, LESS where nobody can tell its place
    assert made["a"] == "\n_FEW = const(2)\nMANY = const(1 << 4)\nLESS = const(-1)\nsize = _FEW * MANY"
    assert made["b"] == "pass\n\n\n\nx = 2"
    assert made["c"] == "from a import size\ndef f(_0): return _0 + 2 + size"
    assert made["d"] == NUMBERS["d"]
    assert made["e"] == NUMBERS["e"]
    assert made["f"] == NUMBERS["f"]
    assert made["p.g"] == "HALF = const(5)\nWHOLE = const(10)\nsize = HALF"
    assert made["h"] == "from p import g\ndef f(): return 5, g.size"
    assert made["i"] == NUMBERS["i"]


def test_no_name_is_left_behind():
    """The style checker finds no name without a meaning: of the compiler's own there are const() and viper's types."""
    known = 'builtins = ["const", "ptr8", "ptr16", "ptr32", "uint"]'
    folders = {file.parents[len(path.parts) - 2] for file, path in lean.build()}
    command = [TOOLS / "ruff", "check", "--isolated", "--no-cache", "--select", "F821", "--config", known, *sorted(folders)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def scopes(table):
    yield table
    for child in table.get_children():
        yield from scopes(child)


def test_every_scope_of_the_application_binds_as_before():
    """Names are the same or exchanged one for one; each is a parameter, a local, a free or a global one as it was.

    But for modules: who asks one for nothing but numbers no longer names it.
    """
    for file, path in lean.build():
        before, after = (lean.TOP / path).read_text(), file.read_text()
        modules = {each.asname or each.name for _, each in lean._imports(ast.parse(before))} - {"const"}
        modules = {name for name in modules if re.search(rf"\b{name}\.[A-Z]", before)}
        assert before.count("\n") == after.count("\n"), path
        for old, new in zip(
            scopes(symtable.symtable(before, "", "exec")), scopes(symtable.symtable(after, "", "exec")), strict=True
        ):
            assert (old.get_name(), old.get_lineno()) == (new.get_name(), new.get_lineno()), path
            if isinstance(old, symtable.Function) and isinstance(new, symtable.Function):
                assert len(old.get_parameters()) == len(new.get_parameters()), (path, old.get_name())
            kinds = [
                sorted(
                    (s.is_parameter(), s.is_local(), s.is_free(), s.is_global(), s.is_imported(), s.is_assigned())
                    for s in scope.get_symbols()
                    if s.get_name() not in {"const"} | modules and not NUMBER.fullmatch(s.get_name())
                )
                for scope in (old, new)
            ]
            assert kinds[0] == kinds[1], (path, old.get_name(), old.get_lineno())


def test_parameters_that_calls_name_keep_their_names():
    pairs = [(ast.parse((lean.TOP / path).read_text()), ast.parse(file.read_text())) for file, path in lean.build()]
    handed = {node.arg for _, tree in pairs for node in ast.walk(tree) if isinstance(node, ast.keyword)}
    assert "password" in handed
    for before, after in pairs:
        for old, new in zip(parameters(before), parameters(after), strict=True):
            assert old == new or (old not in handed and old != "self")


def parameters(tree):
    return [node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)]
