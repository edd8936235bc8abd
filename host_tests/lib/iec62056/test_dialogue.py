"""Sessions with meters of all modes: what is sent at which speed, what is asked again, and what ends them."""

from host_tests.lib.iec62056.iec_wire import SWITCH_ON, bcc, block, capture, framed, plain_values
from host_tests.lib.iec62056.meter_script import Script
from lib.iec62056.errors import FrameError, LocalError, PeerError
from lib.iec62056.sign_on import BINARY, PROGRAMMING

HELLO = b"/?!\r\n"
LGZ = b"/LGZ5ZMD120APt.G03\r\n"
DATA = block(b"1.8.0(001846.0*kWh)\r\n2.8.0(004329.6*kWh)\r\n!\r\n")
VALUES = [(b"1.8.0", b"001846.0*kWh"), (b"2.8.0", b"004329.6*kWh")]
BAD = DATA[:-1] + bytes((DATA[-1] ^ 1,))
ACK = b"\x06"
NAK = b"\x15"


def soh(command, data=None, end=b"\x03"):
    body = command + (b"" if data is None else b"\x02" + data) + end
    return b"\x01" + body + bcc(body)


P0 = soh(b"P0", b"(30863358)")
ENTER = ((HELLO, 300, LGZ), (b"\x06051\r\n", 300, P0))
P1 = soh(b"P1", b"(12345678)")
R5 = soh(b"R5", b"1.8.0()")


def fails(call, kind, reason):
    try:
        call()
        raise AssertionError("no error")
    except kind as error:
        assert error.args[0] == reason, error.args


def test_read_out_in_every_mode():
    for exchanges, settings, baud in (
        (((HELLO, 300, LGZ), (b"\x06050\r\n", 300, DATA)), {}, 9600),  # C
        (((HELLO, 300, LGZ), (b"\x06000\r\n", 300, DATA)), {"fastest": 4800}, 300),
        (((HELLO, 9600, LGZ), (b"\x06050\r\n", 9600, DATA)), {"opening": 9600}, 9600),  # fixed
        (((HELLO, 300, LGZ), (b"\x06056\r\n", 300, DATA)), {"what": 6}, 9600),  # a maker's packet
        (((HELLO, 300, b"/ABC x\r\n" + DATA),), {}, 300),  # A
        (((HELLO, 300, b"/ABCEx\r\n" + DATA),), {}, 9600),  # B
        (((HELLO, 300, b"/ABCIx\r\n" + DATA),), {}, 300),  # B, reserved speed
        (((b"/?80099921!\r\n", 300, LGZ), (b"\x06050\r\n", 300, DATA)), {"address": b"80099921"}, 9600),
        (((b"/405296170!\r\n", 300, LGZ + DATA),), {"address": b"05296170", "table": b"4", "what": None}, 300),
    ):
        for step in (64, 1):
            for echo in (False, True):
                for noise in (b"", SWITCH_ON):
                    script = Script(*[(sent, at, noise + answer) for sent, at, answer in exchanges], step=step, echo=echo)
                    script.dialogue.sign_on(**settings)
                    script.run()
                    assert script.heard == VALUES and script.dialogue.baud == baud, settings
                    assert not script.exchanges


def test_captures_as_meters_send_them():
    for name, line in (
        ("makel-c500.txt", b"/MSY5<1>C500.KMY.2556\r\n"),
        ("viko-vemm.txt", b"/VIK5<1>VEMM01405959\r\n"),
        ("mas-gen3-full.bin", b"/MAS5<3>VAN(M1.R1)\r\n"),
        ("landis-zmr120-k76.txt", None),
    ):
        data = framed(name)
        if line is None:
            at = data.find(b"\n") + 1
            line, data = data[:at], data[at:]
        script = Script((HELLO, 300, line), (b"\x060%c0\r\n" % line[4], 300, data), step=200)
        script.dialogue.sign_on()
        assert script.run().heard == plain_values(capture(name)), name
    kamstrup = capture("kamstrup-mc66.bin")
    script = Script((HELLO, 300, kamstrup[:-1] + b"\x3d"))
    script.dialogue.sign_on()
    assert len(script.run().heard) == 4
    script = Script((HELLO, 300, kamstrup), (NAK, 300, kamstrup[kamstrup.find(b"\x02") :]))
    script.dialogue.sign_on()
    fails(script.run, FrameError, "check")
    assert script.log == ["KAM", "again"]


def test_parity_is_made_and_checked():
    def even(data):
        return bytes([byte | (bin(byte).count("1") & 1) << 7 for byte in data])

    exchanges = [(even(sent), baud, even(answer)) for sent, baud, answer in ((HELLO, 300, LGZ), (b"\x06050\r\n", 300, DATA))]
    for echo in (False, True):
        script = Script(*exchanges, has_parity=True, echo=echo, step=1)
        script.dialogue.sign_on()
        assert script.run().heard == VALUES


def test_times():
    script = Script((HELLO, 300, LGZ), (b"\x06050\r\n", 300, DATA), step=4)
    script.dialogue.sign_on()
    script.run()
    assert script.pauses == [0, 200]
    assert script.waits[0] == 2500 and 1500 in script.waits and 5000 in script.waits
    script = Script((HELLO, 300, b"/LGz5x\r\n"), (b"\x06050\r\n", 300, DATA))
    script.dialogue.sign_on()
    assert script.run().pauses == [0, 20]
    # A battery meter is woken by 2.1 to 2.3 s of NUL, and asked 1.5 to 1.7 s later.
    for baud in (300, 2400, 9600):
        count = baud * 22 // 6400
        assert 2.1 <= count * 64 * 10 / baud <= 2.3
        script = Script(*[(bytes(64), baud, b"")] * count, (HELLO, baud, b"/ABC x\r\n" + DATA))
        script.dialogue.sign_on(opening=baud, wakes=True)
        assert script.run().heard == VALUES and 1500 <= script.pauses[-1] <= 1700
        assert script.pauses[:-1] == [0] * count


def test_sign_on_that_fails():
    for answer, reason in (
        (b"", "no answer"),
        (SWITCH_ON, "noise"),
        (LGZ[:-1], "truncated"),
        (b"/?!", "noise"),  # half an echo
        (b"\x9f\x33\x12", "noise"),
        (b"/12\r\n", "noise"),
    ):
        script = Script((HELLO, 300, answer))
        script.dialogue.sign_on()
        fails(script.run, FrameError, reason)
    # The meter does not change its speed, or at another time: nothing of sense comes.
    for answer, reason in ((b"", "no answer"), (b"\xf0\x1e\x00\xfe", "noise"), (DATA[:20], "truncated")):
        script = Script((HELLO, 300, LGZ), (b"\x06050\r\n", 300, answer))
        script.dialogue.sign_on()
        fails(script.run, FrameError, reason)
        fails(script.dialogue.next, LocalError, "nothing was started")
    # The next session works.
    script.exchanges = [(HELLO, 300, LGZ), (b"\x06000\r\n", 300, DATA)]
    script.dialogue.sign_on(fastest=300)
    assert script.run().heard == VALUES


def test_damaged_read_out_is_asked_for_once_more():
    script = Script((HELLO, 300, LGZ), (b"\x06050\r\n", 300, BAD), (NAK, 9600, DATA))
    script.dialogue.sign_on()
    assert script.run().heard == VALUES and script.log == ["LGZ", "again"]
    script = Script((HELLO, 300, LGZ), (b"\x06050\r\n", 300, BAD), (NAK, 9600, BAD))
    script.dialogue.sign_on()
    fails(script.run, FrameError, "check")
    assert not script.heard and not script.exchanges
    script = Script((HELLO, 300, LGZ), (b"\x06050\r\n", 300, BAD))
    script.dialogue.repeats = 0
    script.dialogue.sign_on()
    fails(script.run, FrameError, "check")
    # A meter that does not heed NAK
    script = Script((HELLO, 300, LGZ), (b"\x06050\r\n", 300, BAD), (NAK, 9600, b""))
    script.dialogue.sign_on()
    fails(script.run, FrameError, "check")  # what was wrong with its answer


def test_unasked_read_outs():
    data = capture("iskra-am550-p1.txt")
    script = Script()
    script.dialogue.listen(115200, 12000)
    script.coming = data
    assert script.run().heard == plain_values(data) and script.dialogue.baud == 115200
    assert script.waits[0] == 12000 and script.log == ["ISK"]
    script.coming = data[:300]
    fails(script.run, FrameError, "truncated")
    fails(script.run, FrameError, "no answer")  # the meter was unplugged
    script.coming = data
    script.heard = []
    assert script.run().heard == plain_values(data)


def entered(*exchanges, **settings):
    script = Script(*ENTER, *exchanges, **settings)
    script.dialogue.sign_on(what=PROGRAMMING)
    script.run()
    assert script.dialogue.operand == b"30863358" and script.dialogue.baud == 9600
    return script


def test_programming_mode():
    for echo in (False, True):
        for step in (64, 1):
            script = entered(
                (P1, 9600, ACK),
                (R5, 9600, block(b"1.8.0(001846.0*kWh)")),
                (soh(b"R1", b"1.8.1()"), 9600, block(b"(7*kWh)\r\n")),
                (soh(b"W2", b"0.9.1(13:30:35)"), 9600, ACK),
                (soh(b"E2", b"1.6.0()"), 9600, ACK),
                (soh(b"B0"), 9600, b""),
                echo=echo,
                step=step,
            )
            script.dialogue.password(b"12345678")
            assert script.run().heard == []
            for command, data in (
                (b"R5", b"1.8.0()"),
                (b"R1", b"1.8.1()"),
                (b"W2", b"0.9.1(13:30:35)"),
                (b"E2", b"1.6.0()"),
            ):
                script.dialogue.command(command, data)
                script.run()
            assert script.heard == [(b"1.8.0", b"001846.0*kWh"), (b"", b"7*kWh")]
            script.dialogue.break_off()
            script.run()
            assert not script.exchanges


def test_echo_behind_noise():
    for noise in (b"\x55", b"\x06", b"\x01", b"/", b"\xff\x33\x00"):
        for step in (64, 1):
            script = entered((R5, 9600, noise + R5 + block(b"1.8.0(1)")), step=step)
            script.dialogue.command(b"R5", b"1.8.0()")
            assert script.run().heard == [(b"1.8.0", b"1")], noise
    script = entered((R5, 9600, P0))
    script.dialogue.command(b"R5", b"1.8.0()")
    fails(script.run, FrameError, "other answer")


def test_operand_of_a_third_generation_meter():
    script = Script((HELLO, 300, LGZ), (b"\x06051\r\n", 300, soh(b"P0", b"(q83vEjRWeJA=)")), (soh(b"P3", b"(AB)"), 9600, ACK))
    script.dialogue.sign_on(what=PROGRAMMING)
    script.run()
    assert script.dialogue.operand == b"q83vEjRWeJA="
    script.dialogue.password(b"AB", b"P3")
    script.run()


def test_password_refused():
    for answer in (NAK, soh(b"B0"), block(b"(ER07)")):
        script = entered((P1, 9600, answer))
        script.dialogue.password(b"12345678")
        fails(script.run, PeerError, "password")
        assert not script.exchanges  # no second try


def test_programming_mode_that_is_not_entered():
    for answer, kind, reason in (
        (DATA, FrameError, "other answer"),
        (NAK, PeerError, "nak"),
        (soh(b"B0"), PeerError, "signed off"),
        (b"", FrameError, "no answer"),
        (P0[:-1], FrameError, "truncated"),
        (P0[:-1] + b"\x00", FrameError, "check"),
    ):
        script = Script((HELLO, 300, LGZ), (b"\x06051\r\n", 300, answer))
        script.dialogue.sign_on(what=PROGRAMMING)
        fails(script.run, kind, reason)


def test_refusals_and_errors_as_answers():
    script = entered((R5, 9600, NAK), (R5, 9600, block(b"1.8.0(1)")))
    script.dialogue.command(b"R5", b"1.8.0()")
    assert script.run().heard == [(b"1.8.0", b"1")] and script.pauses[-1] == 300
    for exchanges, command, text in (
        (((R5, 9600, NAK), (R5, 9600, NAK)), b"R5", "nak"),
        (((R5, 9600, block(b"1.8.0(ERROR)\r\n")),), b"R5", "ERROR"),
        (((R5, 9600, block(b"(ER05)")),), b"R5", "ER05"),
        (((R5, 9600, soh(b"B0")),), b"R5", "signed off"),
        (((soh(b"W5", b"1.8.0()"), 9600, block(b"(ER03)")),), b"W5", "ER03"),
    ):
        script = entered(*exchanges)
        script.dialogue.command(command, b"1.8.0()")
        fails(script.run, PeerError, text)
        assert not script.heard and not script.exchanges
    # It is over until something else is started; the session goes on.
    fails(script.dialogue.next, LocalError, "nothing was started")
    script.exchanges = [(R5, 9600, block(b"1.8.0(1)"))]
    script.dialogue.command(b"R5", b"1.8.0()")
    assert script.run().heard == [(b"1.8.0", b"1")]
    for command, answer in ((b"W5", block(b"1.8.0(1)")), (b"E2", P0)):
        script = entered((soh(command, b"1.8.0()"), 9600, answer))
        script.dialogue.command(command, b"1.8.0()")
        fails(script.run, FrameError, "other answer")


def test_damaged_answers_are_asked_for_again():
    good = block(b"1.8.0(1)")
    for bad in (good[:-1] + b"\x00", good[:5], b"\x55\x33", block(b"1.8.0(1")):
        script = entered((R5, 9600, bad), (NAK, 9600, bad), (NAK, 9600, bad), (NAK, 9600, good))
        script.dialogue.command(b"R5", b"1.8.0()")
        assert script.run().heard == [(b"1.8.0", b"1")] and script.log.count("again") == 3, bad
        script = entered((R5, 9600, bad), (NAK, 9600, bad), (NAK, 9600, bad), (NAK, 9600, bad))
        script.dialogue.command(b"R5", b"1.8.0()")
        fails(
            script.run,
            FrameError,
            "check" if len(bad) == len(good) else "truncated" if len(bad) == 5 else "noise" if len(bad) == 2 else "format",
        )
    script = entered((R5, 9600, b""))
    script.dialogue.command(b"R5", b"1.8.0()", 15000)
    fails(script.run, FrameError, "no answer")
    assert script.waits[-1] == 15000


def test_partial_blocks():
    r6 = soh(b"R6", b"P.01(;)")
    parts = [block(b"P.01(%d)\r\n" % number, b"\x04" if number < 3 else b"\x03") for number in range(4)]
    bad = parts[1][:-1] + b"\x00"
    for echo in (False, True):
        script = entered(
            *((r6, 9600, bad), (NAK, 9600, bad), (NAK, 9600, parts[0])),
            *((ACK, 9600, bad), (NAK, 9600, bad), (NAK, 9600, bad), (NAK, 9600, parts[1])),
            *((ACK, 9600, parts[2]), (ACK, 9600, parts[3])),
            echo=echo,
        )
        script.dialogue.command(b"R6", b"P.01(;)")
        script.run()
        assert script.heard == [(b"P.01", b"%d" % number) for number in range(4)]
        assert script.log.count("again") == 5 and not script.exchanges
    # What was good stays good when the rest does not come.
    script = entered((r6, 9600, parts[0]), (ACK, 9600, b""))
    script.dialogue.command(b"R6", b"P.01(;)")
    fails(script.run, FrameError, "no answer")
    assert script.heard == [(b"P.01", b"0")]


def test_sign_on_of_mode_e():
    hello = (HELLO, 300, b"/LGZ5\\2x\r\n")
    option = b"\x06252\r\n"
    for echo in (False, True):
        for step in (64, 1):
            for answer in (option, b""):  # some confirm, some do not
                script = Script(hello, (option, 300, answer), echo=echo, step=step)
                script.dialogue.sign_on(what=BINARY)
                script.run()
                assert script.dialogue.baud == 9600
    script = Script(hello, (option, 300, DATA))
    script.dialogue.sign_on(what=BINARY)
    fails(script.run, FrameError, "other answer")
    for line, what in ((LGZ, BINARY), (b"/KAM MC\r\n", BINARY), (b"/KAM MC\r\n", PROGRAMMING), (b"/ABCEx\r\n", PROGRAMMING)):
        script = Script((HELLO, 300, line))
        script.dialogue.sign_on(what=what)
        fails(script.run, PeerError, "mode")


def test_energomera():
    def summed(body):
        return body + bytes((sum(body) & 0x7F,))

    script = Script(
        (HELLO, 300, b"/EKT5CE301v11.8s4\r\n"),
        (b"\x06051\r\n", 300, b"\x01" + summed(b"P0\x02(777777)\x03")),
        (b"\x01" + summed(b"P1\x02(777777)\x03"), 9600, ACK),
        (b"\x01" + summed(b"R1\x02ET0PE()\x03"), 9600, b"\x02" + summed(b"ET0PE(123.45)\r\n\x03")),
    )
    script.dialogue.is_summed = True
    script.dialogue.sign_on(what=PROGRAMMING)
    script.run()
    script.dialogue.password(b"777777")
    script.run()
    script.dialogue.command(b"R1", b"ET0PE()")
    assert script.run().heard == [(b"ET0PE", b"123.45")]
