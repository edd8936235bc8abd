"""Collects two kinds of tests.

Files under host_tests/lib and host_tests/firmware run inside MicroPython: each `test_*` function is reported once per
interpreter (64 and 32 bit; a file with `ALSO_ON = ("arm",)` under qemu too). All others are ordinary pytest on CPython.
"""

import ast
import json
import os
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
INSIDE = [TOP / "host_tests" / "lib", TOP / "host_tests" / "firmware"]
DEADLINE_S = 300
# Files that are disturbed by what else the machine does: true timing, deadlines, a heap at its limit. Two at a time at most.
ALONE = {
    *("test_http_bad_input", "test_http_fuzz", "test_line_faults", "test_meter_faults", "test_modbus_bad_input"),
    *("test_modbus_fuzz", "test_push_week", "test_start_esp32", "test_discovery", "test_gateway_modbus_timing"),
    *("test_gateway_slave", "test_gateway_slaves", "test_pyiskra_modbus", "test_gateway_push", "test_rig_lines"),
    *("test_rig_masters", "test_gateway_relays", "test_mbpoll", "test_gateway_modbus", "test_gateway_upgrade_trial"),
}
# Files that take minutes, for they wait for the clock: begun first, so that nobody waits for them in the end.
LONG = {
    *("test_gateway_iec_events", "test_gateway_iec_meters", "test_gateway_iec_profiles", "test_gateway_iec_outputs"),
    *("test_dlms_power_cuts", "test_gateway_dlms_thousand", "test_gateway_dlms", "test_gateway_dlms_list", "test_dlms"),
    *("test_gateway_dlms_server", "test_gateway_dlms_outputs", "test_gateway_dlms_archive", "test_gateway_roles"),
    *(
        "test_profile_power_cuts",
        "test_upgrade_power_cuts",
        "test_gateway_jobs",
        "test_gateway_push_profiles",
        "test_iec_reader",
    ),
}


def interpreter(width):
    return str(TOP / ".tools" / "bin" / ("micropython-arm" if width == "arm" else f"micropython{width}"))


def pytest_addoption(parser):
    parser.addoption("--all-cuts", action="store_true", help="cut the power of an upgrade at each flash operation in truth")


def pytest_configure(config):
    config.addinivalue_line("markers", "alone: beside one other at most")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.stem in ALONE:
            item.add_marker("alone")
    items.sort(key=lambda item: item.path.stem not in LONG)


def pytest_collect_file(file_path, parent):
    if file_path.name.startswith("test_") and file_path.suffix == ".py" and any(r in file_path.parents for r in INSIDE):
        return InsideFile.from_parent(parent, path=file_path)
    return None


def pytest_pycollect_makemodule(module_path, parent):
    """Keep pytest's own collector away from files that only MicroPython can import."""
    if any(room in module_path.parents for room in INSIDE):
        return Nothing.from_parent(parent, path=module_path)
    return None


class Nothing(pytest.Module):
    def collect(self):
        return []


class InsideFile(pytest.File):
    """A test file that MicroPython runs, once per interpreter; each run's results are kept for its items."""

    def collect(self):
        tree = ast.parse(self.path.read_text())
        widths = ["64", "32"]
        for node in tree.body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "ALSO_ON":
                widths += ast.literal_eval(node.value)
        names = [
            node.name
            for node in tree.body
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_")
        ]
        for width in widths:
            run = Run(self.path, width)
            for name in names:
                yield InsideItem.from_parent(self, name=f"{name}[{width}]", test=name, run=run)


class Run:
    """One start of one interpreter on one file, made when its first item is asked for."""

    def __init__(self, path, width):
        self.path, self.width, self._results = path, width, None

    def results(self):
        if self._results is None:
            command = [interpreter(self.width), "-X", "heapsize=4m", str(TOP / "host_tests" / "run.py"), str(self.path)]
            environment = dict(
                os.environ,
                MICROPYPATH=f"{TOP}:{TOP / 'host_tests'}:{TOP / '.tools' / 'device'}:{TOP / 'boards' / 'HOST'}:.frozen",
            )
            try:
                done = subprocess.run(
                    command, cwd=TOP, env=environment, capture_output=True, text=True, timeout=DEADLINE_S, check=False
                )
                output, errors = done.stdout, done.stderr
            except subprocess.TimeoutExpired as late:
                output = (late.stdout or b"").decode()
                errors = f"no end after {DEADLINE_S} s"
            self._results = {}
            rest = []
            for line in output.splitlines():
                if line.startswith("RESULT "):
                    name, outcome = json.loads(line[7:])
                    self._results[name] = outcome
                else:
                    rest.append(line)
            self.output = "\n".join(rest) + "\n" + errors
        return self._results


class InsideItem(pytest.Item):
    def __init__(self, *, test, run, **kw):
        super().__init__(**kw)
        self.test, self.run = test, run

    def runtest(self):
        outcome = self.run.results().get(self.test)
        if outcome is None:
            raise InsideFailure(f"never ran: the interpreter stopped before it\n{self.run.output}")
        if outcome:
            raise InsideFailure(outcome + self.run.output)

    def repr_failure(self, excinfo, style=None):
        if isinstance(excinfo.value, InsideFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, 0, f"{self.path.relative_to(TOP)}::{self.name}"


class InsideFailure(Exception):
    pass
