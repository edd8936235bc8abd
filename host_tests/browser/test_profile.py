"""The page of load profiles in a real browser: table, graph, files, print, the demand of all meters together."""

import os
import re
import subprocess
import time
from datetime import datetime, timedelta, timezone
from typing import Any

import openpyxl
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
        assert sheet[0][:4] == ("utc", "local_time", "status", "1.8.0 kWh") and len(sheet) == count + 1
        assert all(len(cells) == 11 for cells in sheet)
        for line, (utc, local, status, *values) in zip(lines[1:], sheet[1:], strict=True):
            cells = line.split(",")
            told = datetime.fromtimestamp(int(cells[0]), timezone.utc).replace(tzinfo=None)
            assert abs(utc - told) < timedelta(seconds=1) and local - utc == timedelta(hours=3)
            assert f"{local + timedelta(milliseconds=500):%d.%m.%Y %H:%M}" == cells[1]
            assert [status or "", *(value if value is not None else "" for value in values)] == [
                cells[2],
                *(float(cell) if cell else "" for cell in cells[3:]),
            ]
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


def served(page, profiles, records):
    """Have the page get these profiles and records, whatever it asks for."""
    page.route("**/api/profile", lambda route: route.fulfill(json={"profiles": profiles}))
    page.route(
        "**/api/profile/*",
        lambda route: route.fulfill(
            json={"key": KEY, "period_min": 15, "columns": profiles[0]["columns"], "records": records()}
        ),
    )


def entry(first, last, first_time, last_time):
    columns = [{"code": "1.8.0", "unit": "kWh"}, {"code": "1.9.0", "unit": "kWh"}]
    times = {"first": first, "last": last, "first_time": first_time, "last_time": last_time}
    return {"key": KEY, "period_min": 15, "count": 9, "missing": 0, "columns": columns, **times}


def test_the_double_hour_a_record_at_an_odd_time_and_holes(rig, browser, tmp_path):
    begin = 1792879200 + 900  # 24.10.2026 22:00 UTC, 00:00 in Ljubljana; summer time ends at 01:00 UTC
    change_utc = 1792890000
    times = [begin + 900 * number for number in range(24)]
    del times[6:9]  # 01:45 to 02:15 in summer time
    times.insert(3, times[2] + 420)  # power failed at 00:52
    del times[4]  # ... until after 01:00
    records = [[at, 7200 if at < change_utc else 3600, 0x80 if at % 900 else 0, at / 1e6, 0.25] for at in times]
    kept = entry(begin, times[-1], "25.10.2026 00:15:00", "25.10.2026 05:00:00")
    answers = iter([records])
    with Visitor(browser, rig) as visitor:
        visitor.page.on("dialog", lambda dialog: dialog.accept())
        served(visitor.page, [kept], lambda: next(answers, []))
        page = visitor.open("#/profile")
        rows = page.locator("details table tbody tr")
        expect(rows).to_have_count(25)
        names = rows.locator("th").all_text_contents()
        assert names[2:5] == [f"25.10.2026 {time} (+02:00)" for time in ("00:45", "00:52", "01:00")]
        assert names.count("25.10.2026 02:15 (+02:00)") == names.count("25.10.2026 02:15 (+01:00)") == 1
        holes = [names[at] for at in range(25) if "missing" in rows.nth(at).text_content()]
        assert holes == [f"25.10.2026 {time} (+02:00)" for time in ("01:00", "01:45", "02:00", "02:15")]
        assert [cell.text_content() for cell in rows.nth(4).locator("td").all()] == ["–", "–", "missing"]
        with page.expect_download() as xlsx:
            page.get_by_role("button", name="XLSX").click()
        xlsx.value.save_as(tmp_path / "holes.xlsx")
        sheet = table_of(tmp_path / "holes.xlsx")
        assert sheet[5][2:] == (None, None, None) and sheet[4][2] == "80", "a hole is an empty cell, never zero"
        visitor.shot("profile-double-hour")
        page.locator("#view select").select_option(label="Hourly")
        answers = iter([records])
        page.get_by_role("button", name="Show").click()
        expect(rows).to_have_count(6)
        told = [row.locator("td").all_text_contents() for row in rows.all()]
        assert [cells[2] for cells in told] == ["missing", "missing", "missing", "", "", ""]
        assert told[3][1] == "1" and told[3][0] == f"{(change_utc + 3600) / 1e6:,.6f}".rstrip("0")


def test_an_empty_span_and_no_profile_at_all(rig, browser):
    with Visitor(browser, rig) as visitor:
        kept = entry(1782864900, 1785542400, "01.07.2026 02:15:00", "01.08.2026 02:00:00")
        served(visitor.page, [kept], list)
        page = visitor.open("#/profile")
        expect(page.locator("input[type=date]").last).to_have_value("2026-08-01")
        expect(
            page.get_by_text(
                "There is no record in this span. The gateway has those from 01.07.2026 02:15 to 01.08.2026 02:00."
            )
        ).to_be_visible()
        for gone in (page.locator(".chart"), page.get_by_role("button", name="XLSX")):
            expect(gone).to_be_hidden()
        page.unroute_all()
        page.route("**/api/profile", lambda route: route.fulfill(json={"profiles": []}))
        page.reload()
        expect(page.get_by_text("No meter has told a load profile yet.")).to_be_visible()
        page.get_by_role("link", name="IEC 62056-21 meters").click()
        expect(page.get_by_text("This needs a login with the right")).to_be_visible()


def test_print_is_on_white(rig, browser):
    with Visitor(browser, rig, scheme="dark") as visitor:
        page = visitor.open(f"#/profile/{KEY}")
        expect(page.locator(".uplot canvas")).to_be_visible()
        root = "getComputedStyle(document.documentElement).colorScheme"
        page.evaluate(f"window.print = () => {{ window.printed = {root}; dispatchEvent(new Event('afterprint')) }}")
        page.get_by_role("button", name="Print").click()
        page.wait_for_function("window.printed")
        assert page.evaluate("window.printed") == "light" and page.evaluate(root) == "light dark"


def table_of(path) -> list[tuple[Any, ...]]:
    """The rows of the one sheet in an XLSX file, as openpyxl reads them."""
    book = openpyxl.load_workbook(path)
    (sheet,) = book.worksheets
    return [tuple(cell.value for cell in row) for row in sheet.iter_rows()]
