"""Draws docs/pictures/playground.png: the playground in a real browser, in the middle of a query with remasking.

python scripts/playground_screenshot.py            # needs the extras play and browser, and chromium
"""

import shutil
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

import adaptive_diffusion.playground.app as page_of_the_playground
from adaptive_diffusion.playground.session import Playground
from adaptive_diffusion.runs.trained_model import load_trained_model

MODEL, QUERY, STEP = "sudoku-6x6", 7, 2
OUT = Path(__file__).parents[1] / "docs/pictures/playground.png"
COLOURS = 256
"""Of the picture's palette, so that it is small."""


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("a browser is needed: apt-get install chromium")
    playground = Playground(load_trained_model(MODEL), MODEL)
    blocks, address = page_of_the_playground.serve(playground, "127.0.0.1", 0, wait=False)
    try:
        with sync_playwright() as started:
            browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(viewport={"width": 1240, "height": 1000}, color_scheme="light")
            page.goto(address)
            show(page)
            OUT.parent.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=OUT, full_page=True)
            browser.close()
    finally:
        blocks.close()
    Image.open(OUT).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(OUT, optimize=True)
    print(f"{OUT}: {OUT.stat().st_size / 1000:.0f} kB")


def show(page: Page) -> None:
    """Two samplers beside each other on a query, stepped to where tokens were taken back."""
    page.wait_for_selector("#query .cell")
    page.fill("#number input", str(QUERY))
    page.press("#number input", "Enter")
    choose(page, "#against", "threshold")
    set_number(page, "#pause", 0)
    page.click("#solve")
    page.wait_for_function("document.querySelector('#note').innerText.includes('Done')")
    set_number(page, "#step", STEP)
    page.wait_for_timeout(700)


def choose(page: Page, dropdown: str, name: str) -> None:
    """Chooses the second sampler, and waits until its slider and its point are there."""
    page.fill(f"{dropdown} input", name)
    page.get_by_role("option", name=name, exact=True).click()
    page.wait_for_function("() => document.querySelectorAll('#curve .here').length === 2")


def set_number(page: Page, slider: str, value: Any) -> None:
    """Writes a number into the field of a slider."""
    page.fill(f"{slider} input[type=number]", str(value))
    page.press(f"{slider} input[type=number]", "Tab")


if __name__ == "__main__":
    main()
