"""Runs one test file inside MicroPython and prints `RESULT ["name", "" or traceback]` for each function.

An `async def test_*` gets an event loop of its own. Started by conftest.py; by hand:
`MICROPYPATH=.:host_tests:boards/HOST .tools/bin/micropython32 host_tests/run.py host_tests/lib/modbus/test_crc.py`
"""

import asyncio
import gc
import io
import json
import sys

sys.path.pop(0)  # this folder would come first, and its lib/ hide the product's
path = sys.argv[1]
names = {"__name__": "test", "__file__": path}
with open(path) as file:
    source = file.read()
exec(compile(source, path, "exec"), names)  # noqa: S102
# In the order of the file: a dict of MicroPython keeps none.
tests = [name for name in names if name.startswith("test_")]
tests.sort(key=lambda name: source.find("def " + name + "("))
failed = 0
for name in tests:
    gc.collect()
    outcome = ""
    try:
        result = names[name]()
        if hasattr(result, "send"):
            asyncio.new_event_loop()
            asyncio.run(asyncio.wait_for(result, 60))
    except Exception as error:
        report = io.StringIO()
        sys.print_exception(error, report)
        outcome = report.getvalue()
        failed += 1
    print("RESULT", json.dumps([name, outcome]))
sys.exit(1 if failed else 0)
