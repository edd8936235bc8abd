"""The gateway on a development machine: hardware that is not there is played by the rig (tools/rig)."""

PLATFORM = "host"
MODEL = "SG-W1"  # the rig may ask for another: --board
HARDWARE = "A"
PORTS = ("ir_left", "ir_right", "rs485")
PROTOCOLS = ("modbus", "iec62056", "tunnel")  # of the ports
PARTS = (
    "lan",
    "bluetooth",
    "phones",
    "discovery",
    "profile",
    "modem",
    "setup",
    "server",
)  # what not every board has: tools/parts.py
