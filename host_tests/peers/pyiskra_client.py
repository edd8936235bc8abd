"""Runs one version of the maker's Python client, unmodified, for the tests: it is in PYTHONPATH, this process is its alone.

A line of JSON on standard input is an order, a line on standard output the answer: what the client has now, or {"error": the
exception's class, "text": ...}.

    {"do": "create", "protocol": "rest", "host": "127.0.0.1:8080", "user": "", "password": ""}      a gateway and its children
    {"do": "create", "protocol": "tcp", "host": "127.0.0.1", "port": 10001, "address": 33}          one meter; "rtu": no host
    {"do": "update", "child": 0}        of a gateway's children the one at this place; without, what was created itself
"""

import asyncio
import importlib
import json
import logging
import sys
from enum import Enum

adapters = importlib.import_module("pyiskra.adapters")
devices = importlib.import_module("pyiskra.devices")


def adapter(order):
    """The client's access to what the order names."""
    if order["protocol"] == "rest":
        login = {"username": order["user"], "password": order["password"]} if order.get("user") else None
        return adapters.RestAPI(ip_address=order["host"], authentication=login)
    return adapters.Modbus(order["protocol"], ip_address=order.get("host"), port=order["port"], modbus_address=order["address"])


def plain(thing):
    """The client's objects as what JSON has."""
    if isinstance(thing, Enum):
        return thing.value
    if isinstance(thing, (list, tuple)):
        return [plain(one) for one in thing]
    if hasattr(thing, "__dict__"):
        return {name: plain(value) for name, value in vars(thing).items()}
    return thing


def seen(device):
    """All that the client knows of a device."""
    names = ("model", "serial", "description", "location", "fw_version", "is_gateway", "phases", "supports_time_blocks")
    names += ("measurements", "counters", "time_blocks_measurements")
    found = {name: plain(getattr(device, name, None)) for name in names}
    found["class"] = type(device).__name__
    found["index"] = getattr(device.adapter, "device_index", None)  # its place among the gateway's children
    if device.is_gateway:
        found["children"] = [seen(child) for child in device.get_child_devices()]
    return found


class Client:
    def __init__(self):
        self._device = None

    async def do(self, order):
        if order["do"] == "create":
            self._device = None
            device = await devices.Device.create_device(adapter(order))
            await device.init()
            self._device = device
            return seen(device)
        device = self._device
        if "child" in order:
            device = device.get_child_devices()[order["child"]]
        await device.update_status()
        return seen(device)


async def main():
    client = Client()
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            answer = await client.do(json.loads(line))
        except Exception as error:
            answer = {"error": type(error).__name__, "text": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    asyncio.run(main())
