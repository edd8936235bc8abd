"""The ESP32 boards, as far as they can be checked without ESP-IDF: partition table, pins, manifest, build files, sizes."""

import ast
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools import bundle, imports, parts
from tools.image import DEVICE, TOOLS, TOP, frozen_sizes, sources
from tools.partitions import partitions

BOARDS = TOP / "boards"
NAMES = sorted(path.parent.name for path in BOARDS.glob("*/mpconfigboard.cmake") if path.parent.name != "common")
ONLY_HOST = {
    f"firmware/port/{name}.py"
    for name in (
        "aioble_fake",
        "bluetooth_fake",
        "flash_file",
        "host",
        "ppp_fake",
        "radio_fake",
        "rig_link",
        "sd_file",
        "slots_file",
        "uart_pty",
    )
}
UNUSED = {f"lib/modbus/{name}.py" for name in ("other_replies", "other_requests", "other_types")}
UNUSED |= {"lib/http/files.py", "lib/provision/security0.py"}
NOBODYS = {"lib/dlms/notification.py", "lib/dlms/server_link.py"}  # not loaded by any service yet
WITHOUT_PHONES = {"lib/crypto/aes.py", "lib/crypto/ghash.py"}  # DLMS has the latter with its own
REQUIRED = {"umqtt/simple.py"}  # by MicroPython's build, from its own libraries

# Modules in C of MicroPython 1.28 for the ESP32 (its documentation)
BUILT_IN = frozenset(
    ("_thread", "array", "binascii", "bluetooth", "builtins", "collections", "cryptolib", "errno", "esp32", "gc", "hashlib")
    + ("io", "json", "machine", "math", "micropython", "network", "os", "random", "re", "select", "socket", "struct", "sys")
    + ("time", "tls", "uctypes", "vfs")
)
# What is named in code that a device does not come to: the other platform, the security of the tests
NOT_REACHED = {"firmware.port.host", "lib.provision.security0"}
NOT_REACHED |= {
    "firmware.state.sources",
    "lib.clock.recurrence",
    "firmware.meters.iec_family",
}  # where a board has no such setting, no such meter

# The chip's GPIOs (ESP32 datasheet, 2.2 to 2.4)
INPUT_ONLY = {34, 35, 36, 39}
FLASH_PINS = {6, 7, 8, 9, 10, 11}
MISSING = {20, 24, 28, 29, 30, 31, 37, 38}
ADC1 = {32, 33, 34, 35, 36, 37, 38, 39}
# Pins that decide at reset how the chip starts, and what makes each use harmless
STRAPPING = {
    0: (("clock_in",), "the PHY's oscillator is held still by the power pin until the application starts it"),
    2: (("rs485 enable",), "matters in download mode only, and the driver's input is pulled down"),
    5: (("sd cs",), "it is high at reset, and no card is addressed; it matters to the SDIO slave only, which nobody uses"),
    12: (("watchdog", "sd clk"), "an input of another chip, low at reset; high would set the flash to 1.8 V"),
    15: (("ir_left tx",), "an idle line is high: the boot ROM then prints on GPIO1, as it does by default"),
}
UART0_PINS = {1: "rs485 tx", 3: "rs485 rx"}  # the original hardware's; that is why there is no console
# The chip has these pins for RMII and no others
RMII = {"tx_en": 21, "txd0": 19, "txd1": 22, "rxd0": 25, "rxd1": 26, "crs_dv": 27}


def board(name):
    """The names that a board.py defines. It is data: literals only."""
    tree = ast.parse((BOARDS / name / "board.py").read_text())
    names = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            target = node.targets[0]
            assert isinstance(target, ast.Name), f"boards/{name}/board.py:{node.lineno}: one name at a time"
            names[target.id] = ast.literal_eval(node.value)
        else:
            is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            assert is_docstring, f"boards/{name}/board.py:{node.lineno}: a board is data"
    return names


def pins(data):
    """(use, GPIO, is an output) of every pin of a board."""
    for port, (_, tx, rx, enable, _) in data["UARTS"].items():
        yield f"{port} tx", tx, True
        yield f"{port} rx", rx, False
        if enable is not None:
            yield f"{port} enable", enable, True
    for name, is_output in (("LED_GREEN", True), ("LED_RED", True), ("WATCHDOG", True), ("BUTTON", False), ("PULSE", False)):
        if data[name] is not None:
            yield name.lower(), data[name], is_output
    yield "pt1000", data["PT1000"], False
    for name in ("mdc", "mdio", "power", "clock_in"):
        if data["LAN"]:
            yield name, data["LAN"][name], name != "clock_in"
    if "modem" in data["PARTS"]:
        yield "modem tx", data["MODEM"]["uart"][1], True
        yield "modem rx", data["MODEM"]["uart"][2], False
        yield "modem reset", data["MODEM"]["reset"], True
        for number, pin in enumerate(data["MODEM"]["lights"]):
            yield f"signal {number}", pin, True
    for name in ("clk", "mosi", "miso", "cs") if "SD" in data else ():
        yield f"sd {name}", data["SD"][name], name != "miso"
    for name, pin in RMII.items() if data["LAN"] else ():
        yield name, pin, name.startswith("t")


@pytest.mark.parametrize("name", NAMES)
def test_partitions_fit_the_flash_and_do_not_overlap(name):
    end = 0x9000  # behind bootloader (0x1000) and table (0x8000)
    for label, kind, _, offset, size in partitions(name):
        assert offset >= end, f"{label} overlaps what is before it"
        assert size > 0 and size % 0x1000 == 0 and offset % 0x1000 == 0, f"{label}: erased are blocks of 4 KB"
        if kind == "app":
            assert offset % 0x10000 == 0, f"{label}: an application starts on 64 KB"
        end = offset + size
    assert end == board(name)["FLASH_MB"] << 20, "flash is left over, or missing"


@pytest.mark.parametrize(("name", "slot_size"), [("SG_W1", 0x1B0000), ("HT_G12", 0x1B0000), ("ES_951", 0x200000)])
def test_partitions_are_those_of_the_design(name, slot_size):
    table = {label: (kind, subtype, size) for label, kind, subtype, _, size in partitions(name)}
    assert list(table) == ["nvs", "otadata", "phy_init", "ota_0", "ota_1", "vfs"]
    assert table["otadata"] == ("data", "ota", 0x2000), "the IDF wants two blocks"
    assert table["ota_0"] == ("app", "ota_0", slot_size)
    assert table["ota_1"] == ("app", "ota_1", slot_size)
    assert partitions(f"HOST-{name}") == partitions(name), "the host's flash file is that of the board it plays"


@pytest.mark.parametrize("name", NAMES)
def test_pins_can_do_what_they_are_used_for(name):
    used = {}
    for use, pin, is_output in pins(board(name)):
        assert 0 <= pin <= 39 and pin not in MISSING, f"{use}: there is no GPIO{pin}"
        assert pin not in FLASH_PINS, f"{use}: GPIO{pin} is the flash's"
        assert not (is_output and pin in INPUT_ONLY), f"{use}: GPIO{pin} is an input only"
        assert pin not in used, f"GPIO{pin} is {used[pin]} and {use}"
        used[pin] = use
        if pin in STRAPPING:
            assert use in STRAPPING[pin][0], f"{use}: GPIO{pin} decides how the chip starts"
        if pin in UART0_PINS:
            assert use == UART0_PINS[pin], f"{use}: GPIO{pin} is where the boot ROM talks"
    data = board(name)
    assert data["PT1000"] in ADC1, "the other converter does not work beside Wi-Fi"


@pytest.mark.parametrize("name", NAMES)
def test_board_data_is_complete(name):
    data = board(name)
    assert data["PLATFORM"] == "esp32"
    assert data["MODEL"] == name.replace("_", "-")
    assert set(data["UARTS"]) == set(data["PORTS"]) <= set(board("HOST")["PORTS"])
    uarts = [*data["UARTS"].values(), *([data["MODEM"]["uart"]] if "modem" in data["PARTS"] else [])]
    assert sorted(uart[0] for uart in uarts) == [0, 1, 2]
    assert data["CONSOLE"] is False, "a console would share UART0 with the RS-485 port"
    assert {uart[4] for uart in uarts} <= {"", "tx", "rx", "tx rx"}
    # 0 to 100 degC must lie where the converter of the ESP32 is straight: 150 to 2450 mV at 11 dB
    for ohm in (1000, 1385):
        assert 150 <= data["PT1000_SUPPLY_MV"] * ohm / (ohm + data["PT1000_PULL_UP_OHM"]) <= 2450
    assert ("phones" in data["PARTS"]) != ("setup" in data["PARTS"]), "one way to be set up"
    assert (data["LAN"] is not None) == ("lan" in data["PARTS"])


def test_the_platform_reads_names_that_every_board_has():
    text = (TOP / "firmware/port/esp32.py").read_text() + (TOP / "boards/common/main.py").read_text()
    read = set(re.findall(r"\bboard\.([A-Z_0-9]+)", text))
    for name in NAMES:
        assert not read - set(board(name)), f"boards/{name}/board.py"


class Manifest:
    """Executes a manifest as MicroPython's makemanifest.py does: relative to itself. `frozen` is {module path: source}."""

    def __init__(self, path):
        self.frozen = {}
        self.options = set()
        self.included = []
        self.required = []
        self._include(path)

    def _include(self, path, **told):
        self.included.append(str(path))
        if "$(" in str(path):
            return  # MicroPython's own
        where = path.parent.resolve()
        calls = {
            "include": lambda inner, **told: self._include(inner if "$(" in inner else where / inner, **told),
            "options": SimpleNamespace(**told),
            "require": self.required.append,
            "module": lambda file, base_path=".", opt=None: self._add(where / base_path, file, opt),
            "package": lambda room, files=None, base_path=".", opt=None: self._package(where / base_path, room, files, opt),
        }
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(where)
            exec(compile(path.read_text(), str(path), "exec"), calls)

    def _package(self, base, room, files, opt):
        for file in files if files is not None else [p.relative_to(base / room) for p in (base / room).rglob("*.py")]:
            self._add(base, Path(room) / file, opt)

    def _add(self, base, file, opt):
        source = (base / file).resolve()
        assert source.is_file(), f"{source} is not there"
        assert str(file) not in self.frozen, f"{file} twice"
        self.frozen[str(file)] = source
        self.options.add(opt)


@pytest.mark.parametrize("name", NAMES)
def test_every_module_is_frozen_but_those_of_parts_that_the_board_lacks(name):
    manifest = Manifest(BOARDS / name / "manifest.py")
    application = {str(path) for source in imports.application().values() for path in [source.relative_to(TOP)]}
    left_out = {path for path in application if parts.part_of(path) in parts.lacks(name)}
    expected = application - left_out - ONLY_HOST - UNUSED
    assert {str(path) for _, path in sources(name)} - REQUIRED == expected | {"board.py", "web_assets.py"}
    program = bundle.program(name)
    there = {module.replace(".", "/") + ".py" for module in [*program.place, bundle.NAMES]}
    nobodys = NOBODYS | (WITHOUT_PHONES if "phones" in parts.lacks(name) else set())
    assert expected - there <= nobodys
    frozen = {module.replace(".", "/") + ".py" for module in [*program.bundles, bundle.NAMES]}
    assert set(manifest.frozen) == frozen | {"board.py", "web_assets.py", "_boot.py", "boot.py", "main.py"}
    assert manifest.frozen["board.py"] == BOARDS / name / "board.py"
    assert manifest.options == {3}
    assert "$(MPY_DIR)/extmod/asyncio" in manifest.included
    aioble = [] if "bluetooth" in parts.lacks(name) else ["aioble-peripheral", "aioble-server"]
    assert manifest.required == [*aioble, "umqtt.simple"]
    # The port's own modules would bring its _boot.py with them, which waits for ever when the flash is damaged.
    assert not any("PORT_DIR" in path for path in manifest.included)


@pytest.mark.parametrize("name", [*NAMES, "HOST"])
def test_a_board_names_parts_that_there_are(name):
    data = board(name)
    assert set(data["PROTOCOLS"]) <= {"modbus", "iec62056", "dlms", "tunnel"} and "modbus" in data["PROTOCOLS"]
    assert set(data["PARTS"]) <= set(parts.PARTS_OF) - set(data["PROTOCOLS"])
    if name == "HOST":
        assert not parts.lacks(name), "what a development machine lacks nobody tests"


@pytest.mark.parametrize("name", NAMES)
def test_no_module_is_imported_on_the_device_that_the_manifest_lacks(name):
    frozen = {
        path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): source
        for path, source in Manifest(BOARDS / name / "manifest.py").frozen.items()
    }
    packages = {".".join(module.split(".")[:depth]) for module in frozen for depth in range(1, module.count(".") + 1)}
    brought = {"asyncio", "aioble", "umqtt", "umqtt.simple"} | NOT_REACHED  # by what the manifest includes and requires
    application = imports.application()
    lacking = []
    for module, source in frozen.items():
        if module == "firmware.names":
            continue  # a list of names, never imported: tools/module_names.py
        for line, wanted in imports.named(source):
            if wanted.endswith("*"):
                is_there = any(other.startswith(wanted[:-1]) for other in frozen)
            elif wanted.endswith("?"):
                is_there = wanted[:-1] in frozen or wanted[:-1] not in application
            else:
                is_there = wanted in frozen or wanted in packages or wanted in brought or wanted in BUILT_IN
            if not is_there:
                lacking.append(f"{source.relative_to(TOP)}:{line}: {wanted}")
    assert not lacking


def test_a_module_of_a_part_may_be_imported_where_the_board_is_asked(tmp_path):
    source = tmp_path / "module.py"
    text = (
        "import board\nimport lib.modem.dialogue\n\ndef f(load):\n    if 'modem' in board.PARTS and load:\n"
        "        load('firmware.services.modem')\n    elif 'setup' in board.PARTS:\n        import lib.a\n"
        "    load('firmware.services.tunnel')\n"
    )
    source.write_text(parts.reduced("SG_W1", "module.py", text.replace("'", '"')))
    assert {name for _, name in imports.named(source)} == {"lib.modem.dialogue", "firmware.services.tunnel"}
    source.write_text(parts.reduced("HT_G12", "module.py", text.replace("'", '"')))
    named = {name for _, name in imports.named(source)}
    assert named == {"lib.modem.dialogue", "firmware.services.modem", "lib.a", "firmware.services.tunnel"}


def test_a_missing_module_would_be_noticed(tmp_path):
    source = tmp_path / "module.py"
    source.write_text(
        "import machine\nfrom lib.a import b\n\ndef f(load):\n    import lib.c\n"
        "    load('firmware.services.d')\n    load('firmware.services.e_' + f)\n    'firmware.not a name'\n"
    )
    found = {name for _, name in imports.named(source)}
    assert found == {"machine", "lib.a", "lib.a.b?", "lib.c", "firmware.services.d", "firmware.services.e_*"}


@pytest.mark.parametrize("name", NAMES)
def test_the_frozen_application_is_inside_its_budget(name):
    sizes = frozen_sizes(name)
    sizes.pop("firmware/names.py")  # its text is that of names which are in flash already
    total = sum(sizes.values())
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:6]
    assert total <= parts.budget(name), f"{total} of {parts.budget(name)} bytes; largest: {largest}"


@pytest.mark.parametrize("source", sorted((BOARDS / "common").glob("*.py")), ids=lambda path: path.name)
def test_start_up_code_compiles_for_the_device(source, tmp_path):
    command = [TOOLS / "mpy-cross", f"-march={DEVICE}", "-O3", "-o", tmp_path / "out.mpy", source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_build_files_are_whole_and_share_what_is_equal(name):
    folder = BOARDS / name
    cmake = (folder / "mpconfigboard.cmake").read_text() + (BOARDS / "common/mpconfigboard.cmake").read_text()
    assert "../common/mpconfigboard.cmake" in cmake and "IDF_TARGET esp32" in cmake
    header = (folder / "mpconfigboard.h").read_text() + (BOARDS / "common/mpconfigboard.h").read_text()
    assert board(name)["MODEL"] in header
    assert "MICROPY_HW_ENABLE_UART_REPL (0)" in header
    assert "MP_PLAT_ALLOC_HEAP" in header and "MICROPY_GC_INITIAL_HEAP_SIZE" in header, "Python would starve radio and TLS"
    assert f"MICROPY_PY_NETWORK_LAN ({int(board(name)['LAN'] is not None)})" in header
    variant = "mpconfigvariant_NO_BLUETOOTH.cmake"
    assert f"../common/{variant}" in (folder / variant).read_text() if "bluetooth" in board(name)["PARTS"] else cmake
    # MicroPython joins the files as they are: without a line end the last setting of one swallows the first of the next.
    for file in (folder / "sdkconfig.board", BOARDS / "common/sdkconfig.common"):
        assert file.read_text().endswith("\n"), file


def settings_of(name):
    found = {}
    for file in (BOARDS / "common/sdkconfig.common", BOARDS / name / "sdkconfig.board"):
        for line in file.read_text().splitlines():
            if line and not line.startswith("#"):
                key, equals, value = line.partition("=")
                assert key.startswith("CONFIG_") and equals, f"{file}: {line}"
                assert key not in found, f"{file}: {key} twice"
                found[key] = value
    return found


@pytest.mark.parametrize("name", NAMES)
def test_idf_settings_that_the_firmware_relies_on(name):
    settings = settings_of(name)
    assert settings["CONFIG_FREERTOS_HZ"] == "1000", "firmware/port/uart_esp32.py counts on 1 ms"
    assert settings["CONFIG_ESP_CONSOLE_NONE"] == "y", "the IDF's log would go out on the RS-485 line"
    assert settings["CONFIG_BOOTLOADER_LOG_LEVEL_NONE"] == "y", "so would the bootloader's"
    assert settings["CONFIG_COMPILER_OPTIMIZATION_SIZE"] == "y", "an image of -O2 does not fit a slot"
    assert int(settings["CONFIG_LWIP_MAX_SOCKETS"]) >= 16
    assert settings["CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE"] == "y", "a version that does not confirm itself has to go back"
    assert settings["CONFIG_LOG_DEFAULT_LEVEL_NONE"] == "y", "log text that nobody can read fills the slot"
    assert "CONFIG_ESP_SYSTEM_PANIC_SILENT_REBOOT" not in settings, "MicroPython's panic handler does not link with it"
    assert settings[f"CONFIG_ESPTOOLPY_FLASHSIZE_{board(name)['FLASH_MB']}MB"] == "y"
    assert settings["CONFIG_LWIP_PPP_SUPPORT"] == ("y" if "modem" in board(name)["PARTS"] else "n")
    assert "modem" not in board(name)["PARTS"] or settings["CONFIG_LWIP_PPP_CHAP_SUPPORT"] == "y"


def public_names(path, name):
    """Methods, class attributes and attributes set in __init__ of a class, without those that begin with an underscore."""
    (found,) = [n for n in ast.parse(path.read_text()).body if isinstance(n, ast.ClassDef) and n.name == name]
    names = {n.name for n in found.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))}
    names |= {t.id for n in found.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
    for method in found.body:
        if isinstance(method, ast.FunctionDef) and method.name == "__init__":
            for node in ast.walk(method):
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self":
                    names.add(node.attr)
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize(
    ("contract", "keeper"),
    [(("host", "Platform"), ("esp32", "Platform")), (("uart_pty", "UartPty"), ("uart_esp32", "UartEsp32"))],
)
def test_ports_keep_the_contract_of_the_host(contract, keeper):
    port = TOP / "firmware/port"
    expected = public_names(port / f"{contract[0]}.py", contract[1])
    assert public_names(port / f"{keeper[0]}.py", keeper[1]) == expected
