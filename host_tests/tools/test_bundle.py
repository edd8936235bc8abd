"""What tools/bundle.py makes of modules: fewer of them, the same program."""

import ast
import subprocess

import pytest

from tools import bundle, lean
from tools.bundle import MAIN, Program
from tools.image import TOOLS
from tools.scopes import top_names


def bundled(**modules):
    """{place: lines} of modules whose dots are written as __: those that do something."""
    trees = {name.replace("__", "."): ast.parse(text) for name, text in modules.items()}
    program = Program(trees)
    return {
        place: [line for line in program.text(place).split("\n") if line.strip(" ") not in ("", "pass")]
        for place in program.bundles
    }


def test_what_main_imports_goes_to_it():
    made = bundled(
        firmware__main="import time\nfrom lib.a import twice\ndef run(): return twice(time.time())",
        lib__a="import time\nfrom lib.b import one\ndef twice(x): return x + x + one - time.time()",
        lib__b="one = 1",
    )
    assert list(made) == [MAIN]
    assert made[MAIN] == [
        "one = 1",
        "import time",
        "def twice(x):",
        "    return x + x + one - time.time()",
        "def run():",
        "    return twice(time.time())",
    ]


def test_names_that_two_modules_have_get_a_number():
    made = bundled(
        firmware__main="from lib.a import f\ndef _g(): return f()",
        lib__a="from lib.b import f as other\n_x = 1\ndef _g(): return other(_x)\ndef f(): return _g()",
        lib__b="_x = 2\ndef f(x): return x + _x",
    )
    assert made[MAIN] == [  # what main has, and imports, keeps its name
        "_x = 2",
        "def f1(x):",
        "    return x + _x",
        "_x1 = 1",
        "def _g1():",
        "    return f1(_x1)",
        "def f():",
        "    return _g1()",
        "def _g():",
        "    return f()",
    ]


def test_the_names_of_a_function_hide_none():
    made = bundled(
        firmware__main="from lib.a import size as length\nfrom lib import a\ndef f(size, row): return length + size + a.row",
        lib__a="size = 1\nrow = 2",
    )
    assert made[MAIN] == ["length = 1", "row1 = 2", "def f(size, row):", "    return length + size + row1"]


def test_modules_are_asked_for_what_they_have_now():
    made = bundled(
        firmware__main="def f():\n    from lib import a\n    return a.x, a",
        lib__a="from lib import c\nfrom lib.c import x as z\nx = 2\ny = c.x, z",
        lib__c="x = 1",
    )
    assert made["lib.a"] == ["z = 1", "x = 2", "y = (z, z)"]
    assert made[MAIN] == ["def f():", "    from lib import a", "    return (a.x, a)"]


def test_others_import_from_the_new_place():
    made = bundled(
        firmware__main="from lib.a import f\nfrom lib.b import f as g\ndef h(): return 'lib.late'",
        lib__a="def f(): return 1",
        lib__b="def f(): return 2",
        lib__late="from lib import b\nfrom lib.b import f as g\nx = g() + b.f()\n"
        "def i():\n    from lib.b import f\n    return f()",
    )
    assert made[MAIN][2:4] == ["def g():", "    return 2"]
    assert made["lib.late"] == [
        "from firmware import main as b",
        "from firmware.main import g",
        "x = g() + b.g()",
        "def i():",
        "    from firmware.main import g as f",
        "    return f()",
    ]


def test_entries_that_come_together_share_no_module_with_others():
    made = bundled(
        firmware__main="def f(name): return __import__('lib.o_' + name), 'lib.two'",
        lib__o_ne="import lib.both\nfrom lib.alone import x",
        lib__two="from lib.both import y",
        lib__both="y = 1",
        lib__alone="x = 1",
        lib__nobody="z = 1",
    )
    assert made == {
        MAIN: ["def f(name):", "    return (__import__('lib.o_' + name), 'lib.two')"],
        "lib.o_ne": ["x = 1", "import lib.both"],
        "lib.two": ["from lib.both import y"],
        "lib.both": ["y = 1"],
    }


def test_globals_classes_and_inner_functions():
    made = bundled(
        firmware__main="from lib.a import A\nx = 1",
        lib__a="x = 2\nclass A:\n    y = x\n    def g(self, z=x): return [x for x in z] + [x]\n"
        "def f():\n    global x\n    x = 3\n    return lambda: x",
    )
    assert made[MAIN] == [
        "x1 = 2",
        "class A:",
        "    y = x1",
        "    def g(self, z=x1):",
        "        return [x for x in z] + [x1]",
        "def f():",
        "    global x1",
        "    x1 = 3",
        "    return lambda: x1",
        "x = 1",
    ]


REFUSED = (
    ("a module as a value", "from lib import a\nx = [a]", "is used as a module"),
    ("an attribute that is set", "from lib import a\na.x = 1", "is set"),
    ("what a module lacks", "from lib import a\ny = a.y", "has no y"),
    ("two meanings", "from lib.a import x\nfrom time import x", "binds x twice"),
    ("a builtin of another module", "from lib.a import f\ndef open(): return f()", "open is something else"),
)


@pytest.mark.parametrize(("text", "told"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused(text, told):
    with pytest.raises(SystemExit, match=told):
        bundled(firmware__main=text, lib__a="x = 1\ndef f(): return open('x')")


@pytest.mark.parametrize("board", ["HOST", "ES_951"])
def test_no_name_of_the_application_is_left_behind(board):
    """The style checker finds no name without a meaning, none with two; the compiler's own are const() and viper's types."""
    known = 'builtins = ["const", "ptr8", "ptr16", "ptr32", "uint"]'
    folder = {file.parents[len(path.parts) - 1] for file, path in bundle.build(board)}
    files = [str(file) for file, path in bundle.build(board) if path.name != "names.py"]
    assert len(folder) == 1
    command = [TOOLS / "ruff", "check", "--isolated", "--no-cache", "--select", "F821,F811", "--config", known, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_module_is_there_once_and_entries_keep_their_names():
    texts = {lean.module_name(path): file.read_text() for file, path in lean.build("HOST")}
    program = Program({name: ast.parse(text) for name, text in texts.items()})
    moved = [name for names in program.bundles.values() for name in names]
    assert len(moved) == len(set(moved)) and set(texts) - set(moved) <= {"firmware.names", *texts}
    places = {lean.module_name(path): file for file, path in bundle.build("HOST")}
    assert len(places) < 0.7 * len(texts)
    for place in program.bundles:
        names = {name for node in ast.parse(places[place].read_text()).body for name in top_names(node)}
        own = {name for name, meaning in program.bound[place].items() if meaning[0] == place}
        assert own <= names, place
