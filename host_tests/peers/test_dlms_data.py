"""Our DLMS data against PyPI's dlms-cosem and gurux_dlms: each reads what the other wrote, to the same values."""

import json
import os
import struct
import subprocess
from datetime import datetime, timedelta, timezone
from fractions import Fraction

import pytest
from dlms_cosem import dlms_data as cosem
from dlms_cosem import time as cosem_time
from gurux_dlms import GXByteBuffer
from gurux_dlms.enums import DataType
from gurux_dlms.GXDLMSSettings import GXDLMSSettings
from gurux_dlms.internal._GXCommon import _GXCommon
from gurux_dlms.internal._GXDataInfo import _GXDataInfo
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import TOP, interpreter

EXAMPLES = settings(max_examples=150, deadline=None, derandomize=True)
INTEGERS = {
    # kind of ours: class of dlms-cosem, tag, least, most
    "i8": (cosem.IntegerData, 15, -(1 << 7), (1 << 7) - 1),
    "i16": (cosem.LongData, 16, -(1 << 15), (1 << 15) - 1),
    "i32": (cosem.DoubleLongData, 5, -(1 << 31), (1 << 31) - 1),
    "i64": (cosem.Long64Data, 20, -(1 << 63), (1 << 63) - 1),
    "u8": (cosem.UnsignedIntegerData, 17, 0, (1 << 8) - 1),
    "u16": (cosem.UnsignedLongData, 18, 0, (1 << 16) - 1),
    "u32": (cosem.DoubleLongUnsignedData, 6, 0, (1 << 32) - 1),
    "u64": (cosem.UnsignedLong64Data, 21, 0, (1 << 64) - 1),
    "enum": (cosem.EnumData, 22, 0, 255),
}


def integer(kind):
    _, _, least, most = INTEGERS[kind]
    return st.tuples(st.just(kind), st.integers(least, most) | st.sampled_from((least, most)))


NUMBERS = st.sampled_from(sorted(INTEGERS)).flatmap(integer)
SIMPLE = (
    NUMBERS
    | st.just(("null", None))
    | st.tuples(st.just("boolean"), st.booleans())
    | st.tuples(st.just("octets"), st.binary(max_size=300))
    | st.tuples(st.just("text"), st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=140))
)
VALUES = st.recursive(
    SIMPLE, lambda inner: st.tuples(st.sampled_from(("array", "structure")), st.lists(inner, max_size=9)), max_leaves=40
)


@pytest.fixture(scope="module", params=["64", "32"])
def ours(request):
    """Asks our codec, in MicroPython, one call; see dlms_data_lines.py."""
    process = subprocess.Popen(
        [interpreter(request.param), "-X", "heapsize=4m", str(TOP / "host_tests" / "peers" / "dlms_data_lines.py")],
        env=dict(os.environ, MICROPYPATH=f"{TOP}:.frozen"),
        cwd=TOP,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:

        def ask(*call):
            process.stdin.write(json.dumps((call[0], call[1:])) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            assert answer, call
            return json.loads(answer)

        yield ask
        process.stdin.close()


def theirs(value):
    """The octets that dlms-cosem writes for a value of ours; what it cannot write (null, boolean) is as the standard has it."""
    kind, content = value
    if kind in ("array", "structure"):
        head = bytes((1 if kind == "array" else 2,)) + cosem.encode_variable_integer(len(content))
        return head + b"".join(map(theirs, content))
    if kind == "null":
        return b"\0"
    if kind == "boolean":
        return bytes((3, content))
    if kind in INTEGERS:
        return INTEGERS[kind][0](content).to_bytes()
    return {"octets": cosem.OctetStringData, "text": cosem.VisibleStringData}[kind](content).to_bytes()


def plain(value):
    """What our decoder shall tell of a value."""
    kind, content = value
    if kind in ("array", "structure"):
        return [plain(element) for element in content]
    if kind == "octets":
        return content.hex()
    return content.encode().hex() if kind == "text" else content


def as_json(value):
    kind, content = value
    if kind in ("array", "structure"):
        return kind, [as_json(element) for element in content]
    return kind, plain(value) if kind in ("octets", "text") else content


def depth(value):
    return 1 + max(map(depth, value[1]), default=0) if value[0] in ("array", "structure") else 0


def python(value):
    kind, content = value
    return [python(element) for element in content] if kind in ("array", "structure") else content


@EXAMPLES
@given(value=VALUES, step=st.integers(1, 40))
def test_what_dlms_cosem_writes_is_read(ours, value, step):
    expected = plain(value) if depth(value) <= 8 else "depth"
    assert ours("read", theirs(value).hex(), step) == expected


@EXAMPLES
@given(value=VALUES)
def test_what_we_write_dlms_cosem_reads(ours, value):
    octets = bytes.fromhex(ours("write", as_json(value)))
    assert octets == theirs(value)
    (read,) = cosem.DlmsDataParser().parse(octets)
    assert read.to_python() == python(value)


def gurux(octets):
    return _GXCommon.getData(GXDLMSSettings(False, None), GXByteBuffer(octets), _GXDataInfo())


@EXAMPLES
@given(data=st.data(), kinds=st.lists(st.sampled_from(sorted(set(INTEGERS))), min_size=1, max_size=6), step=st.integers(1, 40))
def test_compact_arrays_are_read_as_gurux_reads_them(ours, data, kinds, step):
    rows = data.draw(st.lists(st.tuples(*[integer(kind) for kind in kinds]), max_size=12))
    contents = b"".join(theirs(value)[1:] for row in rows for value in row)
    types = bytes(INTEGERS[kind][1] for kind in kinds)
    description = types if len(kinds) == 1 else bytes((2, len(kinds))) + types
    octets = b"\x13" + description + cosem.encode_variable_integer(len(contents)) + contents
    expected = [plain(row[0]) if len(kinds) == 1 else [plain(value) for value in row] for row in rows]
    assert ours("read", octets.hex(), step) == expected
    if rows:
        assert gurux(octets) == expected


@EXAMPLES
@given(bits=st.text("01", min_size=1, max_size=200), step=st.integers(1, 40))
def test_bits_that_gurux_writes(ours, bits, step):
    buffer = GXByteBuffer()
    _GXCommon.setData(GXDLMSSettings(False, None), buffer, DataType.BITSTRING, bits)
    octets, count = ours("read", bytes(buffer.array()).hex(), step)
    assert count == len(bits)
    assert f"{int(octets, 16):0{len(octets) * 4}b}"[:count] == bits


@EXAMPLES
@given(value=st.floats(width=32), step=st.integers(1, 5))
def test_single_precision(ours, value, step):
    octets = b"\x17" + struct.pack(">f", value)
    check_float(ours("read", octets.hex(), step), value, ">f")


@EXAMPLES
@given(value=st.floats(), step=st.integers(1, 9))
def test_double_precision(ours, value, step):
    octets = b"\x18" + struct.pack(">d", value)
    check_float(ours("read", octets.hex(), step), value, ">d")


def check_float(read, value, form):
    """What we read, as a decimal, is this float and no other; what is no number is told as none."""
    if value != value or value in (float("inf"), float("-inf")):
        assert read is None
        return
    mantissa, exponent = read
    assert struct.pack(form, float(Fraction(mantissa) * Fraction(10) ** exponent) + 0.0) == struct.pack(form, value + 0.0)
    assert mantissa % 10 or (mantissa, exponent) == (0, 0)


MOMENTS = st.datetimes(datetime(1970, 1, 3), datetime(2105, 12, 29)).map(lambda time: time.replace(microsecond=0))  # noqa: DTZ001


@EXAMPLES
@given(time=MOMENTS, offset=st.integers(-720, 720))
def test_times(ours, time, offset):
    time = time.replace(tzinfo=timezone(timedelta(minutes=offset)))
    octets = cosem_time.datetime_to_bytes(time)
    fields, unix_s = ours("time", octets.hex(), 0)
    assert unix_s == int(time.timestamp())
    assert fields[:3] == [time.year, time.month, time.day]
    assert fields[4:7] == [time.hour, time.minute, time.second]
    read, _ = cosem_time.datetime_from_bytes(bytes.fromhex(ours("written_time", unix_s, offset)))
    assert (read if offset else read.replace(tzinfo=timezone.utc)) == time  # no deviation and one of 0 are the same to it
