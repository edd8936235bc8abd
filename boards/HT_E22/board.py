"""HT-E22: Ethernet (RMII), optical head, RS-232, RS-485. GPIO numbers; all but what the chip prescribes is ours: nothing is
known of the original hardware's pins. What an SG has too is where it is there."""

PLATFORM = "esp32"
MODEL = "HT-E22"
HARDWARE = "A"
CONSOLE = False  # UART0 is the RS-485 port: nobody would read it
FLASH_MB = 4
PORTS = ("ir_left", "ir_right", "rs485")  # ir_left is the optical head, ir_right RS-232: settings and registers name them so
PROTOCOLS = ("modbus", "iec62056", "tunnel")  # of the ports
PARTS = ("lan", "profile", "setup", "server")  # what not every board has: tools/parts.py

# port: (UART, TX, RX, driver enable or None, lines that are inverted: "", "tx", "rx" or "tx rx")
UARTS = {
    "ir_left": (1, 15, 16, None, ""),
    "ir_right": (2, 14, 13, None, ""),
    "rs485": (0, 1, 3, 2, ""),
}

LED_GREEN = 32
LED_RED = 33
# What green and red tell in operation: of each the first that applies. firmware/services/front_server.py has the words.
LIGHTS = (("server on", "any slow"), ("ir_left fast", "ir_right fast", "rs485 slow", "any off"))
LED_ON = 0  # level that lights them
BUTTON = 4
BUTTON_PRESSED = 0
WATCHDOG = 12  # external; each feeding turns the level

PULSE = 35  # external pull-up
PULSE_CLOSED = 0  # level while the contact is closed

# Pt1000 from the pin to ground, a resistor from the pin to the supply
PT1000 = 34  # ADC1: the other converter does not work beside Wi-Fi
PT1000_PULL_UP_OHM = 3300
PT1000_SUPPLY_MV = 3300

# RMII: what may be chosen, ours. The chip takes for it, too: 21 (TX_EN), 19 and 22 (TXD), 25 and 26 (RXD), 27 (CRS_DV).
LAN = {
    "phy": "LAN8720",
    "address": 1,
    "mdc": 23,
    "mdio": 18,
    "power": 17,  # holds the oscillator still during reset: GPIO0 decides then how the chip starts
    "clock_in": 0,
}
