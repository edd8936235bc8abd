"""The card that lets Modbus clients change the gateway: open, see the time run, end; for whom it has buttons."""

import re

import pytest
from playwright.sync_api import expect

from host_tests.browser.chromium import DESKTOP, PHONE, Visitor, chromium
from host_tests.gateway import api, gateway

SMALL = (320, 640)
WHERE = "#/settings/Modbus"


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def rig():
    with gateway(32, meters=[]) as rig:
        yield rig


def card_of(page):
    return page.locator("section.card", has=page.locator("#access"))


def test_open_and_end(rig, browser):
    with Visitor(browser, rig) as visitor:
        visitor.be_admin()
        card = card_of(visitor.open(WHERE))
        state = card.get_by_role("status")
        allow, end = card.get_by_role("button", name="Allow changes"), card.get_by_role("button", name="End now")
        expect(state).to_have_text("Not allowed now")
        expect(end).to_be_hidden()
        allow.click()
        expect(state).to_have_text(re.compile(r"Allowed, (10:00|9:5\d) left"))
        expect(allow).to_be_focused()
        expect(state).to_have_text(re.compile(r"Allowed, 9:5\d left"))
        assert 580 < api(rig, "/api/modbus_access", password="a long password")[1]["left_s"] <= 600
        end.click()
        expect(state).to_have_text("Not allowed now")
        expect(end).to_be_hidden()
        expect(allow).to_be_focused()
        expect(visitor.page.locator('[name="modbus_wait_ms"]')).to_be_visible()  # and the settings are there as ever


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "tr"])
@pytest.mark.parametrize("size", [SMALL, PHONE, DESKTOP], ids=["320", "phone", "desktop"])
def test_it_is_readable(rig, browser, size, language, scheme):
    with Visitor(browser, rig, size, language, scheme) as visitor:
        visitor.be_admin()
        page = visitor.open(WHERE)
        card = card_of(page)
        card.get_by_role("button").first.click()
        expect(card.get_by_role("status")).to_contain_text(re.compile(r"(10:00|9:5\d)"))
        visitor.shot(f"access-{language}-{scheme}")
        visitor.check_access("changes over Modbus")
        card.get_by_role("button").last.click()


def test_without_the_lock(rig, browser):
    with Visitor(browser, rig) as visitor:
        visitor.be_admin()
        page = visitor.open(WHERE)
        page.request.patch(visitor.home + "/api/settings", data={"locked": 0})
        card = card_of(page)
        expect(card.get_by_role("status")).to_contain_text("Always allowed")
        expect(card.get_by_role("button")).to_have_count(0)
        page.request.patch(visitor.home + "/api/settings", data={"locked": 1})
        expect(card.get_by_role("button", name="Allow changes")).to_be_visible()


def test_a_reader_sees_but_does_not_change(rig, browser):
    with Visitor(browser, rig) as admin:
        admin.be_admin()
        assert admin._post("/api/password", user="reader", password="a long password", new="reads only") == 204
    with Visitor(browser, rig) as visitor:
        assert visitor._post("/api/login", user="reader", password="reads only") == 200
        card = card_of(visitor.open(WHERE))
        expect(card.get_by_role("status")).to_have_text("Not allowed now")
        expect(card.get_by_role("button")).to_have_count(0)
        assert visitor._post("/api/modbus_access", minutes=10) == 403
