"""Numbers as the SG writes them: the tables of the device sheet, 6.3, 6.4 and 14, and what they leave open."""

from firmware.services import sg_text
from firmware.state.readings import CAPACITIVE, INDUCTIVE, UNITS
from host_tests.modbus_oracle import noise
from lib.http.response import Response
from lib.modbus.registers import int16, int32, t5, t6, t7

response = Response()

# Register words, type, unit, text: 6.3 and the manual's 3.6.1; rounded where the original cut
WORDS = (
    ("FD00C35A", t5, "Hz", "50.01 "),
    ("FE005622", t5, "V", "220.5 V"),
    ("FD00004A", t5, "A", "0.074 A"),
    ("FC0002E8", t5, "A", "0.074 A"),
    ("FF000041", t6, "W", "6.5 W"),
    ("FFFFFEEB", t6, "var", "-27.7 var"),
    ("FFFFFFA6", t6, "var", "-9.0 var"),
    ("FF01869F", t6, "W", "9999.9 W"),
    ("FF00F80C", t5, "V", "6.35 kV"),
    ("FF01E240", t6, "W", "12.346 k W"),
    ("FDFE1DC0", t6, "W", "-123.46 W"),
    ("FD800000", t6, "W", "-8388.61 W"),
    ("FDFFFFFF", t5, "VA", "16.777 k VA"),
    ("03000005", t6, "W", "5000.0 W"),
)

# mantissa, exponent, unit, text
VALUES = (
    (0, 0, "V", "0.0 V"),
    (0, -3, "W", "0.0 W"),
    (0, 12, "W", "0.0 W"),
    (0, -127, "Hz", "0.0 "),
    # Rounding half up, and what it carries over
    (4, -4, "W", "0.0 W"),
    (-4, -4, "W", "0.0 W"),
    (5, -4, "W", "0.001 W"),
    (-5, -4, "W", "-0.001 W"),
    (999994, -4, "V", "99.999 V"),
    (999995, -4, "V", "100.0 V"),
    (999996, -4, "V", "100.0 V"),
    (99994, -2, "V", "999.94 V"),
    (999994, -3, "V", "999.99 V"),
    (999995, -3, "V", "1.0 kV"),
    (-999995, -3, "V", "-1.0 kV"),
    (999996, -2, "W", "9999.96 W"),
    (9999994, -3, "W", "9999.99 W"),
    (9999995, -3, "W", "10.0 k W"),
    (9999999, 0, "W", "10.0 M W"),
    (99994, -3, "Hz", "99.994 "),
    (999996, -4, "Hz", "0.1 k"),
    # Decimals by the size of the integer part, zeros at the end
    (99999, -3, "A", "99.999 A"),
    (100001, -3, "A", "100.0 A"),
    (12345678, -4, "W", "1234.57 W"),
    (1200, -3, "A", "1.2 A"),
    (1020, -3, "A", "1.02 A"),
    (1000, 0, "V", "1.0 kV"),
    (10000, 0, "W", "10.0 k W"),
    (123456, 1, "VA", "1234.56 k VA"),
    (1234, 0, "A", "1.234 k A"),
    (5, 9, "W", "5000.0 M W"),
    (-5, 11, "var", "-500.0 G var"),
    (8388607, 6, "W", "8388.61 G W"),
    (16777215, 12, "W", "16777215 T W"),
    (16777215, 8, "V", "1677.72 TV"),
    (123456, 11, "W", "12345.6 T W"),
    # Exponents that no meter sends
    (1, 13, "W", "N/A"),
    (-1, 127, "V", "N/A"),
    (16777215, -127, "V", "0.0 V"),
    (16777215, -10, "V", "0.002 V"),
    (-16777215, -12, "V", "0.0 V"),
)

POWER_FACTORS = (
    # words, text
    ("00FF084C", "0.2124 Cap"),
    ("00002710", "1.0 Ind"),
    ("FF001ED2", "0.7890 Ind"),
    ("00FF088E", "0.2190 Cap"),
    ("00000200", "0.0512 Ind"),
    ("FFFF0001", "0.0001 Cap"),
    ("00000000", "0.0 Ind"),
    ("FFFF2710", "1.0 Cap"),
    ("0000270F", "0.9999 Ind"),
    ("00002711", "1.0001 Ind"),
)

HUNDREDTHS = (
    ("E1F5", "-76.91"),
    ("0E56", "36.70"),
    ("00FA", "2.50"),
    ("0000", "0.00"),
    ("FFFF", "-0.01"),
    ("FF9D", "-0.99"),
    ("FF9C", "-1.00"),
    ("0005", "0.05"),
    ("7FFF", "327.67"),
    ("8000", "-327.68"),
)

COUNTERS = (
    # mantissa, exponent, unit, text
    (2, 2, "Wh", "0.2 kWh"),
    (0, 2, "varh", "0.0 kvarh"),
    (0, 1, "", "0.00 k"),
    (123456, 1, "Wh", "1234.56 kWh"),
    (123456, 3, "Wh", "123.456 MWh"),
    (-12, 1, "Wh", "-0.12 kWh"),
    (-100, 1, "Wh", "-1.00 kWh"),
    (-1, 0, "Wh", "-0.001 kWh"),
    (5, -3, "VAh", "0.005 VAh"),
    # The table of exponents
    (123456, -4, "Wh", "N/A"),
    (123456, -3, "Wh", "123.456 Wh"),
    (123456, -2, "Wh", "1234.56 Wh"),
    (123456, -1, "Wh", "12345.6 Wh"),
    (123456, 0, "Wh", "123.456 kWh"),
    (123456, 2, "Wh", "12345.6 kWh"),
    (123456, 4, "Wh", "1234.56 MWh"),
    (123456, 5, "Wh", "12345.6 MWh"),
    (123456, 6, "Wh", "123.456 GWh"),
    (123456, 7, "Wh", "1234.56 GWh"),
    (123456, 8, "Wh", "12345.6 GWh"),
    (123456, 9, "Wh", "123.456 TWh"),
    (123456, 10, "Wh", "1234.56 TWh"),
    (123456, 11, "Wh", "12345.6 TWh"),
    (123456, 12, "Wh", "N/A"),
    (1, 127, "Wh", "N/A"),
    # More digits than a float of the ESP32 has
    (2000000000, 0, "Wh", "2000000.000 kWh"),
    (2000000001, 3, "Wh", "2000000.001 MWh"),
    (123456789, -1, "Wh", "12345678.9 Wh"),
    (16777217, 0, "Wh", "16777.217 kWh"),
    (2147483647, -3, "Wh", "2147483.647 Wh"),
    (-2147483648, 1, "Wh", "-21474836.48 kWh"),
)

# The sheet, 7.4: base units; mantissa, exponent, unit, text
BASE = (
    (22050, -2, "V", "220.5 V"),
    (63500, -1, "V", "6350.0 V"),
    (50010, -3, "Hz", "50.01"),
    (744, -4, "A", "0.074 A"),
    (-277, -1, "var", "-27.7 var"),
    (123456, -1, "W", "12345.6 W"),
    (-123456, -3, "W", "-123.456 W"),
    (5, 3, "W", "5000.0 W"),
    (16777215, -3, "VA", "16777.215 VA"),
    (-8388608, 6, "W", "-8388608000000.0 W"),
    (16777215, 11, "VA", "1677721500000000000.0 VA"),
    (1, -3, "A", "0.001 A"),
    (10, -3, "A", "0.01 A"),
    (1001, -3, "A", "1.001 A"),
    # Zero keeps its unit and has no sign
    (0, 0, "W", "0.0 W"),
    (0, -3, "Hz", "0.0"),
    (0, 127, "W", "0.0 W"),
    (-4, -4, "W", "0.0 W"),
    (16777215, -127, "V", "0.0 V"),
    # Half up, and what it carries over
    (4, -4, "W", "0.0 W"),
    (5, -4, "W", "0.001 W"),
    (-5, -4, "W", "-0.001 W"),
    (99995, -4, "A", "10.0 A"),
    (9999, -4, "A", "1.0 A"),
    (-99994, -5, "A", "-1.0 A"),
    (16777215, -10, "V", "0.002 V"),
)

# 7.6: mantissa, exponent, JSON
EXACT = (
    (123456, -1, "12345.6"),
    (2, 2, "200"),
    (0, 0, "0"),
    (0, -2, "0.00"),
    (0, 6, "0"),
    (-1, -3, "-0.001"),
    (-100, 1, "-1000"),
    (1, -3, "0.001"),
    (16777217, 0, "16777217"),
    (2147483647, -3, "2147483.647"),
    (-2147483648, 6, "-2147483648000000"),
    (4294967295, -1, "429496729.5"),
    (4294967295, 11, "429496729500000000000"),
    (123456789, -9, "0.123456789"),
    (1, 12, "null"),
    (1, -10, "null"),
    (1, None, "null"),
)


def text(put, *arguments):
    """What the function puts, without its quotes."""
    found = written(put, *arguments)
    assert found[0] == found[-1] == '"'
    return found[1:-1]


def written(put, *arguments):
    response.clear(None)
    free, room = response.free(), response.room
    put(response, *arguments)
    return bytes(free[: room - response.room]).decode()


def test_words():
    for words, decode, unit, expected in WORDS:
        mantissa, exponent = decode(bytes.fromhex(words), 0)
        assert text(sg_text.put_value, mantissa, exponent, UNITS.index(unit)) == expected, words


def test_values():
    for mantissa, exponent, unit, expected in VALUES:
        assert text(sg_text.put_value, mantissa, exponent, UNITS.index(unit)) == expected, (mantissa, exponent, unit)


def test_power_factors():
    for words, expected in POWER_FACTORS:
        value, is_export, is_capacitive = t7(bytes.fromhex(words), 0)
        found = text(sg_text.put_power_factor, -value if is_export else value, CAPACITIVE if is_capacitive else INDUCTIVE)
        assert found == expected, words


def test_hundredths():
    for words, expected in HUNDREDTHS:
        assert text(sg_text.put_hundredths, int16(bytes.fromhex(words), 0)) == expected, words


def test_counters():
    for mantissa, exponent, unit, expected in COUNTERS:
        assert text(sg_text.put_counter, mantissa, exponent, UNITS.index(unit)) == expected, (mantissa, exponent)


def test_no_digit_of_an_energy_is_lost():
    pool = noise(4 * 300, seed=3)
    for run in range(300):
        mantissa = int32(pool, 4 * run)
        exponent = run % 15 - 3
        found = text(sg_text.put_counter, mantissa, exponent, UNITS.index("Wh"))
        number, unit = found.split(" ")
        whole, _, decimals = number.partition(".")
        assert int(whole + decimals) == mantissa, (mantissa, exponent, found)
        assert 3 * ("", "k", "M", "G", "T").index(unit[:-2]) - len(decimals) == exponent, (mantissa, exponent, found)


def test_rules_hold_for_any_value():
    """At most half a unit of the last digit is lost; digits before and behind the point are as many as the rules allow."""
    pool = noise(4 * 500, seed=7)
    for run in range(500):
        unit = ("Hz", "V", "A", "W", "var", "VA")[run % 6]
        mantissa = t6(pool, 4 * run)[0]
        exponent = run % 17 - 8
        found = text(sg_text.put_value, mantissa, exponent, UNITS.index(unit))
        number, _, behind = found.partition(" ")
        prefix = ("", "k", "M", "G", "T").index(behind[:1] if behind[:1] in "kMGT" else "")
        whole, _, decimals = number.lstrip("-").partition(".")
        scale = 3 * prefix - len(decimals)
        shown = int(whole + decimals) * 10 ** (scale + 20)
        assert abs(shown - abs(mantissa) * 10 ** (exponent + 20)) * 2 <= 10 ** (scale + 20), (mantissa, exponent, found)
        assert number.startswith("-") is (mantissa < 0 and shown > 0), found
        assert prefix == 4 or len(whole) <= {"Hz": 2, "V": 3, "A": 3}.get(unit, 4), found
        allowed = 3 if len(whole) < 3 else 2 if len(whole) < 5 else 1 if len(whole) < 6 else 0
        assert len(decimals) <= allowed and (len(decimals) < 2 or decimals[-1] != "0"), found


def test_base_units():
    for mantissa, exponent, unit, expected in BASE:
        assert text(sg_text.put_base, mantissa, exponent, UNITS.index(unit)) == expected, (mantissa, exponent, unit)


def test_exact_numbers():
    for mantissa, exponent, expected in EXACT:
        assert written(sg_text.put_exact, mantissa, exponent) == expected, (mantissa, exponent)
