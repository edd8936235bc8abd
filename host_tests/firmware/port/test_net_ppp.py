"""The modem's driver over fakes of the ESP32's modules, and the service that leads it, in simulated time."""

import asyncio
import sys

sys.path.insert(0, "host_tests/fakes")  # a fake machine and network: see there
sys.path.insert(0, "boards/HT_G12")
import machine
import network as chip

from firmware.port import ppp_actions, uart_esp32
from firmware.port.esp32 import Platform
from firmware.services import modem
from firmware.state.settings import Settings
from host_tests.fakes.simulated_time import simulated
from host_tests.fakes.station import Memory


class Line:
    """A modem's UART: `answers` by command; what is not there has no answer. `asked`: (ms, command)."""

    stream = "the stream"

    def __init__(self, time, answers):
        self.time, self.answers, self.asked = time, answers, []
        self._waiting = b""

    async def send(self, frame):
        command = frame.decode().strip("\r")
        self.asked.append((self.time.passed_ms(), command))
        answer = self.answers.get(command.split("=")[0], self.answers.get(command))
        if answer is not None:
            self._waiting += ("\r\n" + answer + "\r\n").encode()

    def receive(self, view):
        part, self._waiting = self._waiting[: len(view)], self._waiting[len(view) :]
        view[: len(part)] = part
        return len(part)

    def discard(self):
        self._waiting = b""

    def dials(self):
        return [ms for ms, command in self.asked if command.startswith("ATD")]


def answers(**changed):
    table = {"AT": "OK", "ATE0": "OK", "AT+CMEE": "OK", "AT+CGMI": "X\r\nOK", "AT+CGMM": "Y\r\nOK", "AT+CGSN": "1\r\nOK"}
    table.update({"AT+CPIN?": "+CPIN: READY\r\nOK", "AT+CSQ": "+CSQ: 20,0\r\nOK", "AT+CEREG?": "+CEREG: 0,1\r\nOK"})
    table.update({"AT+COPS?": '+COPS: 0,0,"Net"\r\nOK', "AT+CGDCONT": "OK", "ATD*99#": "CONNECT", "+++": "OK", "ATH": "OK"})
    table.update(changed)
    return table


class Gateway:
    """What the service needs of one."""

    def __init__(self, time, table, **settings):
        machine.journal.clear()
        chip.journal.clear()
        self.platform = Platform(None)
        self.ppp = self.platform.lan
        self.ppp.line = self.line = Line(time, table)
        self.settings = Settings("", lambda path: Memory())
        self.settings.change(settings)
        self.events = self
        self.told = []
        self.marks = {}
        self.task = asyncio.create_task(modem.run(self))

    def add(self, kind, text):
        self.told.append(text)

    def document(self, path):
        gateway = self

        class Document:
            failure = None

            def load(self):
                return gateway.marks.get(path)

            def save(self, content):
                gateway.marks[path] = content

        return Document()


def test_what_the_board_has():
    machine.journal.clear()
    platform = Platform(None)
    assert (platform.network.mode, platform.lan.mode) == ("WiFi", "Modem")
    assert ("uart", 2) in machine.journal and machine.uarts[2].settings["rxbuf"] == 4096
    levels = machine.Pin.levels
    assert levels[23] == 0, "not held in reset"
    platform.lan.hold_reset(True)
    assert levels[23] == 1
    platform.lan.hold_reset(False)
    assert levels[23] == 0
    for dbm, lit in ((0, 0), (-113, 0), (-109, 1), (-90, 2), (-80, 3), (-51, 4)):
        platform.lan.measured(dbm)
        assert [levels[pin] == 0 for pin in (21, 22, 25, 26)] == [number < lit for number in range(4)], dbm


@simulated(modem, uart_esp32)
async def test_it_connects_when_it_is_wanted_and_lets_go_when_it_is_not(time):
    gateway = Gateway(time, answers(), modem_apn="m2m", modem_user="u", modem_password="p")
    await asyncio.sleep(60)
    assert not gateway.line.asked, "nobody wants it"
    ppp_actions.start(gateway.ppp)
    await asyncio.sleep(3)
    assert chip.journal == [("ppp", chip.PPP.SEC_CHAP, "u", "p")] and not gateway.ppp.look()
    driver = chip.PPP.made[-1]
    assert driver.stream == "the stream"
    driver.is_up = True
    await asyncio.sleep(1)
    assert gateway.ppp.look() and (gateway.ppp.address, gateway.ppp.dns_servers) == ("10.64.1.2", ("10.64.0.1",))
    assert (gateway.ppp.ssid, gateway.ppp.rssi) == ("Net", -73)
    before = driver.polls
    await asyncio.sleep(10)
    assert driver.polls - before >= 100, "what comes is taken before the UART's buffer is full"
    ppp_actions.leave(gateway.ppp)
    await asyncio.sleep(5)
    assert [command for _, command in gateway.line.asked[-2:]] == ["+++", "ATH"] and not gateway.ppp.look()
    gateway.task.cancel()


@simulated(modem, uart_esp32)
async def test_pauses_grow_and_the_modem_is_reset_now_and_then(time):
    table = answers()
    table["ATD*99#"] = "NO CARRIER"
    gateway = Gateway(time, table)
    ppp_actions.start(gateway.ppp)
    await asyncio.sleep(4000)
    dials = gateway.line.dials()
    pauses = [(after - before) // 1000 for before, after in zip(dials, dials[1:])]
    assert pauses[:6] == sorted(pauses[:6]) and pauses[0] <= 10 and 590 <= pauses[-1] <= 620, pauses
    assert len([entry for entry in machine.journal if entry == ("level", 23, 1)]) == len(dials) // 3
    assert len([text for text in gateway.told if "APN" in text]) == 1, "told once"
    gateway.settings.change({"modem_apn": "other"})
    await asyncio.sleep(5)
    assert len(gateway.line.dials()) == len(dials) + 1, "other settings are tried at once"
    gateway.task.cancel()


@simulated(modem, uart_esp32)
async def test_a_refused_login_and_no_address(time):
    gateway = Gateway(time, answers(), modem_user="u", modem_password="p")
    ppp_actions.start(gateway.ppp)
    await asyncio.sleep(3)
    chip.PPP.made[-1].error = -7
    await asyncio.sleep(2)
    assert "refused user or password" in gateway.told[-1]
    chip.PPP.made[-1].error = 0
    await asyncio.sleep(120)
    assert "gave no address" in gateway.told[-1]
    gateway.task.cancel()


@simulated(modem, uart_esp32)
async def test_a_ppp_that_does_not_end_is_replaced(time):
    gateway = Gateway(time, answers())
    ppp_actions.start(gateway.ppp)
    await asyncio.sleep(3)
    driver = chip.PPP.made[-1]
    driver.is_up = driver.is_slow = True
    await asyncio.sleep(1)
    ppp_actions.leave(gateway.ppp)
    await asyncio.sleep(10)
    assert gateway.line.asked[-1][1] == "ATD*99#", "the modem's answers would go to PPP"
    await asyncio.sleep(10)
    assert gateway.line.asked[-1][1] == "ATH"
    ppp_actions.start(gateway.ppp)
    await asyncio.sleep(3)
    assert chip.PPP.made[-1] is not driver and chip.journal[-1][0] == "ppp"
    gateway.task.cancel()


@simulated(modem, uart_esp32)
async def test_a_pin_is_marked_before_it_is_told(time):
    table = answers()
    table["AT+CPIN?"] = "+CPIN: SIM PIN\r\nOK"  # and no answer to the PIN: as if the power went
    gateway = Gateway(time, table, modem_pin="4711")
    ppp_actions.start(gateway.ppp)
    await asyncio.sleep(5)
    (mark,) = gateway.marks.values()
    assert mark["tried"] and "4711" not in str(mark)
    await asyncio.sleep(3000)
    assert len([command for _, command in gateway.line.asked if "4711" in command]) == 1
    gateway.settings.change({"modem_pin": "1234"})
    await asyncio.sleep(20)
    assert len([command for _, command in gateway.line.asked if "1234" in command]) == 1
    for pin in ("", "1234"):
        gateway.settings.change({"modem_pin": pin})
        await asyncio.sleep(20)
    assert len([command for _, command in gateway.line.asked if "1234" in command]) == 2, "somebody asked for it"
    gateway.task.cancel()
