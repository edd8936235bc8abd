"""The modem of an ESP32 board: its UART, power key, reset and lights out of board.MODEM. In RAM on such boards only."""

import network
from machine import Pin
from micropython import const

import board
from firmware.port.net_ppp import NetPpp
from firmware.port.uart_esp32 import UartEsp32

_RX_BYTES = const(4096)  # 350 ms at 115200: PPP brings whole packets without a pause


def make():
    """Return the NetPpp of the board."""
    what = board.MODEM  # pyright: ignore[reportAttributeAccessIssue] - other boards have none
    reset = Pin(what["reset"], Pin.OUT, value=not what["reset_on"])
    lights = [Pin(number, Pin.OUT, value=not board.LED_ON) for number in what["lights"]]
    line = UartEsp32(*what["uart"], rx_bytes=_RX_BYTES)
    line.configure(what["baud"], "N", 1)

    def hold_reset(is_held):
        reset.value(is_held == what["reset_on"])

    def show(count):
        for number, light in enumerate(lights):
            light.value((number < count) == board.LED_ON)

    return NetPpp(line, network.PPP, hold_reset, show)
