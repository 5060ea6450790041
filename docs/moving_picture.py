"""Takes the moving picture of the README: the page of one weight, stepped through and descended, in Chromium.

python docs/moving_picture.py, in an environment with the `dev` extra; writes docs/moving.gif.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

import autodiff as ad

SIZE = {"width": 1180, "height": 1060}
WIDE = 826  # pixels of the picture


def one_weight(file: Path) -> int:
    """The page of a = i·w, C = (y − a)²; how many events it has."""
    with ad.record_source():
        i, y = ad.Value(1.5), ad.Value(0.5)
        w = ad.Value(0.8)
        a = i * w
        C = (y - a) ** 2
    ad.page(C, file, parameters=[w])
    assert a is not None
    return len(ad.steps(C))


def frames(page: Page, last: int) -> list[tuple[Image.Image, int]]:
    """What is seen, and for how many milliseconds."""
    taken = []

    def take(milliseconds: int) -> None:
        page.wait_for_timeout(250)
        taken.append((Image.open(io.BytesIO(page.screenshot())).convert("RGB"), milliseconds))

    take(900)
    for position in range(1, last + 1):
        page.keyboard.press("ArrowRight")
        take(1100 if position == last else 650)
    for _ in range(5):
        page.get_by_role("button", name="Descend", exact=True).click()
        take(800)
    taken[-1] = taken[-1][0], 2500
    return taken


def main() -> None:
    """Open, move, take, write."""
    program = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as running:
        file = Path(folder, "steps.html")
        last = one_weight(file)
        browser = running.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport=SIZE)
        page.goto(file.as_uri())
        pictures, times = zip(*frames(page, last), strict=True)
        browser.close()
    tall = WIDE * SIZE["height"] // SIZE["width"]
    small = [picture.resize((WIDE, tall), Image.Resampling.LANCZOS) for picture in pictures]
    few = [picture.quantize(48, dither=Image.Dither.NONE) for picture in small]
    file = Path(__file__).parent / "moving.gif"
    few[0].save(file, save_all=True, append_images=few[1:], duration=list(times), loop=0, optimize=True)


if __name__ == "__main__":
    main()
