"""The pages of DLMS meters in a real browser: the list, one meter with its values, relay and records, the network, the black
list, lists loaded and saved."""

import csv
import io
import re
import time

import openpyxl
import pytest
from playwright.sync_api import expect

from host_tests.browser.chromium import DESKTOP, PASSWORD, PHONE, Visitor, chromium
from host_tests.gateway import api, eventually, gateway

NETWORK = 108  # meters behind one address
DAY_S = 86400
METERS = [
    {"family": "DLMS", "port": "network", "serial": "40000001", "address": 17, "count": NETWORK, "days": 10},
    {"family": "DLMS", "port": "rs485", "serial": "10000001", "address": 17, "count": 8, "days": 10},
    {"family": "DLMS", "port": "rs485", "serial": "10000009", "address": 25, "fault": "mute"},
]
SETTINGS = {"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_type_1": 0, "rs485_type_2": 0, "rs485_protocol": 5}
SETTINGS |= {"dlms_network": 1, "dlms_profile_days": 3, "dlms_black_days": 1, "timezone": "Europe/Istanbul"}
LLS = {"client": 1, "security": 1, "password": "12345678"}
COLUMNS = (
    "serial",
    "name",
    "port",
    "host",
    "logical",
    "physical",
    "client",
    "security",
    "password",
    "relay",
    "clock",
    "active",
)
SILENT = "10000009"


def plans(host):
    """What the list is to have: meters of the network, of RS-485, one that is silent, one that is off."""
    found = [
        {
            "serial": str(40000001 + n),
            "name": f"Street {n % 12}",
            "port": 2,
            "host": host,
            "logical": 17 + n,
            "active": int(n < NETWORK - 1),
        }
        for n in range(NETWORK)
    ]
    found += [{"serial": str(10000001 + n), "name": f"Riser {n}", "physical": 17 + n, "relay": 1} for n in range(9)]
    return [{**plan, **LLS} for plan in found]


def as_csv(rows):
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, delimiter=";")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def rig(browser):
    with gateway(64, meters=METERS, settings=SETTINGS) as rig:
        with Visitor(browser, rig) as visitor:
            visitor.be_admin()
        host = rig.control("meter", name="dlms_40000001")["values"]["host"]
        status, answer = api(rig, "/api/dlms_batch", as_csv(plans(host)), password=PASSWORD)
        assert (status, answer["added"], answer["refusals"]) == (200, NETWORK + 9, 0), answer
        yield rig


def listed(rig, query=""):
    return api(rig, "/api/dlms_meters" + query, password=PASSWORD)[1]["meters"]


def meter(rig, serial):
    (found,) = listed(rig, f"?search={serial}")
    return found


def read(rig, serial):
    """Wait until a meter was read, and what it records is kept; return it."""
    return eventually(
        lambda: (found := meter(rig, serial))["good_utc"] and found["newest_0"] and found["newest_1"] and found,
        lambda: meter(rig, serial),
        120,
    )


def tile(page, name):
    return page.locator(".tiles button", has_text=name)


def test_the_list_is_paged_filtered_and_searched(rig, browser):
    with Visitor(browser, rig) as visitor:
        visitor.be_admin()
        page = visitor.open("#/status")
        page.get_by_role("link", name="DLMS meters").click()
        rows = page.locator("tbody tr")
        expect(rows).to_have_count(50)
        expect(tile(page, "All")).to_contain_text(str(NETWORK + 9))
        expect(rows.first).to_contain_text("40000001 Street 0")
        expect(page.get_by_text("Meters 1 to 50")).to_be_visible()
        expect(page.get_by_role("button", name="Previous")).to_be_disabled()
        page.get_by_role("button", name="Next").click()
        expect(rows.first).to_contain_text("40000051")
        page.get_by_role("button", name="Next").click()
        expect(rows).to_have_count(NETWORK + 9 - 100)
        expect(rows.last).to_contain_text(SILENT)
        expect(page.get_by_role("button", name="Next")).to_be_disabled()
        page.get_by_role("button", name="Previous").click()
        expect(rows.first).to_contain_text("40000051")
        page.get_by_label("Search for meters").fill("riser")
        expect(rows).to_have_count(9)
        expect(rows.first).to_contain_text("10000001 Riser 0")
        expect(page.get_by_text("Meters 1 to 9")).to_be_visible()
        page.get_by_label("Search for meters").fill("nowhere")
        expect(page.get_by_text("No meter was found.")).to_be_visible()
        page.get_by_label("Search for meters").fill("")
        tile(page, "Not to be read").click()
        expect(rows).to_have_count(1)
        expect(rows).to_contain_text(str(40000000 + NETWORK))
        expect(tile(page, "Not to be read")).to_have_attribute("aria-pressed", "true")
        tile(page, "All").click()
        expect(rows).to_have_count(50)


def test_one_meter_its_values_and_its_profile(rig, browser, tmp_path):
    known = read(rig, "10000001")
    with Visitor(browser, rig) as visitor:
        visitor.be_admin()
        page = visitor.open(f"#/dlms/{known['id']}")
        facts = page.locator("dl.facts")
        expect(facts).to_contain_text("RS-485, 1/17")
        expect(page.locator("#view .mark", has_text="in contact")).to_be_visible()
        values = page.locator("section.card", has=page.get_by_role("heading", name="Values"))
        expect(values.locator("tbody tr")).to_have_count(24)
        pinned = {"1.0.1.8.0.255": 4123456789, "1.0.32.7.0.255": 2300, "1.0.52.7.0.255": None}
        rig.control("meter", name="dlms_10000001", set=pinned)
        values.get_by_role("button", name="Read now").click()
        for name, text in (("active import, total (1.8.0)", "4123456789 Wh"), ("voltage L1, now (32.7.0)", "230.0 V")):
            expect(values.locator("tbody tr", has_text=name).locator("td")).to_have_text(text)
        expect(values.locator("tbody tr")).to_have_count(23)
        expect(page.locator(".uplot canvas")).to_be_visible()
        records = api(rig, f"/api/archive/{known['id']}?kind=profile", password=PASSWORD)[1]["records"]
        page.locator("summary", has_text="Data as a table").click()
        table = page.locator("details table").first
        expect(table.locator("tbody tr").first).to_be_visible()
        assert table.locator("tbody tr").count() >= 96
        expect(table.locator("tbody tr").last.locator("td").first).to_have_text(f"{records[-1][3]:,}")
        expect(table.locator("thead")).to_contain_text("active import, total (1.8.0 Wh)")
        with page.expect_download() as xlsx:
            page.get_by_role("button", name="XLSX").click()
        assert xlsx.value.suggested_filename.startswith("10000001-profile-")
        xlsx.value.save_as(tmp_path / "profile.xlsx")
        (sheet,) = openpyxl.load_workbook(tmp_path / "profile.xlsx").worksheets
        cells = [tuple(cell.value for cell in row) for row in sheet.iter_rows()]
        assert cells[0][3] == "1.0.1.8.0.255 Wh" and cells[-1][3:] == tuple(records[-1][3:])
        page.get_by_label("What is kept of this meter").select_option(label="Maxima")
        expect(page.get_by_role("heading", name="Maxima")).to_be_visible()
        maxima = api(rig, f"/api/archive/{known['id']}?kind=maxima", password=PASSWORD)[1]["records"]
        page.locator("summary", has_text="Data as a table").click()
        row = page.locator("details table").first.locator("tbody tr").last
        at = time.strftime("%d.%m.%Y %H:%M", time.gmtime(maxima[-1][4] + maxima[-1][1]))
        expect(row).to_contain_text(at)
        with page.expect_download() as saved:
            page.get_by_role("button", name="CSV").click()
        saved.value.save_as(tmp_path / "maxima.csv")
        last = (tmp_path / "maxima.csv").read_text().splitlines()[-1].split(",")
        assert last[0] == str(maxima[-1][0]) and last[3] == str(maxima[-1][3]) and last[4] == at
        page.locator("summary", has_text="Events").click()
        events = api(rig, f"/api/dlms_events/{known['id']}", password=PASSWORD)[1]["events"]
        listing = page.locator("details", has_text="Events of this meter").locator("tbody tr")
        expect(listing).to_have_count(len(events))
        expect(listing.first).to_contain_text(events[-1]["name"])


def test_the_relay_is_switched_and_read_back(rig, browser):
    known = read(rig, "10000002")
    state = lambda: rig.control("meter", name="dlms_10000002")["values"]["output"]  # noqa: E731
    with Visitor(browser, rig) as visitor:
        visitor.be_admin()
        page = visitor.open(f"#/dlms/{known['id']}")
        card = page.locator("section.card", has=page.get_by_role("heading", name="Relay"))
        expect(card.locator(".relay")).to_contain_text("ON")
        card.get_by_role("button", name="OFF").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Switch off 10000002 Riser 1?")
        dialog.get_by_role("button", name="Cancel").click()
        expect(card.get_by_role("button", name="OFF")).to_be_enabled()
        assert state() == 1, "nothing was agreed to"
        card.get_by_role("button", name="OFF").click()
        dialog.get_by_role("button", name="OFF").click()
        expect(card.get_by_text(re.compile("The meter says: .* OFF"))).to_be_visible()
        expect(card.locator(".relay")).to_contain_text("OFF")
        assert state() == 0
        card.get_by_role("button", name="ON", exact=True).click()
        dialog.get_by_role("button", name="ON").click()
        expect(card.get_by_text(re.compile("The meter says: .* ON"))).to_be_visible()
        assert state() == 1
        visitor.shot("dlms-relay")
        visitor.expected = ["502", "504"]
        rig.control("meter", name="dlms_10000002", fault="stuck")
        card.get_by_role("button", name="OFF").click()
        dialog.get_by_role("button", name="OFF").click()
        expect(card.locator(".error")).to_contain_text("did not follow")
        rig.control("meter", name="dlms_10000002", fault="none")
        clock = page.locator("section.card", has=page.get_by_role("heading", name="Clock"))
        rig.control("meter", name="dlms_10000002", set={"clock_ahead_s": 300})
        clock.get_by_role("button", name="Read clock").click()
        expect(clock.get_by_text(re.compile(r"The meter says .*\+5 min"))).to_be_visible()
        clock.get_by_role("button", name="Set clock").click()
        expect(clock.get_by_text(re.compile(r"The meter says .*[+−][0-2] s"))).to_be_visible()


def test_who_may_only_read_switches_nothing(rig, browser):
    body = {"user": "looker", "role": "reader", "new": "another long one", "password": PASSWORD}
    assert api(rig, "/api/users", body, password=PASSWORD)[0] < 300
    known = meter(rig, "10000003")
    with Visitor(browser, rig) as visitor:
        page = visitor.open(f"#/dlms/{known['id']}")
        visitor.log_in("another long one", "looker")
        expect(page.get_by_role("heading", name="10000003 Riser 2")).to_be_visible()
        expect(page.get_by_role("heading", name="Relay")).to_be_visible()
        for name in ("OFF", "Set clock", "Read now"):
            expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
        expect(page.get_by_text("Settings of the meter")).to_have_count(0)


def test_settings_of_a_meter_and_its_secrets(rig, browser):
    known = meter(rig, "10000003")
    with Visitor(browser, rig) as visitor:
        visitor.be_admin()
        visitor.expected = ["422"]
        page = visitor.open(f"#/dlms/{known['id']}")
        page.locator("summary", has_text="Settings of the meter").click()
        secret = page.locator('[name="password"]')
        expect(secret).to_have_value("")
        expect(secret).to_have_attribute("placeholder", "is set")
        page.locator('[name="physical"]').fill("18")
        page.get_by_role("button", name="Save", exact=True).click()
        wrong = page.locator('[name="physical"]')
        expect(wrong).to_have_attribute("aria-invalid", "true")
        expect(page.locator(f"#{wrong.get_attribute('id')}-error")).to_contain_text("10000002 has this address")
        page.locator('[name="physical"]').fill("19")
        page.locator('[name="name"]').fill("Cellar")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator("#said")).to_contain_text("was saved")
        changed = meter(rig, "10000003")
        assert (changed["name"], changed["physical"], changed["password_set"]) == ("Cellar", 19, True)
        visitor.open("#/dlms/new")
        page.locator('[name="serial"]').fill("90000001")
        page.locator('[name="port"]').select_option("2")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.locator('[name="host"]')).to_have_attribute("aria-invalid", "true")
        page.locator('[name="host"]').fill("127.0.0.1:1")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_role("heading", name="90000001")).to_be_visible()
        page.locator("summary", has_text="Settings of the meter").click()
        page.get_by_role("button", name="Remove meter").click()
        page.get_by_role("dialog").get_by_role("button", name="Remove meter").click()
        expect(page.locator("tbody tr").first).to_be_visible()
        assert listed(rig, "?search=90000001") == []


def test_the_network_and_the_way_to_a_meter(rig, browser):
    eventually(lambda: meter(rig, SILENT)["failures"], "the silent one was not asked", 120)
    with Visitor(browser, rig) as visitor:
        visitor.be_admin()
        page = visitor.open("#/dlms/network")
        branches = page.locator(".branches > li")
        expect(branches).to_have_count(2)
        expect(branches.first).to_contain_text("RS-485 9")
        expect(branches.first).to_contain_text("Out of contact: 1")
        expect(branches.last).to_contain_text(f"Network {NETWORK}")
        out = page.locator("section.card", has=page.get_by_role("heading", name="Out of contact"))
        expect(out.locator("tbody tr")).to_contain_text(re.compile(SILENT + r".*since \d\d\.\d\d\.\d{4} \d\d:\d\d: no answer"))
        page.locator('[name="search"]').fill("40000007")
        page.get_by_role("button", name="Search").click()
        way = page.locator(".way")
        expect(way).to_have_count(1)
        expect(way.locator(".chain")).to_contain_text(re.compile("→ Network, 127.0.0.1:.*, 23 → 40000007"))
        page.locator('[name="search"]').fill("street")
        page.get_by_role("button", name="Search").click()
        expect(way).to_have_count(10)
        expect(page.get_by_text("There are more than these 10.")).to_be_visible()


def test_a_list_is_loaded_and_saved(rig, browser, tmp_path):
    good = [{"serial": f"7000{n:04d}", "physical": 1000 + n, "active": 0, **LLS} for n in range(195)]
    bad = [
        {"serial": "70009001", "physical": 1000, **LLS},
        {"serial": "7000/9002", "physical": 9002, **LLS},
        {"serial": "70009003", "port": 7, **LLS},
        {"serial": "70009004", "physical": 9004, "client": 1, "security": 1},
        {"serial": "70000001", "physical": 9005, **LLS},
    ]
    (tmp_path / "meters.csv").write_text(as_csv([*good, *bad]))
    with Visitor(browser, rig, PHONE) as visitor:
        visitor.be_admin()
        page = visitor.open("#/dlms/batch")
        with page.expect_download() as empty:
            page.get_by_role("button", name="Save empty table").click()
        empty.value.save_as(tmp_path / "empty.csv")
        assert set(COLUMNS) <= set((tmp_path / "empty.csv").read_text().strip().split(";"))
        page.get_by_role("button", name="Import", exact=True).click()
        expect(page.get_by_text("Choose a file or paste lines first.")).to_be_visible()
        page.locator("input[type=file]").set_input_files(str(tmp_path / "meters.csv"))
        expect(page.locator("textarea")).to_have_value(re.compile("70000194"))
        page.get_by_role("button", name="Import", exact=True).click()
        expect(page.locator("progress")).to_be_visible()
        expect(page.get_by_text("Added: 195; changed: 0; refused: 5.")).to_be_visible()
        rows = page.locator("form tbody tr")
        expect(rows).to_have_count(5)
        expect(rows.nth(0)).to_contain_text("The meter 70000000 has this address.")
        expect(rows.nth(1)).to_contain_text(re.compile("198.*Only letters, digits, dots, dashes and blanks are expected"))
        expect(rows.nth(3)).to_contain_text("This authentication needs one.")
        assert page.locator("textarea").input_value().count("\n") == 5, (
            "what was refused, below its head, is there to be mended"
        )
        visitor.shot("dlms-import")
        visitor.check_access("a list, five lines refused")
        page.locator("textarea").fill(
            '{"serial":"70000002","name":"Mended"}\n{"serial":"70009004","physical":9004,"active":0}\n'
        )
        page.get_by_role("button", name="Import", exact=True).click()
        expect(page.get_by_text("Added: 1; changed: 1; refused: 0.")).to_be_visible()
        with page.expect_download() as saved:
            page.get_by_role("link", name="Save list as CSV").click()
        saved.value.save_as(tmp_path / "saved.csv")
        rows = list(csv.DictReader((tmp_path / "saved.csv").read_text().splitlines(), delimiter=";"))
        assert len(rows) == NETWORK + 9 + 196
        assert [row["name"] for row in rows if row["serial"] == "70000002"] == ["Mended"] and "password" not in rows[0]
        visitor.expected = ["422"]
        page.locator("textarea").fill("number;name\n1;2\n")
        page.get_by_role("button", name="Import", exact=True).click()
        expect(page.get_by_text("The first line has to name the columns, among them serial.")).to_be_visible()
    for number in [row["id"] for row in listed(rig, "?search=7000") if row["serial"].startswith("7000")]:
        assert api(rig, f"/api/dlms_meters/{number}", method="DELETE", password=PASSWORD)[0] == 204


@pytest.mark.parametrize("language", ["en", "tr"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_it_is_readable(rig, browser, size, language):
    known = read(rig, "10000001")
    with Visitor(browser, rig, size, language, "dark" if language == "tr" else "light") as visitor:
        visitor.be_admin()
        one = f"dlms/{known['id']}"
        pages = {"dlms": "tbody tr", "dlms/network": ".branches li", "dlms/black": ".card p:not(:empty)"}
        pages |= {"dlms/batch": "textarea"}
        for where, there in {**pages, "dlms/new": "form", one: ".uplot canvas"}.items():
            visitor.open("#/" + where)
            expect(visitor.page.locator("#view").locator(there).first).to_be_visible()
            if where == "dlms":
                expect(visitor.page.locator(".tiles button")).to_have_count(6)
            visitor.shot(f"{where.replace('/', '-') if where != one else 'dlms-one'}-{language}")
            visitor.check_access(where)


def test_the_black_list_and_another_try(rig, browser):
    eventually(lambda: meter(rig, SILENT)["failures"], "the silent one was not asked", 120)
    now = rig.control("clock", unix=int(time.time()) + 2 * DAY_S)
    eventually(lambda: meter(rig, SILENT)["black"], lambda: (now, meter(rig, SILENT)))
    with Visitor(browser, rig) as visitor:
        visitor.be_admin()
        page = visitor.open("#/dlms/black")
        row = page.locator("tbody tr", has_text=SILENT)
        expect(row).to_contain_text(re.compile(r"since \d\d\.\d\d\.\d{4} \d\d:\d\d: no answer"))
        visitor.shot("dlms-black-one")
        visitor.check_access("the black list")
        rig.control("meter", name="dlms_" + SILENT, fault="none")
        row.get_by_role("button", name="Try again").click()
        expect(page.locator("#said")).to_contain_text(SILENT)
        eventually(lambda: not meter(rig, SILENT)["black"], lambda: meter(rig, SILENT))
        expect(row).to_have_count(0)
        visitor.open("#/dlms")
        expect(tile(page, "Black list")).to_contain_text("0")
