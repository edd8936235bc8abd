"""The page of load profiles in a real browser: table, graph, files, print, the demand of all meters together."""

import os
import re
import subprocess
import time
import zipfile
from xml.etree import ElementTree

import pytest
from playwright.sync_api import expect

from host_tests.browser.chromium import DESKTOP, PHONE, Visitor, chromium
from host_tests.conftest import interpreter
from host_tests.gateway import change, detected, eventually, gateway
from host_tests.rig import TOP

KEY = "MSY80099921"
OTHER = "AEL12345678"
LAST = int(time.time()) // 3600 * 3600
FIRST = LAST - 20 * 86400


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    flash = tmp_path_factory.mktemp("profiles") / "flash"
    fill = TOP / "host_tests" / "fakes" / "profiles_on_flash.py"
    command = [interpreter(64), "-X", "heapsize=4m", str(fill), str(flash), str(FIRST), str(LAST)]
    subprocess.run(command, check=True, cwd=TOP, env={**os.environ, "MICROPYPATH": f"{TOP}:.frozen"})
    settings = {"poll_ms": 200, "demand_period": 1, "timezone": "Europe/Istanbul"}
    with gateway(32, time_scale=20, flash=flash) as rig:
        change(rig, **settings)
        detected(rig, 1)
        eventually(lambda: len(rig.get_json("/api/profile")["profiles"]) == 3, "the total is not told")
        eventually(lambda: any(month["complete"] for month in rig.get_json("/api/demand")["months"]), "no demand", 60)
        yield rig


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_table_graph_and_accessibility(rig, browser, size):
    for language in ("en", "tr") if size == PHONE else ("en",):
        with Visitor(browser, rig, size, language, "dark" if language == "tr" else "light") as visitor:
            page = visitor.open("#/profile/" + KEY)
            expect(page.locator(".uplot canvas")).to_be_visible()
            expect(page.locator("details table tbody tr").first).to_be_visible()
            assert page.locator("details table thead th").count() == 10
            visitor.check_access("profile")
            visitor.shot("profile" + ("-tr" if language == "tr" else ""))
            visitor.open("#/profile/total")
            expect(page.locator(".uplot canvas")).to_be_visible()
            visitor.shot("profile-total" + ("-tr" if language == "tr" else ""))


def test_a_chosen_span_by_quarters_and_by_hours(rig, browser):
    with Visitor(browser, rig) as visitor:
        page = visitor.open(f"#/profile/{OTHER}")
        expect(page.locator("details table tbody tr").first).to_be_visible()
        assert page.locator("select option").count() >= 1
        page = visitor.open(f"#/profile/{KEY}")
        rows = page.locator("details table tbody tr")
        expect(rows.first).to_be_visible()
        days = [time.strftime("%Y-%m-%d", time.gmtime(LAST - back * 86400)) for back in (17, 11)]
        for control, value in zip(page.locator("input[type=date]").all(), days, strict=True):
            control.fill(value)
        page.get_by_role("button", name="Show").click()
        expect(rows).to_have_count(7 * 96, timeout=60000)
        api = rig.get_json(f"/api/profile/{KEY}?from={days[0]}&to={days[1]}")["records"]
        missing = 7 * 96 - len(api)
        assert 0 < missing < 40
        expect(rows.get_by_text("missing", exact=True)).to_have_count(missing)
        expect(page.get_by_text(f"Records: {len(api)}; missing steps in between: {missing}")).to_be_visible()
        first = rows.first.locator("td").first
        expect(first).to_have_text(f"{api[0][3]:,.3f}".rstrip("0").rstrip("."))
        visitor.shot("profile-week")
        page.locator("#view select").select_option(label="Hourly")
        page.get_by_role("button", name="Show").click()
        expect(rows).to_have_count(7 * 24, timeout=60000)
        hour = next(record for record in api if record[0] % 3600 == 0)
        expect(rows.first.locator("td").first).to_have_text(f"{hour[3]:,.3f}".rstrip("0").rstrip("."))


def test_files_and_print(rig, browser, tmp_path):
    with Visitor(browser, rig) as visitor:
        page = visitor.open(f"#/profile/{KEY}")
        rows = page.locator("details table tbody tr")
        expect(rows.first).to_be_visible()
        count = rows.count()
        with page.expect_download() as csv:
            page.get_by_role("button", name="CSV").click()
        csv.value.save_as(tmp_path / "profile.csv")
        lines = (tmp_path / "profile.csv").read_text().splitlines()
        assert lines[0].startswith("utc,local_time,status,1.8.0 kWh,2.8.0 kWh") and len(lines) == count + 1
        with page.expect_download() as xlsx:
            page.get_by_role("button", name="XLSX").click()
        assert xlsx.value.suggested_filename.endswith(".xlsx")
        xlsx.value.save_as(tmp_path / "profile.xlsx")
        sheet = table_of(tmp_path / "profile.xlsx")
        assert sheet[0][:3] == ["local_time", "status", "1.8.0 kWh"] and len(sheet) == count + 1
        assert sheet[1][2] == lines[1].split(",")[3] and len(sheet[1]) == 10
        utc = int(lines[1].split(",")[0])
        assert abs((float(sheet[1][0]) - 25569) * 86400 - (utc + 3 * 3600)) < 1, "local time"
        page.locator("summary", has_text="Events").click()
        expect(page.get_by_text("cover opened")).to_be_visible()
        page.emulate_media(media="print")
        for hidden in ("#nav", "#bar", "form", "nav.tabs"):
            expect(page.locator(hidden).first).to_be_hidden()
        expect(page.locator("h2").first).to_be_visible()
        expect(rows.first).to_be_visible()
        visitor.shot("profile-print")


def test_demand_of_all_meters(rig, browser):
    with Visitor(browser, rig) as visitor:
        page = visitor.open("#/profile/total")
        expect(page.get_by_text("Simultaneous demand of all meters")).to_be_visible()
        month = rig.get_json("/api/demand")["months"][-1]
        assert month["import_w"] is not None and month["period_min"] == 1
        expect(page.locator("section.card").last).to_contain_text(month["month"])
        expect(page.get_by_text(re.compile(r"Period until .* import .* kW"))).to_be_visible()


def test_without_profiles_there_is_no_link(browser):
    with gateway(32, meters=[]) as rig, Visitor(browser, rig) as visitor:
        page = visitor.open("#/status")
        expect(page.locator('#nav a[href="#/graph"]')).to_be_visible()
        expect(page.locator('#nav a[href="#/profile"]')).to_be_hidden()
        visitor.open("#/profile")
        expect(page.get_by_text("No meter has told a load profile yet.")).to_be_visible()


def table_of(path):
    """The cells of the one sheet in an XLSX file, as they are written."""
    with zipfile.ZipFile(path) as parts:
        assert parts.testzip() is None
        for name in parts.namelist():
            ElementTree.fromstring(parts.read(name))
        tree = ElementTree.fromstring(parts.read("xl/sheet.xml"))
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    return [["".join(cell.itertext()) for cell in row] for row in tree.iter(space + "row")]
