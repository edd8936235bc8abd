"""The block of IEEE floats of IE and MC meters (sheet, 4.7)."""

from tools.rig.words import t_float

_ROWS = (
    *((32484, "Uavg"), (32486, "Uppavg"), (32488, "Isum"), (32490, "P0"), (32492, "Q0"), (32494, "S0")),
    *((32496, "PF0"), (32498, "frequency"), (32500, "U1"), (32502, "U2"), (32504, "U3")),
    *((32508, "U12"), (32510, "U23"), (32512, "U31"), (32516, "I1"), (32518, "I2"), (32520, "I3")),
    *((32522, "Isum"), (32528, "Iavg"), (32530, "P1"), (32532, "P2"), (32534, "P3"), (32536, "P0")),
    *((32538, "Q1"), (32540, "Q2"), (32542, "Q3"), (32544, "Q0")),
    *((32546, "S1"), (32548, "S2"), (32550, "S3"), (32552, "S0")),
    *((32554, "PF1"), (32556, "PF2"), (32558, "PF3"), (32560, "PF0")),
    *((32570, "PA1"), (32572, "PA2"), (32574, "PA3"), (32576, "PA0"), (32584, "frequency")),
    # The current's distortion stands before the voltage's here, the other way round than in the integer block.
    *((32588, "THDI1"), (32590, "THDI2"), (32592, "THDI3"), (32594, "THDUp1"), (32596, "THDUp2"), (32598, "THDUp3")),
    (32658, "Tint"),
)
AREA = (32480, 32661)


def float_words(values, run_time_s):
    yield 32480, t_float(run_time_s)
    for register, name in _ROWS:
        if name in values:
            yield register, t_float(values[name])
