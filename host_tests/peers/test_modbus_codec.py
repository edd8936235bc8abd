"""Our codec against pymodbus: each reads what the other writes, as a master and as a slave."""

import json
import os
import random
import subprocess

import pytest
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU, ExceptionResponse, bit_message, diag_message, file_message, mei_message, other_message
from pymodbus.pdu import register_message as register
from pymodbus.pdu.file_message import FileRecord

from conftest import TOP, interpreter

MASTER = FramerRTU(DecodePDU(False))
SLAVE = FramerRTU(DecodePDU(True))
EACH = 60  # random frames of each function


@pytest.fixture(scope="module", params=["64", "32"])
def ours(request):
    """Asks our codec, in MicroPython, a list of calls; see modbus_lines.py."""

    def ask(calls):
        done = subprocess.run(
            [interpreter(request.param), str(TOP / "host_tests" / "peers" / "modbus_lines.py")],
            input="".join(json.dumps(call) + "\n" for call in calls),
            env=dict(os.environ, MICROPYPATH=f"{TOP}:.frozen"),
            cwd=TOP,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(answers) == len(calls), (calls[len(answers)], done.stderr)
        return answers

    return ask


def exchanges():
    """Random exchanges: (our constructor's name, its arguments, pymodbus's request, the values read, pymodbus's reply)."""
    dice = random.Random(2)
    reads = (
        ("read_coils", bit_message.ReadCoilsRequest, bit_message.ReadCoilsResponse, 2000),
        ("read_discrete_inputs", bit_message.ReadDiscreteInputsRequest, bit_message.ReadDiscreteInputsResponse, 2000),
        ("read_holding_registers", register.ReadHoldingRegistersRequest, register.ReadHoldingRegistersResponse, 125),
        ("read_input_registers", register.ReadInputRegistersRequest, register.ReadInputRegistersResponse, 125),
    )
    for run in range(EACH):
        unit = dice.randint(1, 247)

        def sized(most, run=run):
            """Quantities with the limits among them, and an address that fits."""
            count = (1, most)[run] if run < 2 else dice.randint(1, most)
            return dice.randint(0, 0x10000 - count), count

        def words(count):
            return [dice.randint(0, 0xFFFF) for _ in range(count)]

        for name, asked, reply, most in reads:
            address, count = sized(most)
            if most == 2000:
                values = [bool(dice.randint(0, 1)) for _ in range(count)]
                answer = reply(bits=values, dev_id=unit)
            else:
                values = words(count)
                answer = reply(registers=values, dev_id=unit)
            yield name, (unit, address, count), asked(address=address, count=count, dev_id=unit), values, answer
        address, count = sized(1)
        bit = bool(dice.randint(0, 1))
        yield (
            "write_coil",
            (unit, address, bit),
            bit_message.WriteSingleCoilRequest(address=address, bits=[bit], dev_id=unit),
            None,
            bit_message.WriteSingleCoilResponse(address=address, bits=[bit], dev_id=unit),
        )
        (word,) = words(1)
        yield (
            "write_register",
            (unit, address, word),
            register.WriteSingleRegisterRequest(address=address, registers=[word], dev_id=unit),
            None,
            register.WriteSingleRegisterResponse(address=address, registers=[word], dev_id=unit),
        )
        address, count = sized(1968)
        bits = [bool(dice.randint(0, 1)) for _ in range(count)]
        yield (
            "write_coils",
            (unit, address, bits),
            bit_message.WriteMultipleCoilsRequest(address=address, bits=bits, dev_id=unit),
            None,
            bit_message.WriteMultipleCoilsResponse(address=address, count=count, dev_id=unit),
        )
        address, count = sized(123)
        values = words(count)
        yield (
            "write_registers",
            (unit, address, values),
            register.WriteMultipleRegistersRequest(address=address, count=count, registers=values, dev_id=unit),
            None,
            register.WriteMultipleRegistersResponse(address=address, count=count, dev_id=unit),
        )
        address, count = sized(125)
        write_address, write_count = sized(121)
        values, written = words(count), words(write_count)
        yield (
            "read_write_registers",
            (unit, address, count, write_address, written),
            register.ReadWriteMultipleRegistersRequest(address, count, write_address, written, dev_id=unit),
            values,
            register.ReadWriteMultipleRegistersResponse(registers=values, dev_id=unit),
        )


# What a TCP client may pass through besides: request and reply.
PASSED_THROUGH = (
    (other_message.ReadExceptionStatusRequest(17), other_message.ReadExceptionStatusResponse(17, status=0x6D)),
    (diag_message.ReturnQueryDataRequest(0xA537, 17), diag_message.ReturnQueryDataResponse(0xA537, 17)),
    (diag_message.ReturnBusMessageCountRequest(0, 17), diag_message.ReturnBusMessageCountResponse(513, 17)),
    (other_message.GetCommEventCounterRequest(17), other_message.GetCommEventCounterResponse(17, count=0x108)),
    (
        other_message.GetCommEventLogRequest(17),
        other_message.GetCommEventLogResponse(status=True, message_count=0x121, event_count=8, events=[32, 0], dev_id=17),
    ),
    (other_message.ReportDeviceIdRequest(17), other_message.ReportDeviceIdResponse(b"IE38MD X0000124", dev_id=17)),
    (register.MaskWriteRegisterRequest(4, 0xF2, 0x25, 17), register.MaskWriteRegisterResponse(4, 0xF2, 0x25, 17)),
    (
        file_message.ReadFileRecordRequest([FileRecord(file_number=4, record_number=1, record_length=2)], 17),
        file_message.ReadFileRecordResponse([FileRecord(record_data=b"\x0d\xfe\x00\x20")], 17),
    ),
    (
        file_message.WriteFileRecordRequest([FileRecord(file_number=4, record_number=7, record_data=b"\x06\xaf\x04\xbe")], 17),
        file_message.WriteFileRecordResponse([FileRecord(file_number=4, record_number=7, record_data=b"\x06\xaf\x04\xbe")], 17),
    ),
    (file_message.ReadFifoQueueRequest(0x4DE, 17), file_message.ReadFifoQueueResponse([0x1B8, 0x1284], 17)),
    (
        mei_message.ReadDeviceInformationRequest(1, 0, 17),
        mei_message.ReadDeviceInformationResponse(1, {0: b"Iskra", 1: b"WM3M4C", 2: b"1.23"}, 17),
    ),
)


def frame_of(framer, message):
    return framer.buildFrame(message).hex()


def test_our_requests_are_theirs(ours):
    cases = list(exchanges())
    answers = ours([("build", (name, arguments)) for name, arguments, *_ in cases])
    for (name, arguments, asked, _, reply), (frame, size) in zip(cases, answers, strict=True):
        assert frame == frame_of(MASTER, asked), (name, arguments)
        assert size == len(SLAVE.buildFrame(reply)), (name, arguments)


def test_we_read_their_replies(ours):
    cases = [(asked, reply) for _, _, asked, _, reply in exchanges()] + list(PASSED_THROUGH)
    frames = [(frame_of(MASTER, asked), frame_of(SLAVE, reply)) for asked, reply in cases]
    for (asked, reply), pdu in zip(frames, ours([("read", frame) for frame in frames]), strict=True):
        assert pdu == reply[2:-4], asked


def test_we_read_their_exceptions(ours):
    cases = [
        (asked, ExceptionResponse(asked.function_code, code, device_id=asked.dev_id))
        for (_, _, asked, _, _), code in zip(exchanges(), (1, 2, 3, 4, 5, 6, 7, 8, 10, 11) * 9, strict=False)
    ]
    answers = ours([("read", (frame_of(MASTER, asked), frame_of(SLAVE, reply))) for asked, reply in cases])
    assert answers == [reply.exception_code for _, reply in cases]


def test_we_take_their_requests(ours):
    cases = [(name, arguments, asked) for name, arguments, asked, _, _ in exchanges()]
    answers = ours([("take", (asked.dev_id, frame_of(MASTER, asked))) for _, _, asked in cases])
    for (name, arguments, asked), (function, address, count, values) in zip(cases, answers, strict=True):
        assert function == asked.function_code
        assert address == arguments[1], name
        if name.startswith("read"):
            assert count == arguments[2], name
        elif name.endswith("s"):
            assert isinstance(arguments[2], list) and count == len(arguments[2]), name
        else:
            assert count == 1, name
        written = getattr(asked, "write_registers", None) or asked.registers
        if written:
            assert bytes.fromhex(values) == b"".join(word.to_bytes(2, "big") for word in written), name
        elif asked.bits:
            packed = sum(bit << index for index, bit in enumerate(asked.bits))
            sent = int.from_bytes(bytes.fromhex(values), "little")
            assert sent == (packed if function == 15 else 0xFF * packed), name


def test_they_read_our_replies(ours):
    cases = list(exchanges())
    answers = ours(
        [
            ("answer", (asked.dev_id, asked.function_code, frame_of(MASTER, asked)[2:-4] if values is None else values))
            for _, _, asked, values, _ in cases
        ]
    )
    for (name, _, asked, values, reply), frame in zip(cases, answers, strict=True):
        assert frame == frame_of(SLAVE, reply), name
        used, message = MASTER.handleFrame(bytes.fromhex(frame), asked.dev_id, 0)
        assert used == len(frame) // 2 and message is not None, name
        assert message.function_code == asked.function_code
        if values is not None:
            assert values in (message.registers, message.bits[: len(values)]), name


def test_they_read_our_exceptions(ours):
    codes = (1, 2, 3, 4, 5, 6, 7, 8, 10, 11)
    for code, frame in zip(codes, ours([("answer", (33, 4, code)) for code in codes]), strict=True):
        _, message = MASTER.handleFrame(bytes.fromhex(frame), 33, 0)
        assert (message.function_code, message.exception_code) == (0x84, code)
