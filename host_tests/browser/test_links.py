"""The cards of the links: what they tell, the button that tries the settings, for whom it is there."""

import re
import threading

import pytest
from playwright.sync_api import expect

from host_tests.browser.chromium import DESKTOP, PASSWORD, PHONE, Visitor, chromium
from host_tests.gateway import eventually, gateway
from host_tests.mosquitto import Mosquitto
from host_tests.mqtt_process import CONNACK, FakeBroker

SMALL = (320, 640)
WHERE = "#/settings/Communication"
OFF = {"push1_protocol": 0, "push2_protocol": 0, "mqtt1_server": "", "mqtt2_server": "", "gateway_pushlink": 0}


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def rig():
    with gateway(32, meters=[]) as rig:
        yield rig


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with Mosquitto(tmp_path_factory.mktemp("broker"), users={"sg": "secret"}) as broker:
        yield broker


def save(visitor, **settings):
    answer = visitor.page.request.patch(visitor.home + "/api/settings", data=settings)
    assert answer.status == 200, answer.text()


def card_of(page, number=1):
    return page.locator("section.card", has=page.locator(f"#link{number}"))


def fact(card, name):
    return card.locator(f"dt:text-is('{name}') + dd")


def settings_of(broker, number=1, password="secret"):
    return {
        f"mqtt{number}_server": "127.0.0.1",
        f"mqtt{number}_port": broker.port,
        f"push{number}_protocol": 1,
        f"mqtt{number}_username": "sg",
        f"mqtt{number}_password": password,
    }


def test_the_states_and_the_button(rig, browser, broker):
    with Visitor(browser, rig) as visitor:
        visitor.be_admin()
        page = visitor.open(WHERE)
        card = card_of(page)
        expect(card.get_by_role("heading")).to_have_text(re.compile("Link 1: ○ Off"))
        expect(card).to_contain_text("needs a server and a push protocol")
        expect(card.get_by_role("button")).to_have_count(0)
        save(visitor, **settings_of(broker), gateway_pushlink=1, gateway_pushintv=1)
        try:
            expect(card.get_by_role("heading")).to_have_text(re.compile("Link 1: ● Connected"))
            expect(fact(card, "Connected since")).to_have_text(re.compile(r"\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d"))
            expect(fact(card, "Readings sent")).to_have_text(re.compile("[1-9]"))
            expect(fact(card, "Readings lost")).to_have_text("0")
            button = card.get_by_role("button", name="Test connection")
            button.click()
            expect(card.get_by_role("status")).to_contain_text("✓ The connection works: the broker let the gateway in.")
            expect(button).to_be_focused()
            save(visitor, mqtt1_password="wrong")
            expect(card.get_by_role("heading")).to_have_text(re.compile("Error, trying again"))
            expect(fact(card, "Last error")).to_contain_text("check user name and password.")
            button.click()
            expect(card.get_by_role("status")).to_contain_text("✕ The broker does not let this user in: check user name and")
            expect(fact(card, "Waiting to be sent")).to_have_text(re.compile("[1-9]"))
            visitor.shot("links-wrong-password")
            expect(card_of(page, 2).get_by_role("heading")).to_have_text(re.compile("Off"))
            visitor.open("#/status")
            expect(page.get_by_text("Error, trying again")).to_be_visible()
        finally:
            save(visitor, **OFF)


def test_one_runs_and_the_buttons_wait(rig, browser):
    go_on = threading.Event()
    asked = threading.Event()

    def serve(peer, _):
        if b"-t" in peer.packet()[1]:
            asked.set()
            go_on.wait(20)
        peer.send(CONNACK)
        peer.until_closed()

    with FakeBroker(serve) as broker, Visitor(browser, rig) as visitor:
        visitor.be_admin()
        save(visitor, **settings_of(broker), **settings_of(broker, 2), push1_resp_time=20)
        try:
            page = visitor.open(WHERE)
            buttons = page.get_by_role("button", name="Test connection")
            expect(buttons).to_have_count(2)
            expect(card_of(page, 2)).to_contain_text("Which devices use this link is set at")  # for none was chosen
            buttons.first.click()
            eventually(asked.is_set, "no test")
            expect(card_of(page).get_by_role("status")).to_have_text("Trying to connect …")
            for at in (0, 1):
                expect(buttons.nth(at)).to_be_disabled()
            visitor.shot("links-testing")
            go_on.set()
            expect(card_of(page).get_by_role("status")).to_contain_text("✓ The connection works")
            for at in (0, 1):
                expect(buttons.nth(at)).to_be_enabled()
        finally:
            go_on.set()
            save(visitor, **OFF, push1_resp_time=5)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "tr"])
@pytest.mark.parametrize("size", [SMALL, PHONE, DESKTOP], ids=["320", "phone", "desktop"])
def test_it_is_readable(rig, browser, broker, size, language, scheme):
    with Visitor(browser, rig, size, language, scheme) as visitor:
        visitor.be_admin()
        bad = {**settings_of(broker, 2), "mqtt2_server": "broker.plant.example", "mqtt2_tls": 1}
        save(visitor, **settings_of(broker), **bad, gateway_pushlink=3)
        try:
            page = visitor.open(WHERE)
            expect(card_of(page).locator("h2 .good")).to_be_visible()
            expect(card_of(page, 2).locator("h2 .bad, h2 .warn")).to_be_visible()
            for number, look in ((1, "✓"), (2, "✕")):
                card_of(page, number).get_by_role("button").click()
                expect(card_of(page, number).get_by_role("status")).to_contain_text(look)
            visitor.shot(f"links-{language}-{scheme}")
            visitor.check_access("links")
        finally:
            save(visitor, **OFF, mqtt2_tls=0)


def test_a_reader_sees_but_does_not_test(rig, browser, broker):
    with Visitor(browser, rig) as admin:
        admin.be_admin()
        save(admin, **settings_of(broker))
        assert admin._post("/api/password", user="reader", password=PASSWORD, new="reads only") == 204
    try:
        with Visitor(browser, rig) as visitor:
            assert visitor._post("/api/login", user="reader", password="reads only") == 200
            card = card_of(visitor.open(WHERE))
            expect(card.get_by_role("heading")).to_have_text(re.compile("Connected"))
            expect(card.get_by_role("button")).to_have_count(0)
            assert visitor._post("/api/links/test", link=1) == 403
    finally:
        with Visitor(browser, rig) as admin:
            admin.be_admin()
            save(admin, **OFF)
