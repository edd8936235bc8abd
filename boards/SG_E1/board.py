"""SG-E1: as SG-W1, and Ethernet (RMII). GPIO numbers; "ours" marks what is not known of the original hardware."""

PLATFORM = "esp32"
MODEL = "SG-E1"
HARDWARE = "A"
CONSOLE = False  # UART0 is the RS-485 port: nobody would read it
FLASH_MB = 4
PORTS = ("ir_left", "ir_right", "rs485")
PROTOCOLS = ("modbus",)  # of the ports
PARTS = ("lan", "bluetooth", "phones", "discovery")  # what not every board has: tools/parts.py

# port: (UART, TX, RX, driver enable or None, lines that are inverted: "", "tx", "rx" or "tx rx")
UARTS = {
    "ir_left": (1, 15, 16, None, ""),
    "ir_right": (2, 14, 13, None, ""),
    "rs485": (0, 1, 3, 2, ""),
}

LED_GREEN = 32
LED_RED = 33
LED_ON = 0  # level that lights them
BUTTON = 4
BUTTON_PRESSED = 0  # ours
WATCHDOG = 12  # external; ours: each feeding turns the level

PULSE = 35  # ours; external pull-up
PULSE_CLOSED = 0  # ours: level while the contact is closed

# Pt1000 from the pin to ground, a resistor from the pin to the supply; all ours
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
