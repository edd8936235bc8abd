"""The AT dialogue against what modems of three makers say, at their speed or not at all, with unasked lines between."""

from lib.modem.answer import Answer, fields
from lib.modem.dialogue import Dialogue
from lib.modem.errors import SENTENCES, ModemError
from lib.modem.lines import Lines

COMMON = {"AT": ["OK"], "ATE0": ["OK"], "AT+CMEE=1": ["OK"], "AT+CGDCONT": ["OK"], "AT+CPIN?": ["+CPIN: READY", "OK"]}


def table(base, **more):
    """A copy with other rows; a name that is none of Python's comes in `rows`."""
    rows = dict(base)
    rows.update(more.pop("rows", {}))
    rows.update(more)
    return rows


# As the makers' manuals show their modems: lines of each answer, what comes unasked among them
SIM800 = table(
    COMMON,
    rows={
        "AT": ["AT", "OK"],  # echo
        "ATE0": ["ATE0", "OK"],
        "AT+CGMI": ["SIMCOM_Ltd", "OK"],
        "AT+CGMM": ["Call Ready", "SIMCOM_SIM800L", "SMS Ready", "OK"],
        "AT+CGSN": ["866104023192342", "OK"],
        "AT+CSQ": ["+CSQ: 17,0", "OK"],
        "AT+CEREG?": ["ERROR"],
        "AT+CGREG?": ["+CGREG: 1", '*PSUTTZ: 2026,11,28,1,34,3,"+12",0', "+CGREG: 0,1", "OK"],
        "AT+COPS?": ['+COPS: 0,0,"TURKCELL"', "OK"],
        "ATD*99#": ["CONNECT"],
    },
)
SIM7600 = table(
    COMMON,
    rows={
        "AT+CGMI": ["SIMCOM INCORPORATED", "OK"],
        "AT+CGMM": ["SIMCOM_SIM7600E-H", "OK"],
        "AT+CGSN": ["861477030000001", "OK"],
        "AT+CPIN?": ["+CPIN: READY", "PB DONE", "OK"],
        "AT+CSQ": ["+CSQ: 99,99", "OK"],
        "AT+CEREG?": ["+CEREG: 0,5", "OK"],
        "AT+COPS?": ['+COPS: 0,0,"vodafone TR, 4G",7', "OK"],
        "ATD*99#": ["CONNECT 115200"],
    },
)
EC21 = table(
    COMMON,
    rows={
        "AT+CGMI": ["Quectel", "OK"],
        "AT+CGMM": ["EC21", "OK"],
        "AT+CGSN": ["+QIND: SMS DONE", "861107030000002", "OK"],
        "AT+CSQ": ['+QIND: "csq",31,99', "+CSQ: 31,99", "OK"],
        "AT+CEREG?": ["+CEREG: 2,0", "OK"],
        "AT+CGREG?": ['+CGREG: 2,1,"D509","80D413D",7', "OK"],
        "AT+COPS?": ["+COPS: 0", "OK"],
        "ATD*99#": ["CONNECT 150000000"],
    },
)


class Modem:
    """Answers a Dialogue out of a table; a row may be a list of rows, one for each time. `said`: what it was told."""

    def __init__(self, table, pin="", apn="internet", may_try=True):
        self.table, self.said, self.waited_ms = dict(table), [], 0
        self.tried, self.accepted = [], 0
        self._may_try = may_try
        self.dialogue = Dialogue(apn, pin, self._try, self._accept)

    def _try(self, pin):
        self.tried.append(pin)
        return self._may_try

    def _accept(self):
        self.accepted += 1

    def run(self, steps):
        answer = None
        while True:
            try:
                command, patience_ms = steps.send(answer)
            except StopIteration as end:
                return end.value
            answer = None
            if command:
                answer = self._answer(command)
                self.said.append(command)
            if answer is None or answer.final == "":
                self.waited_ms += patience_ms

    def _answer(self, command):
        row = self.table.get(command)
        if row is None:
            row = self.table.get(command.split("=")[0] if "CMEE" not in command else command, [])
        if row and isinstance(row[0], list):
            row = row.pop(0) if len(row) > 1 else row[0]
        answer, lines = Answer(command), Lines()
        for byte in ("\r\n" + "\r\n".join(row) + "\r\n").encode():
            text = lines.feed(byte)
            if text and answer.take(text):
                return answer
        answer.final = ""
        return answer

    def connect(self):
        """Return "" when it is connected, else the cause."""
        try:
            self.run(self.dialogue.connect())
            return ""
        except ModemError as error:
            assert error.sentence.startswith(SENTENCES[error.cause])
            return error.cause


def test_three_makers_modems_connect():
    expected = (
        (SIM800, "SIMCOM_Ltd", "SIMCOM_SIM800L", "866104023192342", "TURKCELL", -79, False),
        (SIM7600, "SIMCOM INCORPORATED", "SIMCOM_SIM7600E-H", "861477030000001", "vodafone TR, 4G", 0, True),
        (EC21, "Quectel", "EC21", "861107030000002", "", -51, False),
    )
    for table, maker, model, imei, operator, dbm, is_roaming in expected:
        modem = Modem(table, apn="m2m.net")
        assert modem.connect() == "", model
        found = modem.dialogue
        assert (found.maker, found.model, found.imei, found.operator) == (maker, model, imei, operator)
        assert (found.signal_dbm, found.is_roaming) == (dbm, is_roaming)
        assert modem.said[-2:] == ['AT+CGDCONT=1,"IP","m2m.net"', "ATD*99#"]
        assert not modem.tried and not modem.accepted


def test_what_fails_has_a_name():
    cases = (
        ("silent", "AT", []),
        ("no_sim", "AT+CPIN?", ["+CME ERROR: 10"]),
        ("no_sim", "AT+CPIN?", ["+CME ERROR: SIM not inserted"]),
        ("no_sim", "AT+CPIN?", ["+CME ERROR: 13"]),  # for ever
        ("sim_fault", "AT+CPIN?", ["+CME ERROR: 15"]),
        ("sim_fault", "AT+CPIN?", ["+CPIN: PH-NET PIN", "OK"]),
        ("puk", "AT+CPIN?", ["+CPIN: SIM PUK", "OK"]),
        ("pin_missing", "AT+CPIN?", ["+CPIN: SIM PIN", "OK"]),
        ("not_registered", "AT+CGREG?", ["+CGREG: 0,2", "OK"]),
        ("denied", "AT+CGREG?", ["+CGREG: 0,3", "OK"]),
        ("apn", "AT+CGDCONT", ["ERROR"]),
        ("no_carrier", "ATD*99#", ["NO CARRIER"]),
        ("no_carrier", "ATD*99#", ["+CME ERROR: 148"]),
        ("no_carrier", "ATD*99#", []),
    )
    for cause, command, row in cases:
        modem = Modem(table(SIM800, rows={command: row}))
        assert modem.connect() == cause, (cause, modem.said[-3:])
        assert "ATD*99#" not in modem.said or command == "ATD*99#"


def test_an_apn_cannot_say_something_else():
    modem = Modem(SIM800, apn='x"\r;+CPIN="1')
    assert modem.connect() == "apn" and not [said for said in modem.said if "CGDCONT" in said]


def test_a_pin_is_told_once_and_remembered_before():
    locked, ready = ["+CPIN: SIM PIN", "OK"], ["+CPIN: READY", "OK"]
    right = Modem(
        table(SIM800, rows={"AT+CPIN?": [locked, ["+CME ERROR: 14"], ready], "AT+CPIN": ["OK", "+CPIN: READY"]}), "0123"
    )
    assert right.connect() == "" and right.said.count('AT+CPIN="0123"') == 1
    assert (right.tried, right.accepted) == (["0123"], 1)
    for row in (["ERROR"], ["+CME ERROR: 16"], ["+CME ERROR: 3"], []):  # the last: no answer, and it asks again
        wrong = Modem(table(SIM800, rows={"AT+CPIN?": locked, "AT+CPIN": row}), "0123")
        assert wrong.connect() == "pin_wrong" and wrong.said.count('AT+CPIN="0123"') == 1
        assert (wrong.tried, wrong.accepted) == (["0123"], 0)
    again = Modem(table(SIM800, rows={"AT+CPIN?": locked, "AT+CPIN": ["OK"]}), "0123", may_try=False)
    assert again.connect() == "pin_tried" and 'AT+CPIN="0123"' not in again.said
    for pin in ("12", "123456789", "12a4", '1"23'):
        odd = Modem(table(SIM800, rows={"AT+CPIN?": locked, "AT+CPIN": ["OK"]}), pin)
        assert odd.connect() == "pin_wrong" and not odd.tried, "no card has such a one: no try is wasted"


def test_an_error_tells_no_pin():
    modem = Modem(table(SIM800, rows={"AT+CPIN?": ["+CPIN: SIM PIN", "OK"], "AT+CPIN": ["ERROR"]}), "4711")
    try:
        modem.run(modem.dialogue.connect())
        raise AssertionError("the PIN was wrong")
    except ModemError as error:
        assert "4711" not in error.sentence and "4711" not in repr(error)


def test_a_modem_still_in_data_mode_is_called_back():
    modem = Modem(table(SIM800, AT=[[], [], [], [], [], ["OK"]]))
    assert modem.connect() == "" and "+++" in modem.said[:7]


def test_a_card_and_a_network_may_take_their_time():
    modem = Modem(table(EC21, rows={"AT+CPIN?": [["+CME ERROR: 14"]] * 8 + [["+CPIN: READY", "OK"]]}))
    modem.table["AT+CGREG?"] = [["+CGREG: 2,2", "OK"]] * 20 + [["+CGREG: 2,3", "OK"]] * 5 + [['+CGREG: 2,5,"1","2",7', "OK"]]
    assert modem.connect() == "" and modem.dialogue.is_roaming
    assert 40000 < modem.waited_ms < 80000


def test_hanging_up():
    assert Modem({"+++": ["OK"], "ATH": ["OK"]}).run(Dialogue("", "", None, None).hang_up()) is True
    assert Modem({"+++": ["NO CARRIER"], "ATH": ["NO CARRIER", "OK"]}).run(Dialogue("", "", None, None).hang_up()) is False
    modem = Modem({})
    assert modem.run(Dialogue("", "", None, None).hang_up()) is False and modem.waited_ms >= 2400, "silence around +++"


def test_lines_are_bounded_and_noise_is_none():
    lines, told = Lines(), []
    for byte in b"\xff\x00\x80OK\r\n" + b"x" * 100000 + b"\r\nRING\n\n\r   \r":
        text = lines.feed(byte)
        if text:
            told.append(text)
    assert told == ["OK", "x" * 120, "RING"]


def test_an_answer_keeps_little_of_a_chatty_modem():
    answer = Answer("AT+CGMI")
    for _ in range(1000):
        assert not answer.take("nonsense without end")
    assert len(answer.lines) <= 4
    answer = Answer("AT+CSQ")
    for _ in range(1000):
        assert not answer.take("+CSQ: 1,2")
    assert len(answer.lines) <= 4


def test_fields():
    assert fields('0,0,"a,b",7') == ["0", "0", "a,b", "7"]
    assert fields("") == [""] and fields('1,"open') == ["1", "open"] and fields(",") == ["", ""]
