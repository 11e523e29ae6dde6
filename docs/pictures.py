"""Takes the pictures of the gallery: the first screen of every report in reports/, by `make pictures`.

It needs Chromium and the extra `test`.
"""

import shutil
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
WIDTH, HEIGHT = 1400, 1000
COLOURS = 200
"""Colours of a picture; a page has few, and the file stays small."""


def take() -> None:
    """Writes one picture for each folder in reports/."""
    IMAGES.mkdir(exist_ok=True)
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        for path in sorted((ROOT / "reports").glob("*/*.html")):
            page.goto(path.as_uri())
            picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
            small = picture.resize((WIDTH * 5 // 7, HEIGHT * 5 // 7), Image.Resampling.LANCZOS)
            few = small.quantize(COLOURS, Image.Quantize.MAXCOVERAGE)
            few.save(IMAGES / f"{path.parent.name}.png", optimize=True)
        browser.close()


if __name__ == "__main__":
    take()
