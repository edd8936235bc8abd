"""The pages of IEC 62056-21 meters in a real browser: adding one and many, errors at fields, raw read-out, events, removal."""

import re

import pytest
from playwright.sync_api import expect

from host_tests.browser.chromium import DESKTOP, PASSWORD, PHONE, Visitor, chromium
from host_tests.gateway import api, eventually, gateway

EVENTS = ["96.77.1*1(26-07-01,00:01,26-07-01,00:09)", "96.70(24-05-01,12:00)"]
METERS = [
    {"family": "IEC Makel", "serial": "80099921", "opening": 9600, "events": EVENTS},
    {"family": "IEC Kohler", "serial": "80099922", "opening": 9600},
    {"family": "IEC Luna", "serial": "80099923", "opening": 9600, "fault": "mute"},
]
SETTINGS = {"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_type_1": 0, "rs485_type_2": 0, "rs485_protocol": 3}


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def field():
    with gateway(32, meters=METERS, settings=SETTINGS) as rig:
        yield rig


@pytest.fixture
def rig(field, browser):
    """The gateway, with no meter in its list, and a password."""
    with Visitor(browser, field) as visitor:
        visitor.be_admin()
    for meter in reversed(listed(field)):
        assert api(field, f"/api/iec_meters/{meter['number']}", method="DELETE", password=PASSWORD)[0] == 204
    return field


def listed(rig):
    return api(rig, "/api/iec_meters", password=PASSWORD)[1]["meters"]


def add(rig, *addresses, **more):
    for address in addresses:
        assert api(rig, "/api/iec_meters", {"address": address, "opening": 9600, **more}, password=PASSWORD)[0] == 201


def present(rig, number):
    eventually(lambda: listed(rig)[number - 1]["status"] == "present", lambda: listed(rig))


def test_a_meter_is_added_seen_and_changed(rig, browser):
    with Visitor(browser, rig) as visitor:
        visitor.be_admin()
        page = visitor.open("#/settings")
        page.get_by_role("link", name="IEC 62056-21 meters").click()
        expect(page.get_by_text("No meter is in the list yet.")).to_be_visible()
        page.get_by_role("link", name="Add a meter").click()
        page.get_by_label("Meter number").fill("80099921")
        page.locator('[name="name"]').fill("Hall")
        page.locator('[name="opening"]').select_option("9600")
        page.locator("div.secret").get_by_role("button", name="Set").click()
        page.locator('[name="password"]').fill("s3cret")
        page.get_by_role("button", name="Add", exact=True).click()
        row = page.locator("tbody tr")
        expect(row).to_contain_text("Is read", timeout=60000)
        expect(row).to_contain_text("MSY")
        expect(row).to_contain_text(re.compile(r"last read \d\d\.\d\d\.\d{4} .*clock [+−]\d+ s"))
        (meter,) = listed(rig)
        assert (meter["name"], meter["opening"], meter["password_set"]) == ("Hall", 9600, True)
        row.get_by_role("link", name="1 Hall").click()
        expect(page.locator("dl.facts")).to_contain_text("80099921")
        secret = page.locator('[name="password"]')
        expect(secret).to_have_value("")
        expect(secret).to_have_attribute("placeholder", "is set")
        assert "s3cret" not in page.content()
        page.locator('[name="name"]').fill("Cellar")
        page.locator('[name="period"]').fill("5")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(row).to_contain_text("Cellar")
        (meter,) = listed(rig)
        assert (meter["name"], meter["period"], meter["password_set"]) == ("Cellar", 5, True)


def test_errors_are_at_their_fields(rig, browser):
    add(rig, "80099921")
    with Visitor(browser, rig) as visitor:
        visitor.be_admin()
        visitor.expected = ["422"]
        page = visitor.open("#/iec/new")

        def told(name):
            control = page.locator(f'[name="{name}"]')
            expect(control).to_have_attribute("aria-invalid", "true")
            expect(control).to_be_focused()
            return page.locator("#" + control.get_attribute("id") + "-error")

        page.locator('[name="address"]').fill("1/2")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(told("address")).to_have_text("Only letters, digits and blanks are expected.")
        page.locator('[name="address"]').fill("80099921")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(told("address")).to_have_text("Another meter of the port has this number.")
        page.locator('[name="period"]').fill("241")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(told("period")).to_have_text("A whole number from 1 to 240 is expected.")
        page.locator('[name="period"]').fill("15")
        page.locator('[name="read"]').fill("W2 0.9.1")
        page.locator('[name="address"]').fill("80099922")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(told("read")).to_contain_text("D, or a command such as R5 and codes are expected")
        assert len(listed(rig)) == 1


def test_many_at_once(rig, browser):
    with Visitor(browser, rig, PHONE) as visitor:
        visitor.be_admin()
        visitor.expected = ["422", "409"]
        page = visitor.open("#/iec")
        page.get_by_role("link", name="Add many at once").click()
        box = page.get_by_label("Meter numbers, one a line")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_text("At least one meter number is expected.")).to_be_visible()
        box.fill("80099921; Hall\n\n80099922\tFlat 3\n8009/9923\n80099921\n 80099924 \n")
        page.locator('[name="opening"]').select_option("9600")
        page.locator('[name="period"]').fill("5")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_text("Added: 3; refused: 2")).to_be_visible()
        rows = page.locator("tbody tr")
        expect(rows).to_have_count(2)
        expect(rows.nth(0)).to_have_text(re.compile(r"^4.*8009/9923.*letters, digits"))
        expect(rows.nth(1)).to_have_text(re.compile(r"^5.*80099921.*Another meter"))
        expect(box).to_have_value("8009/9923\n80099921")
        visitor.shot("iec-many-refused")
        visitor.check_access("many meters, two refused")
        assert [(m["address"], m["name"], m["period"], m["opening"]) for m in listed(rig)] == [
            ("80099921", "Hall", 5, 9600),
            ("80099922", "Flat 3", 5, 9600),
            ("80099924", "", 5, 9600),
        ]
        box.fill("\n".join(str(number) for number in range(90000000, 90000030)))  # one more than there is room for
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_text("Added: 29; refused: 1")).to_be_visible(timeout=60000)
        expect(rows).to_have_text(re.compile("^30.*90000029.*The list is full: 32 meters"))
        visitor.open("#/iec")
        expect(page.locator("tbody tr")).to_have_count(32)
        expect(page.get_by_text("The list is full: 32 meters.")).to_be_visible()
        expect(page.get_by_role("link", name="Add a meter")).to_have_count(0)


def test_a_wrong_field_of_many_stops_at_once(rig, browser):
    with Visitor(browser, rig) as visitor:
        visitor.be_admin()
        visitor.expected = ["422"]
        page = visitor.open("#/iec/many")
        page.get_by_label("Meter numbers, one a line").fill("80099921\n80099922")
        page.locator('[name="profile"]').fill("often")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.locator('[name="profile"]')).to_have_attribute("aria-invalid", "true")
        expect(page.get_by_label("Meter numbers, one a line")).to_have_value("80099921\n80099922")
        assert listed(rig) == []


def test_the_raw_read_out(rig, browser, tmp_path):
    add(rig, "80099921", "80099923")
    present(rig, 1)
    with Visitor(browser, rig) as visitor:
        visitor.be_admin()
        page = visitor.open("#/iec/1")
        page.get_by_role("button", name="Read now").click()
        expect(page.get_by_text("Complete, and every check is right.")).to_be_visible()
        text = page.locator("pre").text_content()
        assert text.startswith("/MSY5C500.KMB.2\r\n") and "0.0.0(80099921)" in text
        with page.expect_download() as download:
            page.get_by_role("button", name="Save as a file").click()
        assert download.value.suggested_filename == "readout-80099921.txt"
        download.value.save_as(tmp_path / "readout.txt")
        assert (tmp_path / "readout.txt").read_bytes() == text.encode()
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_text("Copied.")).to_be_visible()
        assert "0.0.0(80099921)" in page.evaluate("getSelection().toString()")
        visitor.shot("iec-readout")
        visitor.check_access("a read-out")
        visitor.expected = ["504", "503"]
        visitor.open("#/iec/2")
        page.get_by_role("button", name="Read now").click()
        expect(page.get_by_text("The meter does not answer.")).to_be_visible()
        expect(page.locator("pre")).to_be_hidden()
        rig.control("meter", name="luna_80099923", fault="crc")
        page.get_by_role("button", name="Read now").click()
        expect(page.get_by_text("Not usable: wrong block check")).to_be_visible()
        rig.control("meter", name="luna_80099923", fault="mute")


def test_what_a_meter_has_logged(rig, browser):
    add(rig, "80099921", events="0")
    present(rig, 1)
    eventually(lambda: len(api(rig, "/api/meter_events/80099921", password=PASSWORD)[1].get("events", ())) == 3, "no events")
    words = {
        "en": ("body cover opened", "outage L1 begins", "outage L1 ends"),
        "tr": ("Gövde kapağı açıldı", "Elektrik kesintisi L1 başladı", "Elektrik kesintisi L1 bitti"),
    }
    for language, told in words.items():
        with Visitor(browser, rig, PHONE if language == "tr" else DESKTOP, language) as visitor:
            visitor.be_admin()
            page = visitor.open("#/iec/1")
            page.locator("summary").click()
            rows = page.locator("details tbody tr")
            expect(rows).to_have_count(3)
            expect(rows.first).to_contain_text("01.07.2026 00:09:00")  # newest first
            for row, text in zip(reversed(rows.all()), told, strict=True):
                expect(row).to_contain_text(text)
            expect(rows.last).to_contain_text("96.70")
            visitor.shot(f"iec-events-{language}")
            visitor.check_access("events of a meter")


def test_removal_is_asked_for(rig, browser):
    add(rig, "80099921", "80099922")
    with Visitor(browser, rig) as visitor:
        visitor.be_admin()
        page = visitor.open("#/iec/1")
        page.get_by_role("button", name="Remove meter").click()
        page.get_by_role("button", name="Cancel").click()
        assert len(listed(rig)) == 2
        page.get_by_role("button", name="Remove meter").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Remove 80099921 from the list?")
        dialog.get_by_role("button", name="Remove meter").click()
        expect(page.locator("tbody tr")).to_have_text(re.compile("^1 +80099922"))
        assert [meter["address"] for meter in listed(rig)] == ["80099922"]


@pytest.mark.parametrize("language", ["en", "tr"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_it_is_readable(rig, browser, size, language):
    add(rig, "80099921", name="Hall")
    add(rig, "80099922", "80099923", password="12345678")
    present(rig, 2)
    with Visitor(browser, rig, size, language, "dark" if language == "tr" else "light") as visitor:
        visitor.be_admin()
        for where in ("iec", "iec/1", "iec/new", "iec/many"):
            visitor.open("#/" + where)
            expect(visitor.page.locator("#view .card").first).to_be_visible()
            visitor.shot(f"{where.replace('/', '-')}-{language}")
            visitor.check_access(where)


def test_who_is_not_admin_and_a_port_that_is_off(rig, browser):
    with Visitor(browser, rig) as visitor:
        page = visitor.open("#/iec")
        expect(page.get_by_text("This needs a login with the right")).to_be_visible()
    assert api(rig, "/api/settings", {"rs485_protocol": 0}, "PATCH", password=PASSWORD)[0] == 200
    add(rig, "80099921")
    with Visitor(browser, rig) as visitor:
        visitor.be_admin()
        page = visitor.open("#/iec")
        expect(page.get_by_text("IEC 62056-21 has to be chosen as the protocol")).to_be_visible()
        expect(page.locator("tbody tr")).to_contain_text("Disabled")
    assert api(rig, "/api/settings", {"rs485_protocol": 3}, "PATCH", password=PASSWORD)[0] == 200
