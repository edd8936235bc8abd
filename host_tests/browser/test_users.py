"""The page of users and roles: adding, changing, taking away; what each user finds on the pages."""

import re

import pytest
from playwright.sync_api import expect

from host_tests.browser.chromium import DESKTOP, PASSWORD, PHONE, Visitor, chromium
from host_tests.gateway import api, gateway

ANNA = "the one of anna"


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def rig():
    with gateway(64, meters=[]) as rig:
        yield rig


def add(page, user, role, new=ANNA, password=PASSWORD):
    form = page.locator("form", has=page.locator('[name="user"]'))
    form.locator('[name="user"]').fill(user)
    form.locator('[name="role"]').select_option(role)
    for name, value in (("new", new), ("again", new), ("password", password)):
        form.locator(f'[name="{name}"]').fill(value)
    form.get_by_role("button").click()
    return form


def test_a_user_comes_works_and_goes(rig, browser):
    with Visitor(browser, rig) as visitor, Visitor(browser, rig) as other:
        visitor.be_admin()
        page = visitor.open("#/users")
        visitor.expected += ["422", "403"]
        expect(add(page, "anna", "configurator", "short").locator('[name="new"]')).to_have_attribute("aria-invalid", "true")
        expect(add(page, "anna", "configurator", password="wrong").locator('[name="password"]')).to_have_attribute(
            "aria-invalid", "true"
        )
        add(page, "anna", "configurator")
        expect(page.get_by_label("Role of anna")).to_have_value("configurator")
        # What a configurator finds
        other.open("#/login")
        other.log_in(ANNA, "anna")
        expect(other.page.locator("#user")).to_have_text("anna")
        settings = other.open("#/settings")
        expect(settings.locator(".savebar")).to_be_visible()
        expect(settings.get_by_role("link", name="Users and roles")).to_have_count(0)
        other.page.goto(other.home + "/#/reset")
        expect(other.page.locator("#view")).to_contain_text("Clear data")  # which right is missing
        # What a reader finds
        page.get_by_label("Role of anna").select_option("reader")
        expect(page.locator("#said")).to_have_text("Saved.")
        settings = other.open("#/settings")
        settings.reload()
        expect(settings.locator(".savebar")).to_be_hidden()
        other.open("#/password")
        expect(other.page.locator("form.card")).to_have_count(1)
        # The end
        page.get_by_role("button", name="Delete anna").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(page.get_by_label("Role of anna")).to_have_count(0)
        assert [user["user"] for user in api(rig, "/api/users", password=PASSWORD)[1]["users"]] == ["admin", "reader"]


def test_a_role_is_made_and_what_must_stay_stays(rig, browser):
    with Visitor(browser, rig) as visitor:
        visitor.be_admin()
        page = visitor.open("#/users")
        form = page.locator("form", has=page.get_by_text("Add a role"))
        form.locator('[name="role"]').fill("guest")
        form.get_by_role("button").click()
        box = page.get_by_label("guest: Export values")
        expect(page.get_by_label("guest: Read")).to_be_checked()
        box.check()
        expect(page.locator("#said")).to_have_text("Saved.")
        roles = {row["role"]: row["rights"] for row in api(rig, "/api/roles", password=PASSWORD)[1]["roles"]}
        assert roles["guest"] == ["read", "export"]
        visitor.expected.append("422")
        page.get_by_label("administrator: Roles").click()
        expect(page.locator("#alert")).to_have_text("The administrator keeps the right “Roles”.")
        expect(page.get_by_label("administrator: Roles")).to_be_checked()
        page.get_by_label("Role of admin").select_option("guest")
        expect(page.locator("#alert")).to_have_text("The last administrator stays.")
        expect(page.get_by_label("Role of admin")).to_have_value("administrator")
        page.get_by_role("button", name="Delete guest").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(box).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "tr"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_it_is_readable(rig, browser, size, language, scheme):
    with Visitor(browser, rig, size, language, scheme) as visitor:
        visitor.be_admin()
        page = visitor.open("#/users")
        expect(page.get_by_label(re.compile("administrator: ")).first).to_be_visible()
        visitor.check_access("#/users")
        visitor.shot(f"users-{language}-{scheme}")
