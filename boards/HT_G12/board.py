"""HT-G12: a modem, one port for the optical head or RS-232, RS-485. GPIO numbers; all ours: nothing is known of the original
hardware's pins. What an SG has too is where it is there."""

PLATFORM = "esp32"
MODEL = "HT-G12"
HARDWARE = "A"
CONSOLE = False  # UART0 is the RS-485 port: nobody would read it
FLASH_MB = 4
PORTS = ("ir_left", "rs485")  # ir_left is the optical head or RS-232: settings and registers name it so
PROTOCOLS = ("modbus", "iec62056", "tunnel")  # of the ports
PARTS = ("profile", "modem", "setup", "server")  # what not every board has: tools/parts.py

# port: (UART, TX, RX, driver enable or None, lines that are inverted: "", "tx", "rx" or "tx rx")
UARTS = {
    "ir_left": (1, 15, 16, None, ""),
    "rs485": (0, 1, 3, 2, ""),
}

# Any modem with AT commands and PPP (SIM800, SIM7600, EC21); it is always supplied, and switches itself on.
MODEM = {
    "uart": (2, 14, 13, None, ""),
    "baud": 115200,
    "reset": 23,
    "reset_on": 1,  # level that resets it: the base of a transistor, which is off while the pin is none
    "lights": (21, 22, 25, 26),  # one more for each step of the signal
}

LED_GREEN = 32
LED_RED = 33
# What green and red tell in operation: of each the first that applies. firmware/services/front_server.py has the words.
LIGHTS = (("server on", "any slow"), ("ir_left fast", "rs485 slow", "any off"))
LED_ON = 0  # level that lights them, and the modem's
BUTTON = 4
BUTTON_PRESSED = 0
WATCHDOG = 12  # external; each feeding turns the level

PULSE = 35  # external pull-up
PULSE_CLOSED = 0  # level while the contact is closed

# Pt1000 from the pin to ground, a resistor from the pin to the supply
PT1000 = 34  # ADC1: the other converter does not work beside Wi-Fi
PT1000_PULL_UP_OHM = 3300
PT1000_SUPPLY_MV = 3300

LAN = None
