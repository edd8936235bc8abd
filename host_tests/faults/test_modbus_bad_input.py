"""Clients of Modbus TCP that misbehave: it answers, keeps silent or hangs up, serves the others, and keeps nothing of them."""

import contextlib
import random
import select
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from host_tests.gateway import MANUAL, answered, api, change, detected, eventually, gateway
from host_tests.modbus_client import Client, Closed, mbap, read, serial
from host_tests.modbus_oracle import noise

MODEL = read(4, 1, 8)
IE38 = "0410" + b"IE38MD".ljust(16).hex()
WM3M4 = "0410" + b"WM3M4C".ljust(16).hex()
SG = "0410" + b"SG-W1".ljust(16).hex()
FLOATS = read(4, 1000, 100)  # of a meter: as long an answer as any
HEAPS = {64: "1m", 32: "112k"}
MUTE = 90  # nobody has this address
SLACK = 8192  # the ring of events fills up: 24 texts, on 64 bit some 5 KB
HALF_S = 10  # half a frame holds a connection no longer than this
SOON_S = 1.0  # what nothing has to be waited for
LOOK_S = 0.1  # nothing came in this time: nothing will
# what, frame, PDU of the answer; None: there is none
FRAMES = (
    ("another protocol", mbap(0x1234, 34, MODEL, protocol=1), None),
    ("a protocol in the low byte", mbap(0x0104, 34, MODEL, protocol=0x100), None),
    ("no length", mbap(1, 34, MODEL, length=0), None),
    ("a length without function", mbap(1, 34, MODEL, length=1), None),
    ("a length of 2 for a read", mbap(1, 34, MODEL, length=2), None),
    ("a length just too long", mbap(1, 34, MODEL, length=255), None),
    ("the longest length", mbap(1, 34, MODEL, length=0xFFFF), None),
    ("a length that cuts the request", mbap(1, 34, MODEL, length=4), "8403"),
    ("a length that takes more in", mbap(1, 34, MODEL + b"\0\0", length=8), "8403"),
    ("a length that promises more", mbap(1, 34, MODEL, length=20), None),
    ("half a header", mbap(1, 34, MODEL)[:5], None),
    ("a header alone", mbap(1, 34, MODEL)[:7], None),
    ("the longest frame", mbap(1, 34, b"\x04" + bytes(252)), "8403"),
    ("a long write that is cut", mbap(1, 34, b"\x10\0\x65\0\x7b\xf6" + bytes(245), length=254), None),
    ("no register", mbap(1, 34, read(4, 1, 0)), "8403"),
    ("too many registers", mbap(1, 34, read(4, 1, 126)), "8403"),
    ("registers behind the last", mbap(1, 34, read(4, 0xFFFF, 2)), "8402"),
    ("function 0", mbap(1, 34, "00"), None),
    ("function 0 with data", mbap(1, 34, "0000010001"), "8001"),
    ("function 255", mbap(1, 34, "ff00010001"), "ff01"),
    ("a write to everybody", mbap(1, 0, "060065ffff"), "8601"),
    *((f"unit {unit}", mbap(1, unit, MODEL), "840a") for unit in range(248, 255)),
    ("a serial frame, one bit wrong", bytes((0x23,)) + serial(34, MODEL)[1:], None),
    ("half a serial frame", serial(34, MODEL)[:5], None),
    ("the answer to a read", serial(34, SG), None),
    ("a serial frame with function 0", serial(34, "00"), None),
    ("noise", noise(260), None),
    ("more noise", noise(2000, 7), None),
    ("zeros", bytes(260), None),
    ("ones", b"\xff" * 260, None),
    ("HTTP", b"GET / HTTP/1.1\r\nHost: sg\r\n\r\n", None),
    ("a TLS hello", bytes.fromhex("160301020001000103030a0b0c0d0a0d0a"), None),
)


@pytest.fixture(scope="module")
def rigs():
    """Both gateways, made ready side by side: that is waiting most of the time."""
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(len(HEAPS)) as pool:
        started = {
            bits: stack.enter_context(gateway(bits, heap=heap, meters=MANUAL, settings={"response_ms": 300}))
            for bits, heap in HEAPS.items()
        }
        list(pool.map(_make_ready, started.values()))
        yield started


def _make_ready(rig):
    """What is kept for good, such as the statistics of units, is there afterwards."""
    detected(rig, 3)
    answered(rig, "get_measurements1")
    answered(rig, "get_counters")
    change(rig, response_ms=50)  # for so many that nobody is
    with Client(rig) as client:
        for unit in range(40, 90):
            client.send(mbap(unit, unit, read(4, unit, 2)))
            client.answer()
        for function in range(65, 95):
            assert client.ask(33, f"{function:02x}00") == f"{function | 0x80:02x}01"
    change(rig, response_ms=300)
    time.sleep(15)  # longer than modules stay that nobody uses


@pytest.fixture(scope="module", params=HEAPS)
def rig(request, rigs):
    started = rigs[request.param]
    before = used(started)
    yield started
    eventually(lambda: used(started) <= before + SLACK, lambda: f"heap: {before} before, {used(started)} after")


@pytest.fixture(autouse=True)
def well_afterwards(rig):
    """After each test it answers on every way, and no task has ended."""
    log = len(rig.log())
    yield
    eventually(lambda: _answers(rig), "no good request is answered")
    assert api(rig, "/api/health")[1]["crashes"] == 0, rig.log()[log:]
    assert "Traceback" not in rig.log()[log:], rig.log()[log:]


def used(rig):
    return min(rig.control("heap")["used"] for _ in range(3))


def _answers(rig):
    try:
        with Client(rig) as client:
            return [client.ask(unit, MODEL) for unit in (34, 33, 35)] == [SG, IE38, WM3M4]
    except Closed:
        return False


def came(client):
    """What comes within a short time; what came before it was closed, if it was."""
    data = b""
    client._socket.settimeout(LOOK_S)
    with contextlib.suppress(TimeoutError, ConnectionError):
        while more := client._socket.recv(4096):
            data += more
    return data


def reset(client):
    """Vanish: what comes is refused from now on."""
    client._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client._socket.close()


def test_frames_that_are_none(rig):
    for what, frame, pdu in FRAMES:
        with Client(rig) as client:
            client.send(frame)
            answer = came(client)
            if pdu is None:
                assert answer == b"", what
            else:
                transaction, protocol, length, unit = struct.unpack(">HHHB", answer[:7])
                assert (transaction, protocol, unit, answer[7:].hex()) == (1, 0, frame[6], pdu), what
                assert length == len(answer) - 6
        with Client(rig) as client:
            assert client.ask(34, MODEL) == SG, what


def test_serial_frames_that_ask_for_nonsense(rig):
    for unit, pdu, answer in ((250, MODEL, "840a"), (34, read(4, 1, 126), "8403"), (34, "41", None), (34, "8404", None)):
        with Client(rig) as client:
            client.send(serial(unit, pdu))
            expected = serial(unit, answer) if answer else serial(unit, "c101") if pdu == "41" else b""
            assert came(client) == expected, (unit, pdu)


def test_who_is_slow(rig):
    """Each of these is little but waiting: all at once."""
    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(what, rig) for what in (_half_frames, _pause_amid_a_frame, _byte_by_byte)]:
            done.result()


def _half_frames(rig):
    """Each stops elsewhere; all are hung up on, in time."""
    frames = [frame[:size] for frame in (mbap(1, 34, MODEL), serial(34, MODEL)) for size in (1, 4, 7)]
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(rig)) for _ in frames]
        for client, frame in zip(clients, frames, strict=True):
            client.send(frame)
        end = time.monotonic() + HALF_S
        for client in clients:
            assert client.is_closed()
        assert time.monotonic() < end


def _pause_amid_a_frame(rig):
    """Who was silent for long, as it may, has as much time for the second half of its next request as anybody."""
    with Client(rig) as client:
        assert client.ask(34, MODEL) == SG
        time.sleep(6)
        frame = mbap(2, 34, MODEL)
        client.send(frame[:6])
        time.sleep(1.5)
        client.send(frame[6:])
        assert client.answer() == (2, 34, SG)


def _byte_by_byte(rig):
    """Whoever sends a frame that never ends, byte by byte, is hung up on like one who stops."""
    with Client(rig) as client, pytest.raises(Closed):
        for byte in mbap(1, 34, MODEL, length=250)[:9] + bytes(200):
            client.send(bytes((byte,)))
            time.sleep(0.2)


def test_a_thousand_frames_in_one_segment(rig):
    with Client(rig) as client:
        client.send(b"".join(mbap(number, 34, MODEL) for number in range(1000)))
        assert sorted(client.answer() for _ in range(1000)) == [(number, 34, SG) for number in range(1000)]
        client.send(serial(34, MODEL) * 300)
        good = serial(34, SG)
        assert client.receive(300 * len(good)) == good * 300


def test_good_and_bad_frames_in_one_segment(rig):
    for bad in (mbap(0x1234, 34, MODEL, protocol=1), mbap(1, 34, MODEL, length=0), noise(50)):
        with Client(rig) as client:
            client.send(mbap(7, 34, MODEL) + bad + mbap(8, 34, MODEL))
            with contextlib.suppress(Closed):  # what cannot be understood may end the connection before the answer is out
                assert client.answer() == (7, 34, SG)


def test_a_flood_of_one_leaves_room_for_others(rig):
    """Five thousand requests, and nobody reads the answers."""
    with Client(rig, 4096) as flood, Client(rig) as client:
        sender = threading.Thread(target=_flood, args=(flood, 201, 5000))
        sender.start()
        longest = 0.0
        while sender.is_alive() or longest == 0.0:
            began = time.monotonic()
            assert client.ask(34, MODEL) == SG
            assert client.ask(35, MODEL) == WM3M4
            assert rig.get("/get_command?command=get_status")[0] == 200
            longest = max(longest, time.monotonic() - began)
        sender.join()
        assert longest < 3 * SOON_S, longest
        flood._socket.settimeout(20)
        for _ in range(100):
            assert flood.answer()[1] == 201


def _is_reset(client):
    """Whether the gateway has hung up on a client that does not read."""
    poll = select.poll()
    poll.register(client._socket, 0)  # errors come unasked
    return bool(poll.poll(0))


def _flood(client, unit, count):
    with contextlib.suppress(Closed):
        for at in range(0, count, 100):
            client.send(b"".join(mbap(number & 0xFFFF, unit, FLOATS) for number in range(at, at + 100)))


def test_clients_that_never_read_hold_up_nobody(rig):
    """One sends until nothing more is taken from it; whoever reads is served all the while, and it is hung up on.

    It takes a while: Linux holds 4 MB of answers for it.
    """
    with contextlib.ExitStack() as stack:
        floods = [stack.enter_context(Client(rig, 2048)) for _ in range(1)]
        threads = [threading.Thread(target=_flood, args=(flood, 201, 200_000)) for flood in floods]
        for thread in threads:
            thread.start()
        client = stack.enter_context(Client(rig))
        longest, end = 0.0, time.monotonic() + 240
        while not all(_is_reset(flood) for flood in floods):
            assert time.monotonic() < end, "they are not hung up on"
            began = time.monotonic()
            assert client.ask(34, MODEL) == SG
            longest = max(longest, time.monotonic() - began)
            time.sleep(0.005)
        for thread in threads:
            thread.join()
        assert longest < SOON_S, longest


def test_own_registers_do_not_wait_for_a_mute_unit(rig):
    """Four clients have as much open as they may, all of it to nobody: a fifth gets what needs no wire at once."""
    ended = threading.Event()

    def insist(number):
        with Client(rig) as client:
            sent = 0
            for _ in range(6):
                client.send(mbap(sent, MUTE + number, read(4, sent, 2)))
                sent += 1
            while not ended.is_set():
                client.answer()
                client.send(mbap(sent & 0xFFFF, MUTE + number, read(4, sent & 0xFFF, 2)))
                sent += 1

    threads = [threading.Thread(target=insist, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        with Client(rig) as client:
            for _ in range(5):
                began = time.monotonic()
                assert client.ask(34, MODEL) == SG
                assert time.monotonic() - began < SOON_S / 2
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def test_who_stays_is_not_overtaken_by_who_comes_anew(rig):
    """A connection for each request gives nobody more turns on a wire than one that stays."""
    counts = {}
    end = time.monotonic() + 4

    def ask(client, name, number):
        with contextlib.suppress(Closed):
            if client.ask(35, read(4, 100 + number, 20)).startswith("0428"):
                counts[name] = counts.get(name, 0) + 1

    def stay():
        with Client(rig) as client:
            while time.monotonic() < end:
                ask(client, "stays", 0)

    def come(number):
        while time.monotonic() < end:
            with contextlib.suppress(Closed), Client(rig) as client:
                ask(client, number, number)

    threads = [threading.Thread(target=stay)] + [threading.Thread(target=come, args=(number,)) for number in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    others = [counts.get(number, 0) for number in range(1, 7)]
    assert counts.get("stays", 0) >= 0.5 * max(others), counts


def test_refused_writes_do_not_fill_the_list_of_events(rig):
    """Neither a client that connects for each write nor one that tries all functions leaves nothing but its own events."""
    change(rig, description="seen")
    for _ in range(30):
        with Client(rig) as client:
            assert client.ask(33, "0600650001") == "8601"
        time.sleep(0.02)
    with Client(rig) as client:
        for number in range(40):
            client.ask(33, f"{70 + number % 12:02x}00")
    told = [event["text"] for event in api(rig, "/api/events")[1]["events"]]
    assert sum("write refused" in text for text in told) <= len(told) // 2, told


def test_as_much_open_as_can_be(rig):
    """Ten clients with all that they may have open, to units of all kinds, beside a page: memory gets short, nothing ends."""
    ended = threading.Event()

    def insist(number):
        with contextlib.suppress(Closed), Client(rig) as client:
            unit = (MUTE, 33, 35, 201, MUTE + 1, 36, 34, MUTE + 2, 35, MUTE + 3)[number]
            for sent in range(6):
                client.send(mbap(sent, unit, read(4, 2500, 100 + number)))
            sent = 6
            while not ended.is_set():
                client.answer()
                client.send(mbap(sent & 0xFFFF, unit, read(4, 2500, 100 + number)))
                sent += 1

    threads = [threading.Thread(target=insist, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    try:
        end = time.monotonic() + 8
        while time.monotonic() < end:
            assert rig.get("/get_command?command=get_measurements1")[0] in (200, 503)
            time.sleep(0.1)
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def test_fifty_connections_at_once(rig):
    def ask(_):
        try:
            with Client(rig) as client:
                told = client.ask(34, MODEL), client.ask(35, MODEL)
                return told == (SG, WM3M4) or told
        except Closed:
            return None

    with ThreadPoolExecutor(50) as pool:
        for _ in range(3):
            told = list(pool.map(ask, range(50)))
            assert not [one for one in told if one not in (True, None)] and told.count(True) >= 1, told


def test_clients_that_vanish(rig):
    """Before, amid and after their requests; while their answers are sent; while a mute unit is waited for."""
    for frame in (mbap(1, 34, MODEL), mbap(1, 35, MODEL), mbap(1, MUTE, MODEL), serial(34, MODEL)):
        for size in range(0, len(frame) + 1, 3):
            client = Client(rig)
            client.send(frame[:size])
            reset(client)
    for _ in range(20):
        client = Client(rig, 2048)
        client.send(b"".join(mbap(number, 201, FLOATS) for number in range(300)))
        client.receive(1000)
        reset(client)
    for _ in range(20):
        client = Client(rig)
        client.send(b"".join(mbap(number, unit, MODEL) for number, unit in enumerate((34, MUTE, 35, 200, 33, MUTE))))
        reset(client)


def test_churn(rig):
    """Five hundred connections, one after the other, with and without a request."""
    chance = random.Random(5)
    served = 0
    for number in range(500):
        way = chance.randrange(4)
        with contextlib.suppress(Closed), Client(rig) as client:
            if way == 0:
                continue
            client.send(mbap(number, 34, MODEL))
            if way == 1:
                assert client.answer() == (number, 34, SG)
                served += 1
            elif way == 2:
                reset(client)
    assert served > 50
