"""The suite as users install it: a wheel in a separate environment, with the dependencies of this one."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.inner_run import OF_OTHERS, REPOSITORY


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledSuite:
    """An environment with the wheel in it."""

    python: Path
    site_packages: Path
    environment: dict[str, str]

    def pytest(self, folder: Path, *arguments: str) -> tuple[int, str]:
        """Return exit status and output of a session in the folder."""
        return self.module(folder, "pytest", "-p", "no:hypothesispytest", *arguments)

    def module(self, folder: Path, *command: str) -> tuple[int, str]:
        """Return exit status and output of ``python -m``."""
        done = subprocess.run(
            [self.python, "-m", *command],
            cwd=folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout

    @contextmanager
    def plugin(self, name: str, code: str) -> Iterator[None]:
        """Install another pytest plugin of one module while the context lasts."""
        module, info = self.site_packages / f"{name}.py", self.site_packages / f"{name}-1.0.dist-info"
        module.write_text(code)
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[pytest11]\n{name} = {name}\n")
        try:
            yield
        finally:
            shutil.rmtree(info)
            module.unlink()


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory, prepared_cache: Path) -> InstalledSuite:
    """An environment with the wheel and everything that this one has except the suite."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    site_packages = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(folder)}))
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if "qcaleval" not in package.name and package.suffix != ".pth":
            (site_packages / package.name).symlink_to(package)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site_packages)
    variables = {
        **{
            name: value
            for name, value in os.environ.items()
            if not name.startswith((*OF_OTHERS, "PYTEST_", "PYTHON"))
        },
        "QCAL_CACHE_DIR": str(prepared_cache),
        "COLUMNS": "80",
    }
    return InstalledSuite(
        python=folder / "bin" / "python", site_packages=site_packages, environment=variables
    )
