"""Chromium, driven by Playwright."""

import shutil
import subprocess
import tarfile
from collections.abc import Iterator
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
