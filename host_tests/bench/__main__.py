"""`make bench`: measures us beside others, or beside a limit, in one run; docs/benchmarks.md explains every figure.

A report, no test: nothing is asserted about time. The exit status is 1 when something could not be measured.
"""

import sys
import time

from host_tests.bench import (
    archive,
    bus_use,
    codec,
    crc,
    dlms_field,
    dlms_line,
    iec,
    iec62056,
    journal,
    memory,
    modbus_tcp,
    mute_unit,
    pages,
    profile,
    profile_line,
    provisioning,
    push,
    rest,
    round_trips,
    upgrade,
)

SECTIONS = (
    crc,
    codec,
    iec,
    iec62056,
    round_trips,
    bus_use,
    mute_unit,
    modbus_tcp,
    rest,
    pages,
    provisioning,
    journal,
    profile,
    profile_line,
    archive,
    dlms_line,
    dlms_field,
    push,
    upgrade,
    memory,
)


def main():
    began = time.monotonic()
    missing = []
    for section in SECTIONS:
        try:
            for table in section.tables():
                print(table.text(), flush=True)
        except Exception as error:  # noqa: BLE001 - the other sections are still worth having
            what = section.__doc__.splitlines()[0]
            missing.append(what)
            print(f"NOT MEASURED: {what}\n  {type(error).__name__}: {error}\n", flush=True)
    print(f"{time.monotonic() - began:.0f} s in all")
    for what in missing:
        print(f"not measured: {what}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
