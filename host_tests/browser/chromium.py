"""A real browser on the gateway's pages: Debian's Chromium, without a screen, and what it must never say or do."""

import contextlib
import json
import shutil
from pathlib import Path

from playwright.sync_api import Error, expect, sync_playwright

from host_tests.rig import TOP

PHONE = (360, 740)
DESKTOP = (1280, 800)
PASSWORD = "a long password"
SHOTS = TOP / "build" / "screenshots"
_AXE = TOP / ".tools" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
_PATIENCE_MS = 30000
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)


@contextlib.contextmanager
def chromium():
    """Debian's Chromium, for many visitors."""
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """One person with a browser of their own: `page` is Playwright's. Whatever the pages must not do is in `offences`."""

    def __init__(self, browser, rig, size=DESKTOP, language="en", scheme="light"):
        self.rig = rig
        self.home = rig.ready["http"]
        self.size = size
        self.offences = []
        self.requests = []
        self.expected = []  # parts of console messages that are the test's own doing
        self._context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale=language,
            color_scheme=scheme,
            has_touch=size == PHONE,
            accept_downloads=True,
        )
        self.page = self._context.new_page()
        self.page.set_default_timeout(_PATIENCE_MS)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.offences.append(f"error: {error}"))
        self.page.on("request", self._request)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self._context.close()
        if kind is None:
            assert not self.offences, self.offences
        else:  # what the page could not do may have its reason there
            print(self.rig.log()[-3000:])

    def _console(self, message):
        text = f"{message.type}: {message.text}"
        if message.type in ("error", "warning") and not any(part in text for part in self.expected):
            self.offences.append(text)

    def _request(self, request):
        self.requests.append(request.url)
        if not request.url.startswith((self.home, "data:", "blob:")):
            self.offences.append(f"a request that leaves the device: {request.url}")

    # Going about

    def open(self, where="#/status"):
        """Go to a page; wait until it shows something."""
        self.page.goto(f"{self.home}/{where}")
        return self.shown()

    def shown(self):
        """Wait until the page has a title and content."""
        expect(self.page.locator("#title")).not_to_be_empty()
        expect(self.page.locator("#view")).not_to_be_empty()
        return self.page

    def log_in(self, password, user="admin"):
        """Fill in the login page, which must be there."""
        page = self.page
        page.locator('[name="user"]').fill(user)
        page.locator('[name="password"]').fill(password)
        page.locator("#view form button[type=submit]").click()

    def be_admin(self):
        """Log in as `admin` by the request that the page makes, changing the first password if need be."""
        pop = self.rig.ready["pop"]
        if self._post("/api/login", user="admin", password=PASSWORD) != 200:
            assert self._post("/api/login", user="admin", password=pop) == 200
            assert self._post("/api/password", user="admin", password=pop, new=PASSWORD) == 204
        if self.page.url.startswith(self.home):
            self.page.reload()  # for the pages know who is logged in

    def _post(self, path, **body):
        headers = {"Content-Type": "application/json"}
        return self._context.request.post(self.home + path, data=json.dumps(body), headers=headers).status

    # Looking

    def shot(self, name):
        """A picture of the whole page, to be looked at."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(SHOTS / f"{name}-{self.size[0]}.png"), full_page=True)

    def check_access(self, where):
        """axe-core finds nothing serious on this page, and nothing sticks out of it sideways."""
        page = self.page
        if not page.evaluate("'axe' in window"):
            page.evaluate(Path(_AXE).read_text())
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        serious = [
            (violation["id"], [node["target"] for node in violation["nodes"]][:3])
            for violation in found["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
        assert not serious, (where, serious)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{where} is {wide} px wider than the screen"


def gone(page):
    """Whether the page's gateway does not answer now; Playwright's errors included."""
    try:
        return page.locator("#offline").is_visible()
    except Error:
        return False
