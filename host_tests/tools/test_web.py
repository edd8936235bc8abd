"""The pages as they are packed: every text in every language, nothing that points elsewhere, sizes inside their budgets."""

import ast
import gzip
import re
import shutil

import pytest

from firmware.state import schema
from tools import web
from tools.image import TOP

BUDGET = 120 * 1024
PROPER_NAMES = {
    "MQTT",
    "WiFi",
    "Ethernet",
    "QoS 0",
    "QoS 1",
    "8N1",
    "8E1",
    "8O1",
    "8N2",
    "7E1",
    "7O1",
}  # that are the same in every language
# Causes of upgrades that failed, of lib/ota, lib/http/client.py and firmware/services/upgrade*.py
FAULTS = (
    "status answer closed address certificate redirect range format board counter version size key signature list chunk total "
    "long short other flash starts"
)
# A call t("key") or t(`key`) with a constant key; keys that are put together are listed by their beginnings below.
_KEY = re.compile(r"""\bt\(\s*["']([\w.]+)["']""")
_MARKUP_KEY = re.compile(r'data-(?:text|label)="([\w.]+)"')


RIGHTS = ("read", "export", "clock", "write", "backup", "clear", "update", "users", "roles")


def constant(path, name):
    """The value that a module of the firmware, which only MicroPython can import, gives a name."""
    for node in ast.parse((TOP / path).read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return ast.literal_eval(node.value.args[0] if isinstance(node.value, ast.Call) else node.value)  # const(...)
    raise KeyError(name)


def iec_fields():
    """Names of what the list of IEC 62056-21 meters has of each."""
    return re.findall(r'^    "(\w+)\|', (TOP / "firmware/state/iec_meters.py").read_text(), re.MULTILINE)


def dlms_fields():
    """{name: words to choose from} of what the list of DLMS meters has of each."""
    rows = [row.split("|") for row in constant("firmware/state/dlms_fields.py", "FIELDS")]
    return {name: re.findall(r"\d=([^,]+)", values) if kind == "choice" else [] for name, kind, _, values, *_ in rows}


def dlms_events():
    """What events of DLMS meters are, without phases, begin and end."""
    source = (TOP / "lib/dlms/event_names.py").read_text()
    names = re.findall(r"\|\d[\d.]* ([^|\"]+)", source)
    return {re.sub(r"( L\d)?( begins| ends)?$", "", name) for name in names}


def event_words():
    """The words in which events of meters are told."""
    source = (TOP / "lib/iec62056/event_log.py").read_text()
    told = re.findall(r"\|[\d.]+ [a-z]\d? ([a-z ]+?)(?: L\d)?(?=[|\"])", source)
    bits = re.search(r'_BITS = const\(\n((?: +".*"\n)+)', source)[1]
    told += re.sub(r' begins| ends|[\n"]|^ +', "", bits, flags=re.MULTILINE).split(",")
    return {*told, "begins", "ends"} - {""}


def sources():
    return {path: path.read_text() for path in sorted(web.SOURCES.rglob("*")) if path.suffix in (".js", ".html", ".css")}


def said_by_the_gateway():
    """Keys of what the gateway says itself, in English."""
    keys = {"cause." + cause for cause in constant("firmware/services/push_connect.py", "SENTENCES")}
    keys |= {"cause.admitted", "cause.reached"}
    keys |= {"fault." + cause for cause in FAULTS.split()} | {"fault.not an image"}
    keys |= {"setting.iec." + name for name in iec_fields()} | {"log." + words for words in event_words()}
    keys |= {"choice.Left infrared"}
    keys |= {"setting.dlms." + name for name in dlms_fields()} | {"dlms.event." + name for name in dlms_events()}
    keys |= {"choice." + word for words in dlms_fields().values() for word in words}
    for page, rows, count in schema.TABLES:
        for row in rows.strip().split("\n"):
            setting = schema.Setting(page, row, None if count is None else "#")
            keys.add(f"setting.{setting.name}")
            if setting.kind == "choice":
                keys |= {"choice." + pair.partition("=")[2] for pair in setting.range.split(",")}
    return keys


def test_every_text_is_there_in_every_language():
    texts = web.texts()
    assert set(texts) >= {"en", "tr"}
    for language, table in texts.items():
        missing = set(web.keys()) - set(table)
        assert not missing - (said_by_the_gateway() if language == "en" else set()), (language, missing)
        empty = [key for key, text in table.items() if not text]
        assert not empty, (language, empty)
        for key, text in table.items():
            assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", texts["en"].get(key, ""))), (language, key)


def test_no_text_is_there_twice():
    keys = [line.split(" | ")[0] for line in (web.SOURCES / web.TEXTS).read_text().splitlines() if " | " in line]
    assert len(keys) == len(set(keys)), [key for key in keys if keys.count(key) > 1]


def test_a_board_has_the_texts_of_its_own_parts():
    sg, ht = set(web.keys("SG_W1")), set(web.keys("HT_G12"))
    for key in ("tunnel.open", "profile.none", "nav.profile", "status.operator", "setting.modem_pin", "hint.tunnel_port"):
        assert key in ht and key not in sg, key
    for key in (
        "page.Transparent port",
        "choice.Transparent port",
        "choice.IEC 62056-21",
        "setting.demand_period",
        "choice.PAP",
    ):
        assert key in ht and key not in sg, key
    for key in ("choice.Off", "choice.Modbus master", "page.RS485 Devices", "setting.prov_security", "setting.udp_enabled"):
        assert key in sg, key
    assert not {key for key in ht if "prov_security" in key or "udp_enabled" in key}
    whole = web.SOURCES / "index.html"
    page = dict(web.files("SG_W1"))["/"].decode()
    assert "#/profile" not in page and "#/graph" in page and "#/profile" in whole.read_text()


def test_every_key_that_the_pages_use_has_a_text():
    known = web.texts()["tr"]
    for path, source in sources().items():
        for key in _KEY.findall(source) + _MARKUP_KEY.findall(source):
            assert key in known or any(text.startswith(key) for text in known), (path.name, key)


def test_every_setting_has_its_texts():
    known = web.keys()
    for page, rows, _ in schema.TABLES:
        assert f"page.{page}" in known, page
        for row in rows.strip().split("\n"):
            setting = schema.Setting(page, row, "#")
            assert f"setting.{setting.name}" in known, setting.name
            if setting.kind == "choice":
                for pair in setting.range.split(","):
                    word = pair.partition("=")[2]
                    assert f"choice.{word}" in known or word.isdigit() or word in PROPER_NAMES, (setting.name, word)
    for key in known:
        if key.startswith("setting.iec."):
            assert key[12:] in iec_fields(), f"{key} is of no field"
        elif key.startswith("setting.dlms."):
            assert key[13:] in dlms_fields(), f"{key} is of no field"
        elif key.startswith("setting.") and key != "setting.restart":
            assert schema.find(key[8:].replace("#", "1")) is not None, f"{key} is of no setting"


def test_every_field_and_event_of_a_meter_has_its_texts():
    known = web.texts()["tr"]
    assert len(iec_fields()) > 12 and len(event_words()) > 30
    for key in ["setting.iec." + name for name in iec_fields()] + ["log." + words for words in event_words()]:
        assert key in known, key
    assert len(dlms_fields()) > 20 and len(dlms_events()) > 100
    words = {word for words in dlms_fields().values() for word in words if "HLS" not in word} - {"RS-485"}
    keys = ["setting.dlms." + name for name in dlms_fields()] + ["choice." + word for word in words]
    for key in keys + ["dlms.event." + name for name in dlms_events()]:
        assert key in known, key
    told = {key[11:] for key in known if key.startswith("dlms.event.")}
    assert told == dlms_events(), told ^ dlms_events()
    reasons = constant("firmware/meters/dlms.py", "REASONS")
    for number in (*range(1, len(reasons) + 1), 255):
        assert f"dlms.reason.{number}" in known, number


def test_nothing_points_elsewhere():
    for path, source in sources().items():
        assert not re.search(r"""["'(`](?:https?:)?//[a-z0-9]""", source), path.name
        assert "innerHTML" not in source and "eval(" not in source, path.name
        assert path.suffix != ".html" or ("style=" not in source and "<style" not in source and "onclick" not in source)


@pytest.mark.parametrize("board", ["HOST", "SG_W1", "HT_G12"])
def test_what_is_packed_is_what_was_written(board):
    tree = ast.parse(web.build(board).read_text())
    (files,) = [ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign)]
    contents = {path: gzip.decompress(packed).decode() for path, _, _, packed in files}
    assert contents["/"].startswith("<!doctype html>")
    for path in re.findall(r'(?:href|src)="(/[^"]+)"', contents["/"]):
        assert path in contents, path
    script = contents["/app.js"]
    assert "sourceMappingURL" not in script and "TEXT_KEYS" not in script and "HAS." not in script
    imported = re.findall(r'(?<![\w".])import ?\(?"([\w./-]+)"', script)
    more = {"SG_W1": [], "HT_G12": ["/lib/iec.js", "/lib/profile.js"]}
    whole = ["/lib/dlms.js", *more["HT_G12"], "/lib/users.js"]
    assert imported == ["/lib/uplot.js", *more.get(board, whole)], "all else is in it"
    assert set(imported) <= set(contents)
    keys = web.keys(board)
    assert "\n".join(keys) in script.replace("\\\\", "\\")
    for language, table in web.texts(board).items():
        lines = contents[f"/text/{language}.txt"].split("\n")
        assert lines.pop() in script, "by which the script knows its own texts"
        assert {key: line for key, line in zip(keys, lines, strict=True) if line} == table
    assert len({tag for _, _, tag, _ in files}) == len(files)
    assert sorted(web.packed(board)) == sorted(tuple(row) for row in files)  # the same sources give the same bytes
    assert sum(len(packed) for _, _, _, packed in files) <= BUDGET


def test_a_changed_source_is_packed_anew(tmp_path, monkeypatch):
    shutil.copytree(web.SOURCES, tmp_path / "firmware" / "web")
    monkeypatch.setattr(web, "SOURCES", tmp_path / "firmware" / "web")
    monkeypatch.setattr(web, "TARGET", tmp_path / "build")
    first = web.build().read_text()
    monkeypatch.setattr(web, "packed", lambda board: [("/", "text/html", '"1"', b"new")])
    assert web.build().read_text() == first, "nothing has changed"
    (web.SOURCES / "index.html").write_text("new")
    assert "b'new'" in web.build().read_text()


def test_every_page_is_reached():
    """Each page of the navigation is one, and each module is asked for by something."""
    pages = re.findall(r"^import (\w+) from \"./(\w+).js\"", (web.SOURCES / "pages" / "all.js").read_text(), re.MULTILINE)
    assert all(name == module for name, module in pages)
    for name in re.findall(r'href="#/(\w+)"', (web.SOURCES / "index.html").read_text()):
        assert (name, name) in pages, name
    everything = "\n".join(source for path, source in sources().items() if path.name != "all.js")
    for path in (web.SOURCES / "pages").glob("*.js"):
        assert f"#/{path.stem}" in everything or f"/{path.name}" in everything, f"nobody uses {path.name}"
        assert ("export default" in path.read_text()) == ((path.stem, path.stem) in pages), path.name


def test_every_route_has_its_function_and_whoever_changes_something_a_login():
    open_to_all = {"/api/login", "/api/logout"}
    routes = [row.split(" ") for row in constant("firmware/routes.py", "ROUTES").strip().split("\n")]
    for method, path, level, module, function, *more in routes:
        tree = ast.parse((TOP / "firmware" / "services" / f"{module}.py").read_text())
        (found,) = [node for node in tree.body if isinstance(node, ast.AsyncFunctionDef) and node.name == function]
        form = path == "/post_command"
        assert len(found.args.args) == (3 if method == "GET" or form or more == ["raw"] else 4), (path, function)
        if method != "GET" and path not in open_to_all:
            assert level in ("own", *RIGHTS[2:]), path
        assert level in ("public", "user", "own", *RIGHTS), path
    public = {path for _, path, level, *_ in routes if level == "public"}
    assert public == open_to_all
