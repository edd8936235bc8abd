"""What a board lacks leaves its image: settings, registers, addresses, functions. What it has is there as on the host."""

import ast
import re
from fnmatch import fnmatchcase

import pytest

from tools import imports, lean, parts
from tools.image import TOP

BOARDS = sorted(path.parent.name for path in (TOP / "boards").glob("*/mpconfigboard.cmake") if path.parent.name != "common")
TABLES = ("firmware/state/schema.py", "firmware/services/registers_own.py", "firmware/routes.py")
# board: what of these it has
SOME = {
    "ir_protocol": ("ES_951", "HT_E22", "HT_G12"),
    "iec_pushintv": ("ES_951", "HT_E22", "HT_G12"),
    "tunnel_port": ("ES_951", "HT_E22", "HT_G12"),
    "demand_period": ("ES_951", "HT_E22", "HT_G12"),
    "modem_pin": ("HT_G12",),
    "prov_security": ("SG_E1", "SG_W1", "SG_W1A"),
    "udp_enabled": ("SG_E1", "SG_W1", "SG_W1A"),
    "description": BOARDS,
    "rs485_desc_#": BOARDS,
}
ADDRESSES = {
    "POST /api/tunnel": ("ES_951", "HT_E22", "HT_G12"),
    "GET /api/iec_meters": ("ES_951", "HT_E22", "HT_G12"),
    "GET /api/profile/": ("ES_951", "HT_E22", "HT_G12"),
    "GET /api/demand": ("ES_951", "HT_E22", "HT_G12"),
    "GET /api/settings": BOARDS,
}
FIRST_REGISTERS = {3001: "ir_protocol", 3301: "demand_period", 3501: "tunnel_port", 3701: "modem_pin"}
FIRST_REGISTERS |= {3901: "mqtt#_reserve_port", 4001: "job#_when"}


def constants(board, path):
    """{name: value} of the literals that a module of tables has on a board."""
    tree = ast.parse(parts.reduced(board, path, (TOP / path).read_text()))
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            try:
                found[ast.unparse(node.targets[0])] = ast.literal_eval(node.value)
            except ValueError:
                pass
    return found


def names(board):
    return [row.split("|")[0] for _, rows, _ in parts.settings(board) for row in rows.strip().split("\n")]


@pytest.mark.parametrize("board", BOARDS)
def test_settings(board):
    mine = names(board)
    for name, boards in SOME.items():
        assert (name in mine) == (board in boards), name
    assert set(mine) <= set(names("HOST")) and all(rows.strip() for _, rows, _ in parts.settings(board))
    (protocol,) = [row for _, rows, _ in parts.settings(board) for row in rows.split("\n") if row.startswith("rs485_protocol")]
    words = [pair.split("=")[1] for pair in protocol.split("|")[3].split(",")]
    more = ["IEC 62056-21", "Transparent port"] if not board.startswith("SG") else []
    more += ["DLMS"] if board == "ES_951" else []
    assert words == ["Off", "Slave until a device is set", "Modbus master", *more]
    assert len(protocol.split("|")) == 6


@pytest.mark.parametrize("board", BOARDS)
def test_registers_are_those_of_its_settings(board):
    own = constants(board, "firmware/services/registers_own.py")
    whole = constants("HOST", "firmware/services/registers_own.py")
    mine = names(board)
    starts = [start for start, *_ in own["HOLDING"]]
    for first, name in FIRST_REGISTERS.items():
        assert (first in starts) == (name in mine) == (first in dict(own["HOLDING_BLOCKS"])), first
    rows = [row for *_, table in own["HOLDING"] for row in table.strip().split("\n")]
    named = {row.split(" ")[1] for row in rows}
    assert not (set(names("HOST")) - set(mine)) & named
    kept = {row.split(" ")[1] for *_, table in whole["HOLDING"] for row in table.strip().split("\n")} - named
    assert kept <= set(names("HOST")) - set(mine), "nothing else is gone"
    assert own["INPUTS"] == whole["INPUTS"]


@pytest.mark.parametrize("board", BOARDS)
def test_addresses_are_those_of_its_modules(board):
    has = parts.chooser(board)
    rows = constants(board, "firmware/routes.py")["ROUTES"].strip().split("\n")
    for row in rows:
        assert has(f"firmware/services/{row.split(' ')[3]}.py"), row
    for address, boards in ADDRESSES.items():
        assert any(row.startswith(address + " ") for row in rows) == (board in boards), address


@pytest.mark.parametrize("board", BOARDS)
def test_nobody_asks_for_a_setting_that_the_board_lacks(board):
    """That would be a KeyError: whoever needs one asks the board first, and in the image that question is an answer."""
    gone = set(names("HOST")) - set(names(board))
    has = parts.chooser(board)
    for source, path in lean.sources():
        if has(path) and str(path) not in TABLES:
            for node in imports.alive(ast.parse(parts.reduced(board, path, source.read_text()))):
                if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("get", "value"):
                    asked = {each.value for each in node.args if isinstance(each, ast.Constant)}
                    assert not asked & gone, f"{path}:{node.lineno}"


@pytest.mark.parametrize("board", BOARDS)
def test_functions_of_other_boards_are_gone_and_nobody_on_this_one_calls_them(board):
    has = parts.chooser(board)
    trees = {}
    for source, path in lean.sources():
        if has(path) and str(path) != "firmware/names.py":
            trees[str(path)] = (ast.parse(source.read_text()), ast.parse(parts.reduced(board, path, source.read_text())))
    defined = [
        {
            f"{path}:{node.name}"
            for path, pair in trees.items()
            for node in ast.walk(pair[at])
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        }
        for at in (0, 1)
    ]
    gone = defined[0] - defined[1]
    assert gone == {each for each in defined[0] if not has(each)}
    imported = {
        each.name
        for _, tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for each in node.names
    }
    assert not imported & ({each.partition(":")[2] for each in gone} - {each.partition(":")[2] for each in defined[1]})


def test_what_is_named_is_there():
    """A function that was renamed would stay where it is of no use, and nobody would notice."""
    paths = [str(path) for _, path in lean.sources()]
    for part, patterns in parts.PARTS_OF.items():
        for pattern in patterns:
            module, colon, name = pattern.partition(":")
            found = [path for path in paths if fnmatchcase(path, module)]
            assert found, (part, pattern)
            if colon:
                texts = [(TOP / path).read_text() for path in found]
                word = name.replace("*", r"\w*")
                assert any(re.search(rf"^ *(?:async )?def {word}\(|^{word}\|", text, re.MULTILINE) for text in texts), pattern
    for table in (parts.SETTINGS_OF, parts.CHOICES_OF, parts.TEXTS_OF):
        assert set(table) <= set(parts.PARTS_OF)
    for patterns in parts.SETTINGS_OF.values():
        assert all(any(fnmatchcase(name, pattern) for name in names("HOST")) for pattern in patterns), patterns


def test_the_host_may_play_a_board():
    data = parts.board_data("HOST-HT_G12")
    assert (data["PLATFORM"], data["MODEL"], data["PORTS"]) == ("host", "HT-G12", ("ir_left", "rs485"))
    assert parts.lacks("HOST-HT_G12") == parts.lacks("HT_G12") and parts.settings("HOST-HT_G12") == parts.settings("HT_G12")
    has = parts.chooser("HOST-HT_G12")
    assert has("firmware/port/host.py") and has("firmware/bus/tunnel.py") and not has("firmware/services/discovery.py")
