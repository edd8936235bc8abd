"""What the interpreter runs after start-up, frozen: the gateway. If it ends, for whatever reason, the device starts again.

The watchdog runs before any of the application is there, and the start is counted: so a version that hangs or stops while it
is imported comes back to the boot loader, which takes it back if it is on trial, or in the end to safe mode. The pause bounds
how often a fault that comes back at each start can write events and wear the flash.
"""

import sys
from time import sleep

import machine

import board

_PAUSE_S = 10
_WATCHDOG_MS = 30000  # as firmware/port/esp32.py sets it again

try:
    machine.WDT(timeout=_WATCHDOG_MS)

    from firmware.port import starts_rtc

    starts_rtc.write(starts_rtc.read() + 1)

    from firmware.main import start

    start(None)
except Exception as error:
    if board.CONSOLE:
        sys.print_exception(error)
finally:
    sleep(_PAUSE_S)
    machine.reset()
