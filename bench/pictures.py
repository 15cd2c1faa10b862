"""Make the pictures of README and docs: report.html of a demo run, and a site over scripted models.

make pictures
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.many_runs import write_runs
from reports.comparing import Choices, compare_runs
from reports.site.build import build_site

if TYPE_CHECKING:
    from playwright.sync_api import Browser

REPOSITORY = Path(__file__).parents[1]
DOCS = REPOSITORY / "docs"
DEMO = (
    "--demo",
    "--baseline",
    "nearest",
    "--control",
    "blank",
    "--judge-baselines",
    "--floors",
    "--limit",
    "87",
)
"""As in ``make demo``."""
WIDTH, HEIGHT = 1280, 860
MODELS, HISTORY = 10, 12
SITE_PICTURES = (
    ("site-board.png", "#board"),
    ("site-pairs.png", "#pairs"),
    ("site-histories.png", "#histories"),
)
ITEM = "#item=t1_success_03&question=Q6&mode=zeroshot"


def main() -> None:
    with tempfile.TemporaryDirectory() as name, browser() as chromium:
        folder = Path(name)
        run_dir = folder / "run"
        command = [sys.executable, "-m", "pytest", *DEMO, f"--run-dir={run_dir}", "-q"]
        subprocess.run([*command, "-o", f"cache_dir={folder}/cache"], cwd=REPOSITORY, check=True)
        photograph(chromium, run_dir / "report.html", DOCS / "report.png")
        write_runs(run_dir, folder / "runs", models=MODELS, history=HISTORY, full=True)
        site = build_site([folder / "runs"], folder / "site").index
        for picture, fragment in SITE_PICTURES:
            photograph(chromium, site, DOCS / picture, fragment=fragment)
        photograph(chromium, site, DOCS / "site-item.png", fragment=ITEM, ready="#detail .answers")
        page = folder / "comparison.html"
        recipes = sorted((folder / "runs").iterdir())[-5:]
        compare_runs(recipes, Choices(labels=("base", "sft", "dpo", "grpo", "merged")), page)
        photograph(chromium, page, DOCS / "comparison.png", ready="main")


@contextmanager
def browser() -> Iterator[Browser]:
    """Debian's chromium."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("chromium is not installed (Debian: apt-get install chromium)")
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


def photograph(
    chromium: Browser, page: Path, picture: Path, *, fragment: str = "", ready: str = "#count:not(:empty)"
) -> None:
    """Take a picture of the window once ``ready`` is there, with the fragment's section at its top."""
    window = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
    window.goto(page.as_uri() + fragment)
    window.wait_for_selector(ready)
    window.wait_for_load_state("networkidle")
    window.screenshot(path=picture)
    window.close()
    print(f"written: {picture}")


if __name__ == "__main__":
    main()
