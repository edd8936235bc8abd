"""The upgrade page: by an address and by a file, through the restart to the new version; what was wrong; who may."""

import pytest
from playwright.sync_api import expect

from host_tests import upgrades
from host_tests.browser.chromium import PHONE, Visitor, chromium
from host_tests.file_server import Hang, file
from host_tests.upgrades import NEXT, Publisher, state, trust, upgradable


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    return upgrades.make(tmp_path_factory.mktemp("image"))


def opened(visitor):
    visitor.be_admin()
    visitor.expected = ["Failed to load resource", "net::", "409", "422"]
    page = visitor.open("#/upgrade")
    expect(page.get_by_role("heading", name="Upgrade from a server")).to_be_visible()
    return page


def test_by_an_address_with_a_bar_through_the_restart(browser, content):
    with Publisher() as server, upgradable() as rig:
        trust(rig, server)
        hold = [True]

        def answer(request):
            return [file(content)[:200000], Hang] if hold[0] else [file(content, request.start)]

        server.answer = answer
        with Visitor(browser, rig) as visitor:
            page = opened(visitor)
            page.locator('[name="url"]').fill(server.url + "/next.img")
            page.locator('[name="certificate"]').select_option("publisher")
            page.get_by_role("button", name="Start the upgrade").first.click()
            bar = page.get_by_role("progressbar")
            expect(bar).to_be_visible()
            expect(page.get_by_role("status").filter(has_text="being fetched")).to_contain_text(NEXT)
            visitor.shot("upgrade")
            visitor.check_access("upgrade")
            page.get_by_role("button", name="Cancel").click()
            expect(bar).to_have_count(0)
            hold[0] = False
            page.locator('[name="url"]').fill(server.url + "/next.img")
            page.locator('[name="certificate"]').select_option("publisher")
            page.get_by_role("button", name="Start the upgrade").first.click()
            expect(page.locator("dd").filter(has_text=f"0.1 → {NEXT}")).to_contain_text("the new version stays")
            expect(page.locator("dt:text-is('Firmware version') + dd, dt:has-text('ersion') + dd").first).to_contain_text(NEXT)
        assert state(rig)["running"] == NEXT


def once(page, path, old, new):
    """Have the next answer at a path changed: as another version would give it."""

    def answer(route):
        reply = route.fetch()
        assert old in reply.text()
        route.fulfill(response=reply, body=reply.text().replace(old, new))

    page.route("**" + path, answer, times=1)


def test_pages_that_were_open_are_loaded_anew_after_an_upgrade(browser):
    with upgradable() as rig, Visitor(browser, rig) as visitor:
        page = visitor.open("#/status")
        visitor.shown()
        once(page, "/api/status", '"sw_version":"0.1"', '"sw_version":"0.2"')
        with page.expect_request("**/text/en.txt"):  # which is asked for at the start of a page only
            pass
        visitor.shown()


def test_texts_of_another_version_are_never_shown(browser):
    """They were asked for by the script of the old one, when the gateway was there again."""
    with upgradable() as rig, Visitor(browser, rig) as visitor:
        page = visitor.open("#/status")
        texts = []
        page.on("response", lambda response: "/text/" in response.url and texts.append(response.url))
        key = page.request.get(visitor.home + "/text/en.txt").text().split("\n")[-1]
        once(page, "/text/en.txt", key, "00000000")
        page.reload()
        visitor.shown()
        assert len(texts) == 2


def test_by_a_file_and_one_that_is_none(browser, content, tmp_path):
    bad, good = tmp_path / "bad.img", tmp_path / "good.img"
    bad.write_bytes(content[:250] + b"x" + content[251:])
    good.write_bytes(content)
    with upgradable() as rig, Visitor(browser, rig, PHONE) as visitor:
        page = opened(visitor)
        for path, told in ((bad, "signature is not valid"), (good, "the new version stays")):
            page.locator("input[type=file][accept='.img']").set_input_files(path)
            page.get_by_role("button", name="Start the upgrade").last.click()
            expect(page.locator("section.card").first).to_contain_text(told)
        assert state(rig)["running"] == NEXT


def test_who_may_not_sees_how_it_stands(browser, content):
    with upgradable(64) as rig, Visitor(browser, rig, language="tr") as visitor:
        page = visitor.open("#/upgrade")
        expect(page.locator("section.card").first).to_contain_text("0.1")
        expect(page.get_by_role("button", name="Yükseltmeyi başlat")).to_have_count(0)
