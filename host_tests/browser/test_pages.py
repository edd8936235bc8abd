"""Every page of the gateway in a real browser, on a phone and on a desktop."""

import http.client
import json

import pytest
from playwright.sync_api import expect

from host_tests.browser.chromium import DESKTOP, PASSWORD, PHONE, Visitor, chromium
from host_tests.gateway import change, detected, eventually, gateway, login, vector

PAGES = """
status
settings/General
settings/Communication
settings/IR Devices
settings/RS485 Devices
settings/Inputs
settings/Polling
backup
reset
password
measurements
measurements/1
counters
counters/1
graph
graph/lir/month
profile
relays
upgrade
events
diagnostics
""".strip().split("\n")
FIRST_LOAD = ("/", "/style.css", "/app.js", "/text/en.txt", "/api/status")
FIRST_LOAD_BYTES = 60_000


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def rig():
    with gateway(32, settings={"poll_ms": 500}) as rig:
        detected(rig, 3)
        yield rig


def name_of(where):
    return where.replace("/", "-").replace(" ", "").lower()


def test_the_first_load_is_small(rig, browser):
    with Visitor(browser, rig) as visitor:
        session = visitor.page.context.new_cdp_session(visitor.page)
        session.send("Network.enable")
        finished = []
        session.on("Network.loadingFinished", lambda event: finished.append(event["encodedDataLength"]))
        visitor.open("")
        expect(visitor.page.get_by_text("IE38MD #X0000124")).to_be_visible()
        first = [url.removeprefix(visitor.home) for url in visitor.requests if not url.startswith("data:")][: len(FIRST_LOAD)]
        assert sorted(first) == sorted(FIRST_LOAD)
        assert sum(finished[: len(FIRST_LOAD)]) <= FIRST_LOAD_BYTES, finished


def test_one_connection_is_enough(rig):
    connection = http.client.HTTPConnection(rig.ready["http"].removeprefix("http://"), timeout=30)
    connection.connect()
    same = connection.sock
    for path in FIRST_LOAD:
        connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        assert answer.status == 200 and answer.read(), path
        assert connection.sock is same, path
    connection.close()


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_every_page(rig, browser, size):
    with Visitor(browser, rig, size) as visitor:
        visitor.be_admin()
        for where in PAGES:
            visitor.open("#/" + where)
            visitor.check_access(where)
            visitor.shot(name_of(where))
        visitor.page.goto("about:blank")


def test_every_page_in_turkish_and_dark(rig, browser):
    with Visitor(browser, rig, PHONE, "tr", "dark") as visitor:
        visitor.be_admin()
        for where in PAGES:
            visitor.open("#/" + where)
            expect(visitor.page.locator("html")).to_have_attribute("lang", "tr")
            visitor.check_access(where)
            visitor.shot("tr-" + name_of(where))
        visitor.page.goto("about:blank")


def test_live_values_move_and_grow_old(rig, browser):
    name = next(meter["name"] for meter in rig.control("field")["meters"] if meter["serial"] == "X0000124")
    with Visitor(browser, rig) as visitor:
        page = visitor.open("#/measurements/lir")
        rig.control("meter", name=name, set={"U1": 201.5})
        expect(page.get_by_text("201.5 V")).to_be_visible()
        rig.control("meter", name=name, set={"U1": 202.5})
        expect(page.get_by_text("202.5 V")).to_be_visible()
        rig.control("meter", name=name, fault="mute")
        try:
            expect(page.get_by_text("Old values, ")).to_be_visible()
            expect(page.get_by_text("202.5 V")).to_be_visible()  # shown, and marked
            visitor.shot("measurements-stale")
            visitor.check_access("stale values")
        finally:
            rig.control("meter", name=name, fault="none")
        expect(page.get_by_text("Present values", exact=True).first).to_be_attached()
        visitor.open("#/measurements/1")
        expect(page.get_by_text("WM3M4C").first).to_be_visible()


def test_a_switch_is_switched(rig, browser):
    field = rig.control("field")["meters"]
    name = next(meter["name"] for meter in field if meter["model"] == "IR Bicom")

    def state():
        return rig.control("meter", name=name)["values"]["state"]

    before = state()
    with Visitor(browser, rig, PHONE) as visitor:
        page = visitor.open("#/relays")
        page.get_by_role("button", name="Toggle").click()  # nobody is logged in: the login comes first, then the way back
        expect(page.locator('[name="password"]')).to_be_visible()
        assert state() == before
        visitor.be_admin()
        visitor.open("#/relays")
        for button, wanted in (("ON", 1), ("OFF", 0), ("Toggle", 1), ("Toggle", 0)):
            page.get_by_role("button", name=button, exact=True).click()
            eventually(lambda wanted=wanted: state() == wanted, f"{button}: the switch does not follow")
            expect(page.locator(".relay")).to_contain_text("On" if wanted else "Off", ignore_case=True)
        change_as_admin(rig, ir_ext_rel_mode=2)
        try:
            expect(page.get_by_role("button", name="Toggle")).to_be_disabled()
            expect(page.get_by_text("controlled by the meter on the left")).to_be_visible()
            visitor.shot("relays-forbidden")
        finally:
            change_as_admin(rig, ir_ext_rel_mode=1)
        expect(page.get_by_role("button", name="Toggle")).to_be_enabled()


def change_as_admin(rig, **settings):
    """Change settings with whatever password is in force."""
    headers = login(rig, PASSWORD, **{"Content-Type": "application/json"})
    status, _, body = rig.get("/api/settings", headers, "PATCH", json.dumps(settings))
    if status == 403:
        change(rig, **settings)
    else:
        assert status == 200, body


def test_certificates_by_paste_and_file(rig, browser, tmp_path):
    pem = vector("x509")["certificates"][0]["pem"]
    file = tmp_path / "other.pem"
    file.write_text(pem)
    with Visitor(browser, rig) as visitor:
        visitor.expected = ["422", "Unprocessable"]
        visitor.be_admin()
        page = visitor.open("#/upgrade")
        page.get_by_text("Add", exact=False).first.wait_for()
        page.locator("summary").first.click()
        page.locator('[name="pem"]').fill("no certificate")
        page.locator('[name="name"]').fill("pasted.pem")
        page.locator("details form button[type=submit]").click()
        expect(page.locator(".error:visible").filter(has_text="BEGIN").first).to_be_visible()  # says what is expected
        page.locator('[name="pem"]').fill(pem)
        page.locator("details form button[type=submit]").click()
        expect(page.get_by_role("rowheader", name="pasted.pem")).to_be_visible()
        page.locator("details input[type=file]").set_input_files(file)
        expect(page.locator('[name="name"]')).to_have_value("other.pem")
        page.locator("details form button[type=submit]").click()
        expect(page.get_by_role("rowheader", name="other.pem")).to_be_visible()
        visitor.shot("certificates")
        visitor.check_access("certificates")
        for name in ("pasted.pem", "other.pem"):
            page.get_by_role("button", name=f"Delete: {name}").click()
            page.locator("dialog").get_by_role("button", name="Delete").click()
            expect(page.get_by_role("rowheader", name=name)).to_have_count(0)


def test_script_is_shown_as_text(rig, browser):
    texts = {
        "description": '<img src=x onerror="alert(1)">',
        "location": "<script>alert(2)</script>",
        "ir_relay_desc": "<b>&lt;</b>",
    }
    change_as_admin(rig, **texts)
    try:
        with Visitor(browser, rig) as visitor:
            page = visitor.open("#/status")
            expect(page.get_by_text(texts["description"]).first).to_be_visible()
            expect(page.get_by_text(texts["location"]).first).to_be_visible()
            visitor.open("#/relays")
            expect(page.get_by_text(texts["ir_relay_desc"]).first).to_be_visible()
            assert page.locator("#view img, #view script, #view b").count() == 0
    finally:
        change_as_admin(rig, description="Description", location="Location", ir_relay_desc="")


def test_raw_frames_are_decoded(rig, browser):
    with Visitor(browser, rig) as visitor:
        visitor.be_admin()
        page = visitor.open("#/diagnostics")
        page.locator("select").last.select_option("rs485")
        page.get_by_role("button", name="Show frames").click()
        expect(page.get_by_text("Read Input Registers").first).to_be_visible()
        visitor.shot("frames")
        visitor.check_access("frames")


def test_the_gateway_goes_and_comes_back(rig, browser):
    with Visitor(browser, rig, PHONE) as visitor:
        visitor.expected = ["ERR_", "Failed to load resource"]
        page = visitor.open("#/status")
        expect(page.get_by_text("IE38MD #X0000124")).to_be_visible()
        page.route("**/api/**", lambda route: route.abort())
        expect(page.locator("#offline")).to_be_visible()
        visitor.shot("offline")
        page.unroute("**/api/**")
        expect(page.locator("#offline")).to_be_hidden()
        rig.control("reset")
        expect(page.locator("#offline")).to_be_hidden()
        expect(page.get_by_text("IE38MD #X0000124")).to_be_visible()


def test_the_energy_of_the_last_day(browser, tmp_path):
    with gateway(32, time_scale=300, settings={"poll_ms": 200}) as rig:

        def known():
            energy = rig.get_json("/api/history?slot=lir&view=day")["import"]
            return len([value for value in energy if value is not None]) >= 6

        eventually(known, "no energies")
        with Visitor(browser, rig) as visitor:
            page = visitor.open("#/graph/lir")
            expect(page.locator(".uplot canvas")).to_be_visible()
            page.locator("summary").click()
            table = page.locator("details table")
            assert table.get_by_role("row").count() == 97
            expect(table.get_by_text("kWh").first).to_be_visible()
            expect(table.get_by_text("not known").first).to_be_visible()  # what was before the start, not zero
            visitor.shot("graph-filled")
            visitor.check_access("graph")
            with page.expect_download() as picture:
                page.get_by_role("button", name="PNG", exact=False).click()
            picture.value.save_as(tmp_path / "picture.png")
            assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
            with page.expect_download() as csv:
                page.get_by_role("link", name="CSV", exact=False).click()
            csv.value.save_as(tmp_path / "energy.csv")
            lines = (tmp_path / "energy.csv").read_text().splitlines()
            assert lines[0] == "utc,local_time,import_wh,export_wh" and len(lines) > 6
            visitor.open("#/graph/lir/month")
            expect(page.locator(".uplot canvas")).to_be_visible()
            visitor.shot("graph-month")
            page.goto("about:blank")
