"""Searches with the maker's Python client, unmodified: it is in PYTHONPATH. Arguments: the addresses to ask.

Prints a JSON list with what the client knows of each device.
"""

import asyncio
import importlib
import json
import sys

discovery = importlib.import_module("pyiskra.discovery")


async def main():
    found = await discovery.Discovery().get_devices(sys.argv[1:])
    print(json.dumps([device.values for device in found]))


if __name__ == "__main__":
    asyncio.run(main())
