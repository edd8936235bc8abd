"""Stands in for the gateway's process in the rig's own tests: keeps the rig's side of the contract, does what it is told.

Writes its argument and all it hears into the flash file, a JSON line each. {"op":"pulse","count":N} makes it exit with N;
{"op":"heap"} makes it read the meter on the left port and tell how many bytes came; a button lights the green LED.
"""

import json
import os
import socket
import sys

link = socket.socket(fileno=int(sys.argv[1]))
lines = link.makefile("r")
argument = json.loads(lines.readline())


def record(what):
    with open(argument["flash"], "a") as flash:
        flash.write(json.dumps(what) + "\n")


def tell(event, **fields):
    link.sendall(json.dumps({"event": event, **fields}).encode() + b"\n")


def read_meter():
    tty = os.open(argument["tty"]["ir_left"], os.O_RDWR | os.O_NOCTTY)
    os.write(tty, bytes.fromhex("2104006B00020777"))
    got = b""
    while len(got) < 9:
        got += os.read(tty, 9)
    os.close(tty)
    return len(got)


record({"argument": argument})
print("stand-in: started, cause", argument["reset_cause"], flush=True)
if argument["board"] == "BROKEN":
    sys.exit("stand-in: cannot work")
if argument["board"] == "RESETS" or argument["power_cut"] == 1:
    os._exit(42 if argument["power_cut"] else 3)
tell("line", port="ir_left", baud=19200, parity="N", stop=1)
ports = {"http": argument["http_port"] or 40123, "modbus_tcp": argument["modbus_port"] or 40124}
tell("nonsense")
tell("ready", **ports, discovery=None, netbios=argument["netbios_port"] or 40137, ble=None, pop="12345678", serial="SG000017")
if argument["board"] == "STARVES":
    tell("fed")
for line in lines:
    heard = json.loads(line)
    record(heard)
    if heard["op"] == "pulse":
        os._exit(heard["count"])
    elif heard["op"] == "heap":
        tell("heap", used=read_meter(), free=1)
    elif heard["op"] == "button":
        tell("leds", green="fast" if heard["down"] else "off", red="off")
