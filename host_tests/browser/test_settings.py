"""Logging in, and every setting changed on its page, saved, restarted with, and found again."""

import json

import pytest
from playwright.sync_api import expect

from host_tests.browser.chromium import DESKTOP, PASSWORD, PHONE, Visitor, chromium
from host_tests.gateway import eventually, gateway, login

TEXTS = {
    "text": "x{}",
    "ssid": "n\\xff{}",
    "zone": "Europe/Istanbul",
    "ip": "10.0.0.{}",
    "writes": "33:6",
    "sources": "10.0.0.{}",
    "when": "weekly 1 06:0{}",
}
# Values that have to fit each other, or to the rest of the test
FIXED = {
    "ip": "192.168.1.20",
    "netmask": "255.255.255.0",
    "gateway": "192.168.1.1",
    "response_ms": 300,
    "poll_ms": 2000,
    **{f"rs485_addr_{n}": 40 + n for n in range(1, 17)},
}


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


def start():
    """With everything that any board has switched on, as happens here, no board's heap would do."""
    settings = {"rs485_type_1": 0, "rs485_type_2": 0, "rs485_addr_1": 33, "rs485_addr_2": 33}
    return gateway(32, meters=[], settings=settings, heap="256k")


def told(rig, password=PASSWORD):
    status, _, body = rig.get("/api/settings", login(rig, password))
    assert status == 200, body
    return json.loads(body)


def test_logging_in_wrong_and_right(browser):
    with start() as rig, Visitor(browser, rig, PHONE) as visitor:
        visitor.expected = ["403", "429", "422"]
        page = visitor.open("#/settings")
        expect(page.locator('[name="password"]')).to_be_visible()  # led to the login
        visitor.shot("login")
        visitor.check_access("login")
        visitor.log_in("wrong")
        expect(page.get_by_text("Wrong user or password")).to_be_visible()
        visitor.log_in(rig.ready["pop"])
        expect(page.get_by_text("Set your own to go on")).to_be_visible()  # the first password has to be changed
        visitor.shot("password-first")
        visitor.check_access("first password")
        fields = [page.locator(f'[name="{name}"]') for name in ("password", "new", "again")]
        save = page.locator("#view form button[type=submit]")
        for values, complaint in (
            ((rig.ready["pop"], PASSWORD, PASSWORD + "x"), "differ"),
            ((rig.ready["pop"], "short", "short"), "8"),
            (("not the one", PASSWORD, PASSWORD), "Wrong password"),
        ):
            for field, value in zip(fields, values):
                field.fill(value)
            save.click()
            expect(page.locator(".error").filter(has_text=complaint)).to_be_visible()
        for field, value in zip(fields, (rig.ready["pop"], PASSWORD, PASSWORD)):
            field.fill(value)
        save.click()
        expect(page.locator('[name="description"]')).to_be_visible()  # and back to where the way began
        page.locator("#menu").click()
        page.locator("#logout").click()
        expect(page.get_by_text("Log in").first).to_be_visible()
        visitor.open("#/settings")
        eventually(lambda: guess(rig) >= 8, "guessing costs nothing")
        visitor.log_in(PASSWORD)
        expect(page.get_by_text("Too many wrong passwords. Try again")).to_be_visible()
        eventually(lambda: page.locator("#view form button[type=submit]").is_enabled(), "locked for ever")
        visitor.log_in(PASSWORD)
        expect(page.locator('[name="description"]')).to_be_visible()


def guess(rig):
    """Try a wrong password; return for how many seconds none is looked at."""
    body = json.dumps({"user": "admin", "password": "guess"})
    status, _, answer = rig.get("/api/login", {"Content-Type": "application/json"}, "POST", body)
    return json.loads(answer)["retry_s"] if status == 429 else 0


def wanted(row, name, present):
    """A value for a setting that is right, and another than it has."""
    if name in FIXED:
        return FIXED[name]
    kind = row["kind"]
    if kind == "flag":
        return 1 - present
    if kind == "choice":
        return next(value for value, _ in reversed(row["choices"]) if value != present)
    if kind == "int":
        return row["from"] + 1 if present != row["from"] + 1 else row["from"] + 2
    return TEXTS[kind].format(len(name))[: row["most"]]


def fill(page, row, name, value):
    control = page.locator(f'[name="{name}"]')
    if row.get("secret"):
        control.locator("xpath=following-sibling::button[1]").click()
        control.fill(value)
    elif row["kind"] == "flag":
        control.set_checked(bool(value))
    elif row["kind"] == "choice":
        control.select_option(index=[choice for choice, _ in row["choices"]].index(value))
    else:
        control.fill(str(value))


def shown(page, row, name):
    """The value that the page shows of a setting."""
    control = page.locator(f'[name="{name}"]')
    if row.get("secret"):
        return None
    if row["kind"] == "flag":
        return int(control.is_checked())
    value = control.input_value()
    return int(value) if row["kind"] in ("int", "choice") else value


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_setting_is_changed_and_kept(browser, size):
    with start() as rig, Visitor(browser, rig, size) as visitor:
        visitor.expected = ["ERR_", "Failed to load resource"]  # while it restarts
        visitor.be_admin()
        before = told(rig)
        expected = {}
        titles = list(dict.fromkeys(entry["page"] for entry in before["pages"]))
        for title in titles:
            page = visitor.open("#/settings/" + title.replace(" ", "%20"))
            expect(page.locator("#view [name]").first).to_be_visible()
            for entry in (entry for entry in before["pages"] if entry["page"] == title):
                for number in range(1, entry["count"] + 1) or (0,):
                    if number > 2 and entry["count"] > 4:  # a device that is not there yet is added first
                        page.get_by_label("Device to add").select_option(str(number))
                        page.get_by_role("button", name="Add device").click()
                    for row in entry["rows"]:
                        name = row["name"].replace("#", str(number))
                        if number in (1, 2) and not page.locator(f'[name="{name}"]').count():
                            page.get_by_label("Device to add").select_option(str(number))
                            page.get_by_role("button", name="Add device").click()
                        value = wanted(row, name, before["values"][name])
                        fill(page, row, name, value)
                        expected[name] = (row, value)
            visitor.shot("changed-" + title.replace(" ", "").lower())
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("The settings were saved", exact=False)).to_be_visible()
        pid = rig.control("ready")["gateway_pid"]
        page.get_by_role("button", name="Restart now").click()
        page.locator("dialog").get_by_role("button", name="Restart now").click()
        eventually(lambda: rig.control("ready")["gateway_pid"] not in (None, pid), "no restart")
        values = eventually(lambda: kept(rig), "it does not come back")
        for name, (row, value) in expected.items():
            assert values[name] == ({"set": True} if row.get("secret") else value), name
        assert set(values) == set(expected)
        visitor.be_admin()
        for title in titles:
            visitor.open("#/settings/" + title.replace(" ", "%20"))
            expect(page.locator("#view [name]").first).to_be_visible()
            for name, (row, value) in expected.items():
                if page.locator(f'[name="{name}"]').count() and not row.get("secret"):
                    assert shown(page, row, name) == value, name
        page.goto("about:blank")


def test_a_factory_reset_is_confirmed_twice(browser):
    with start() as rig, Visitor(browser, rig, PHONE) as visitor:
        visitor.expected = ["422", "ERR_", "Failed to load resource"]  # while it restarts
        visitor.be_admin()
        pid = rig.control("ready")["gateway_pid"]
        page = visitor.open("#/settings")
        page.get_by_role("link", name="Factory reset").click()
        serial, reset = page.locator('[name="confirm"]'), page.get_by_role("button", name="Reset to factory settings").first
        visitor.shot("reset")
        visitor.check_access("reset")
        dialog = page.locator("dialog")
        serial.fill("SG000018")
        reset.click()
        dialog.get_by_role("button", name="Reset to factory settings").click()
        expect(page.get_by_text("This is not the serial number of this gateway")).to_be_visible()
        serial.fill(rig.ready["serial"])
        reset.click()
        visitor.shot("reset-sure")
        visitor.check_access("reset, the question")
        dialog.get_by_role("button", name="Cancel").click()
        expect(reset).to_be_enabled()
        assert told(rig)["values"] and rig.control("ready")["gateway_pid"] == pid
        reset.click()
        dialog.get_by_role("button", name="Reset to factory settings").click()
        expect(page.get_by_text("The gateway restarts")).to_be_visible()
        eventually(lambda: rig.control("ready")["gateway_pid"] not in (None, pid), "no restart")
        expect(page.get_by_role("link", name="Log in").first).to_be_attached()
        expect(page.locator("#title")).to_have_text("SG Status")  # it goes on by itself
        visitor.open("#/settings")
        visitor.log_in(rig.ready["pop"])
        expect(page.get_by_text("Set your own to go on")).to_be_visible()  # as on the first day
        page.goto("about:blank")


def kept(rig):
    try:
        return told(rig)["values"]
    except (OSError, AssertionError):
        return None


def test_what_is_wrong_is_shown_at_its_field(browser):
    with start() as rig, Visitor(browser, rig, PHONE) as visitor:
        visitor.expected = ["422"]
        visitor.be_admin()
        page = visitor.open("#/settings/General")
        page.locator('[name="static_ip_en"]').check()
        page.get_by_role("button", name="Save").click()
        for name in ("ip", "netmask"):
            field = page.locator(f'[name="{name}"]')
            expect(field).to_have_attribute("aria-invalid", "true")
            assert page.locator("#" + field.get_attribute("id") + "-error").inner_text().endswith("expected")
        expect(page.locator('[name="ip"]')).to_be_focused()
        visitor.shot("settings-wrong")
        visitor.check_access("settings with errors")
        page.locator('[name="http_port"]').fill("70000")
        expect(page.get_by_text("A whole number from 1 to 65535")).to_be_visible()
        assert told(rig)["values"]["static_ip_en"] == 0


def test_two_editors(browser):
    with start() as rig, Visitor(browser, rig) as first, Visitor(browser, rig, PHONE) as second:
        first.expected = ["409"]
        for visitor in (first, second):
            visitor.be_admin()
            visitor.open("#/settings/General")
            expect(visitor.page.locator('[name="description"]')).to_be_visible()
        second.page.locator('[name="location"]').fill("by the second")
        second.page.get_by_role("button", name="Save").click()
        expect(second.page.get_by_text("The settings were saved", exact=False)).to_be_visible()
        page = first.page
        page.locator('[name="description"]').fill("by the first")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("button", name="Load again")).to_be_visible()
        first.shot("settings-conflict")
        first.check_access("conflict")
        page.get_by_role("button", name="Load again").click()
        expect(page.locator('[name="location"]')).to_have_value("by the second")
        expect(page.locator('[name="description"]')).to_have_value("by the first")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("The settings were saved", exact=False)).to_be_visible()
        values = told(rig)["values"]
        assert (values["description"], values["location"]) == ("by the first", "by the second")
        for visitor in (first, second):
            visitor.page.goto("about:blank")
