"""Cryptography in slices: on the 32-bit interpreter, beside OpenSSL or CPython, and as an estimate for the ESP32.

The estimate, for 240 MHz: instructions that the Arm interpreter executes for a slice, counted under qemu-arm, take 1.8 cycles
each. That ratio comes from MicroPython's own benchmarks, whose times on an ESP32 are in its commit 549448e8bb (160 MHz, -O2):
by the same count bm_pidigits (big integers) takes 1.72 cycles an instruction, misc_aes (bytecode) 1.81, and viper_call1a and
viper_call2b 1.81 and 1.74. Other slices are scaled by their time on the host. Collections of garbage come on top, and so does
the rest of the loop; the ESP32 encrypts AES blocks in hardware. Nothing here was measured on an ESP32.

The log of every instruction makes this take some five minutes: `python -m host_tests.bench.crypto`, no part of `make bench`.
"""

import functools
import hashlib
import json
import os
import subprocess
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from host_tests.bench.interpreter import TOP, NotMeasured
from host_tests.bench.table import Table, kilobytes, times, us
from host_tests.bench.timing import median_us

_US_PER_INSTRUCTION = 1.8 / 240
# What a job does, as generators; a job in one piece is repeated, a slice each time.
_JOBS = """
import gc, json, sys, time

def repeated(function, *arguments):
    for _ in range(20):
        function(*arguments)
        yield

def x25519():
    from lib.crypto.x25519 import exchange
    return exchange(bytes(range(32)), b"\\x09" + bytes(31))

def ctr():
    from lib.crypto.aes import Ctr
    return repeated(Ctr(bytes(32), bytes(16)).crypt, bytes(512))

def gcm():
    from lib.crypto.aes import seal
    return repeated(seal, bytes(32), bytes(12), bytes(512))

def sha512():
    from lib.crypto.sha512 import Sha512
    return repeated(Sha512().update, bytes(1024))

def verifier():
    from lib.crypto.srp import verifier
    return verifier(b"wifiprov", b"abcd1234", bytes(range(16)))

def begin():
    from lib.crypto.srp import Server
    return Server(bytes(range(16)), b"\\x55" * 384).begin(b"wifiprov", b"\\x33" * 384, bytes(range(100, 132)))

def product():
    from lib.crypto.srp import _N
    modulus = int.from_bytes(_N, "big")
    number = modulus // 3
    return repeated(lambda: number * number % modulus)

def ed25519():
    from lib.crypto.ed25519 import Verifier
    row = json.load(open("host_tests/vectors/crypto.json"))["ed25519"][1]
    check = Verifier(bytes.fromhex(row["public"]), bytes.fromhex(row["signature"]))
    check.update(bytes.fromhex(row["message"]))
    return check.result()
"""
_TIME = """
def timed(job):
    made, times = job(), []
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    while True:
        start = time.ticks_us()
        try:
            next(made)
        except StopIteration:
            times.append(time.ticks_diff(time.ticks_us(), start))
            break
        times.append(time.ticks_diff(time.ticks_us(), start))
    garbage = gc.mem_alloc() - before - 8 * len(times)
    gc.enable()
    return times, garbage

best, garbage = timed(globals()[sys.argv[1]])
for _ in range(4):
    best = [min(pair) for pair in zip(best, timed(globals()[sys.argv[1]])[0])]
print(json.dumps([best, garbage]))
"""
_COUNT = """
made = globals()[sys.argv[1]]()
for _ in range(int(sys.argv[2])):
    next(made)
"""
_DATA = bytes(1024)


def _ed25519():
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public, signature = key.public_key(), key.sign(b"r")
    return lambda: public.verify(signature, b"r")


def _x25519():
    key, peer = X25519PrivateKey.from_private_bytes(bytes(range(32))), X25519PrivateKey.generate().public_key()
    return lambda: key.exchange(peer)


def _powers(*bits):
    modulus = (1 << 3072) - (1 << 64) - 1
    return lambda: [pow(modulus // 3, (1 << size) - 1, modulus) for size in bits]


# what, job, in one piece, the slice from which on typical ones come, a job with such slices from the start, what CPython does
_ROWS = (
    ("X25519, one product", "x25519", False, 1, "x25519", _x25519()),
    (
        *("AES-256-CTR, 512 bytes", "ctr", True, 1, "ctr"),
        lambda: Cipher(AES256(bytes(32)), CTR(bytes(16))).encryptor().update(_DATA[:512]),
    ),
    ("AES-256-GCM, 512 bytes sealed", "gcm", True, 1, "gcm", lambda: AESGCM(bytes(32)).encrypt(bytes(12), _DATA[:512], None)),
    ("SHA-512, 1 KB", "sha512", True, 1, "sha512", lambda: hashlib.sha512(_DATA).digest()),
    ("SRP-6a, verifier", "verifier", False, 40, "product", _powers(512)),
    ("SRP-6a, begin()", "begin", False, 40, "product", _powers(256, 512, 256)),
    ("Ed25519, one signature verified", "ed25519", False, 10, "ed25519", _ed25519()),
)


def tables():
    host = Table(__doc__.splitlines()[0], "32 bit", "slices", "longest", "garbage", "others", "ours x")
    chip = Table("The same on an ESP32 at 240 MHz: an estimate", "longest slice", "whole", "instructions of a slice")
    for what, job, is_whole, first, counted, other in _ROWS:
        slices, garbage = _timed(job)
        if is_whole:
            slices, garbage = slices[1:2], garbage / 20
        whole, longest = sum(slices), max(slices)
        took = median_us(lambda count, other=other: [other() for _ in range(count)])
        ours = [us(whole), str(len(slices)), us(longest), kilobytes(garbage)]
        host.add(what, *ours, us(took), times(whole / took))
        instructions = _instructions(counted, 1 if counted == "product" else first)
        typical = slices[0] if is_whole else sorted(slices[first : first + 20])[len(slices[first : first + 20]) // 2]
        ratio = instructions * _US_PER_INSTRUCTION / typical
        chip.add(what, f"{longest * ratio / 1000:.1f} ms", f"{whole * ratio / 1000:.0f} ms", f"{instructions / 1000:.0f} k")
    host.note("others: cryptography (OpenSSL) and hashlib; for SRP-6a CPython's pow() of the same exponents")
    chip.note("1.8 cycles for each instruction of the Arm interpreter, as the head of this file tells")
    yield host
    yield chip


def _timed(job):
    """(microseconds of each slice, the best of five runs; bytes of garbage)"""
    command = [TOP / ".tools" / "bin" / "micropython32", "-X", "heapsize=64m", "-c", _JOBS + _TIME, job]
    return json.loads(_output(command))


@functools.cache
def _instructions(job, first, step=2):
    """How many instructions the Arm interpreter needs for a slice, from a difference: two runs whose every step is logged."""
    counts = [_executed(job, first), _executed(job, first + step)]
    return (counts[1] - counts[0]) / step


def _executed(job, slices):
    emulator = TOP / ".tools" / "bin" / "qemu-arm"
    root = TOP / ".tools" / "root" / "armhf"
    log = ["-one-insn-per-tb", "-d", "nochain,exec", "-D", "/dev/stdout"]
    command = [emulator, *log, "-L", root, root / "usr" / "bin" / "micropython", "-X", "heapsize=16m", "-c", _JOBS + _COUNT]
    process = subprocess.Popen([*command, job, str(slices)], stdout=subprocess.PIPE, cwd=TOP, env=_environment())
    assert process.stdout
    count = 0
    while chunk := process.stdout.read(1 << 20):
        count += chunk.count(b"Trace ")
    if process.wait():
        raise NotMeasured(f"{job} under qemu-arm")
    return count


def _output(command):
    done = subprocess.run(command, cwd=TOP, env=_environment(), capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise NotMeasured(done.stderr)
    return done.stdout


def _environment():
    return dict(os.environ, MICROPYPATH=f"{TOP}:.frozen")


if __name__ == "__main__":
    for table in tables():
        print(table.text())
    sys.exit(0)
