"""Chromium, driven by Playwright."""

import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""A browser that asks nothing of the network by itself."""

AXE = "axe-core@4.14.1"
DESKTOP = {"width": 1280, "height": 1000}
LOCAL = ("http://127.0.0.1:", "file:", "data:", "blob:")

Visit = Callable[..., Any]
"""`visit(address, ready)`: the page at an address, once the element `ready` is there."""


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="needs the extra: pip install adaptive-diffusion[browser]"
    )
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        pytest.skip("needs Chromium: apt-get install chromium")
    with playwright.sync_playwright() as started:
        profile = tmp_path_factory.mktemp("profile")
        context = started.chromium.launch_persistent_context(profile, executable_path=chromium, args=QUIET)
        yield context
        context.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Visit]:
    """Opens pages. They may have no error in a script or in the console, and ask no other machine for anything."""
    pages: list[Any] = []
    troubles: list[str] = []

    def opened(address: str, ready: str) -> Any:
        page = browser.new_page()
        pages.append(page)
        page.set_viewport_size(DESKTOP)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: None if request.url.startswith(LOCAL) else troubles.append(request.url))
        page.goto(address)
        page.wait_for_selector(ready)
        return page

    yield opened
    for page in pages:
        page.close()
    assert troubles == []


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core, which checks a page against the rules for accessibility (WCAG 2)."""
    if shutil.which("npm") is None:
        pytest.skip("needs npm, which fetches axe-core: apt-get install npm")
    folder = tmp_path_factory.mktemp("axe")
    try:
        fetched = subprocess.run(["npm", "pack", "--silent", AXE], cwd=folder, timeout=120, capture_output=True)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{AXE} cannot be fetched: the npm registry does not answer")
    if fetched.returncode:
        pytest.skip(f"{AXE} cannot be fetched from the npm registry: {fetched.stderr.decode()[-300:]}")
    with tarfile.open(next(folder.glob("*.tgz"))) as package:
        file = package.extractfile("package/axe.min.js")
        assert file is not None
        return file.read().decode()
