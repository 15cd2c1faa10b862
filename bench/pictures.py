"""The picture on top of the README: report.html of a run with the demo's stand-ins, which its head names.

make pictures
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
PICTURE = REPOSITORY / "docs" / "report.png"
DEMO = ("--demo", "--baseline", "nearest", "--control", "blank", "--judge-baselines", "--floors", "--limit", "87")
"""As in ``make demo``."""
WIDTH, HEIGHT = 1280, 860


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        command = [sys.executable, "-m", "pytest", *DEMO, f"--run-dir={run_dir}", "-q"]
        subprocess.run([*command, "-o", f"cache_dir={folder}/cache"], cwd=REPOSITORY, check=True)
        photograph(run_dir / "report.html", PICTURE)
    print(f"written: {PICTURE}")


def photograph(page: Path, picture: Path) -> None:
    """The top of the page, as Debian's chromium shows it."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("chromium is not installed (Debian: apt-get install chromium)")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        window = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        window.goto(page.as_uri())
        window.wait_for_selector("#count:not(:empty)")
        window.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    main()
