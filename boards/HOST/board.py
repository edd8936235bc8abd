"""The gateway on a development machine: hardware that is not there is played by the rig (tools/rig)."""

PLATFORM = "host"
MODEL = "SG-W1"  # the rig may ask for another: --board
HARDWARE = "A"
FLASH_MB = 4
PORTS = ("ir_left", "ir_right", "rs485")
PROTOCOLS = ("modbus", "iec62056", "dlms", "tunnel")  # of the ports
PARTS = (
    "lan",
    "bluetooth",
    "phones",
    "discovery",
    "profile",
    "modem",
    "setup",
    "server",
    "roles",
    "sd",
)  # what not every board has: tools/parts.py
