"""The page in a browser: filled templates, and a headless Chromium that all tests of a process share."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lockstep
from kit.traced_runs import Traced

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

VIEWER = Path(lockstep.__file__).parent / "viewer"
BUILT = VIEWER / "built" / "page.html"
#: `.ci/run` sets it: then a browser that is missing is an error, not a reason to skip.
REQUIRED = "LOCKSTEP_BROWSER"
#: Escaped in the header: "<" could end the script element, the others end a line in older JavaScript.
ESCAPED = {ord(c): f"\\u{ord(c):04x}" for c in "<\u2028\u2029"}
WIDE: ViewportSize = {"width": 1280, "height": 800}
TABLET: ViewportSize = {"width": 820, "height": 1180}


def filled(trace: Traced, template: str) -> str:
    """The page of a trace. The template is split at its marks, so that nothing that is filled in is searched."""
    before, rest = template.split("@HEADER@")
    between, after = rest.split("@COLUMNS@")
    return before + json.dumps(trace.header).translate(ESCAPED) + between + trace.packed + after


def missing() -> str:
    """Why no browser can be used; "" if one can. Raises: RuntimeError: the same, where a browser is required."""
    try:
        import playwright  # noqa: F401
    except ImportError:
        why = "playwright is not installed: pip install lockstep[test]"
    else:
        why = "" if chromium() else "there is no chromium: apt-get install chromium"
    if why and os.environ.get(REQUIRED):
        raise RuntimeError(why)
    return why


def chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


def node() -> str | None:
    """Node, if the page can be built with it: `make viewer` installs what it needs."""
    return shutil.which("node") if (VIEWER / "node_modules" / "esbuild").is_dir() else None


def build(folder: Path, source: Path = VIEWER / "src") -> str:
    """Build the page into a folder, from some source; its text."""
    environment = os.environ | {"VIEWER_SOURCE": str(source)}
    command = [str(node()), str(VIEWER / "build.js"), str(folder)]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return (folder / "page.html").read_text()


@contextmanager
def browsing() -> Iterator[Browser]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


class Shown:
    """A tab of the browser, with what went wrong on its page and what it asked of the network."""

    def __init__(self, page: Page) -> None:
        self.page, self.errors, self.requests = page, list[str](), list[str]()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", self._refuse)
        page.on("request", lambda request: self.requests.append(request.url))

    def _refuse(self, dialog: Any) -> None:
        self.errors.append(dialog.message)
        dialog.dismiss()

    def open(self, folder: Path, trace: Traced, template: str | None = None, planted: int = 0) -> None:
        """Show the page of a trace. planted: the number of a mutant, which stands in the address."""
        file = folder / "page.html"
        file.write_text(filled(trace, template or BUILT.read_text()), encoding="utf-8")
        self.errors.clear()
        self.requests.clear()
        self.page.goto(f"{file.as_uri()}#{planted}" if planted else file.as_uri())
        self.wait("!!window.viewer || !document.getElementById('error').hidden")

    def wait(self, condition: str, seconds: float = 30) -> None:
        """Wait until a JavaScript condition holds. Playwright's own way would need `eval`, which the page forbids."""
        until = time.monotonic() + seconds
        while not self.ask(condition):
            assert time.monotonic() < until, f"{condition}: not after {seconds} seconds"
            self.page.wait_for_timeout(20)

    def ask(self, expression: str, argument: Any = None) -> Any:
        """The value of a JavaScript expression. `viewer` is the page's own object."""
        return self.page.evaluate(expression, argument)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def text(self, selector: str) -> str:
        return " ".join(self.page.inner_text(selector).split())

    @property
    def at(self) -> int:
        """The frame that is shown."""
        return int(self.ask("viewer.player.at"))

    @property
    def step(self) -> str:
        """Which PRAM step it is, as the time bar says."""
        return f"PRAM step {self.page.input_value('#step')} {self.text('#of')}"

    def click_token(self, panel: int, position: int) -> None:
        """Click a token on its canvas."""
        x, y = self.ask("([i, p]) => viewer.panels[i].view.spot(p)", [panel, position])
        self.page.locator("#sequences canvas").nth(panel).click(position={"x": x + 6, "y": y + 6})


@contextmanager
def tab(browser: Browser, dark: bool = False, size: ViewportSize = WIDE) -> Iterator[Shown]:
    """A new tab."""
    page = browser.new_page(viewport=size, color_scheme="dark" if dark else "light")
    yield Shown(page)
    page.close()
