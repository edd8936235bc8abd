"""What the interpreter runs after start-up, frozen: the gateway. If it ends, for whatever reason, the device starts again.

The pause bounds how often a fault that comes back at each start can write events and wear the flash.
"""

import sys
from time import sleep

import machine

import board
from firmware.main import start

_PAUSE_S = 10

try:
    start(None)
except Exception as error:
    if board.CONSOLE:
        sys.print_exception(error)
finally:
    sleep(_PAUSE_S)
    machine.reset()
