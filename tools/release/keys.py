"""Key pairs for signing: the private halves in a folder outside the repository, the public ones in the firmware."""

import ast
import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tools.release.errors import Refused

TOP = Path(__file__).resolve().parent.parent.parent
KEYS = TOP / "firmware" / "release_keys.py"

_HEAD = '''\
"""The public keys of those who may sign upgrades, by key id; written by `python -m tools.release`: docs/upgrade.md."""

'''


def public_keys():
    """Return {key id: 32 bytes} of the firmware."""
    return literals(KEYS)["KEYS"]


def add(number, folder):
    """Make key pair `number` unless its private half is in the folder already; make the firmware trust it."""
    keys = public_keys()
    if not 0 < number < 256:
        raise Refused("a key's number is 1 to 255")
    if number not in keys and len(keys) == 2:
        raise Refused(f"the firmware has two keys already, {sorted(keys)}: retire one first")
    path = private_path(folder, number)
    if path.resolve().is_relative_to(TOP):
        raise Refused(f"{folder} is inside the repository: no place for a private key")
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
    keys[number] = private_key(folder, number).public_key().public_bytes_raw()
    _write(keys)
    return path


def retire(number):
    """Make the firmware trust a key no longer."""
    keys = public_keys()
    if keys.pop(number, None) is None:
        raise Refused(f"the firmware has no key {number}")
    _write(keys)


def private_path(folder, number):
    return folder / f"release-{number}.pem"


def private_key(folder, number):
    path = private_path(folder, number)
    if not path.exists():
        raise Refused(f"there is no {path}: python -m tools.release key {number}")
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise Refused(f"{path} is no Ed25519 key")
    return key


def _write(keys):
    lines = ["KEYS = {"]
    for number, key in sorted(keys.items()):
        halves = ["".join(f"\\x{byte:02x}" for byte in half) for half in (key[:16], key[16:])]
        lines += [f'    {number}: b"{halves[0]}"', f'    b"{halves[1]}",']
    lines += ["}"] if keys else []
    KEYS.write_text(_HEAD + ("\n".join(lines) if keys else "KEYS = {}") + "\n")


def literals(path):
    """Return {name: value} of a module of constants."""
    assigned = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Assign)]
    return {node.targets[0].id: ast.literal_eval(node.value) for node in assigned if isinstance(node.targets[0], ast.Name)}
