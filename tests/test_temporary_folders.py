"""Temporary folders: removed at the end, and those of killed sessions by the next one."""

import subprocess
import sys

import pytest

from qcal_plugin.dataset.temporary import LOCK_NAME, TemporaryFolder

HOLD = """
import sys, time
from qcal_plugin.dataset.temporary import TemporaryFolder
folder = TemporaryFolder(sys.argv[1], "made-")
(folder.path / "content").write_text("much")
print(folder.path, flush=True)
time.sleep(300)
"""


@pytest.fixture
def other_process(tmp_path):
    """A process that has made a folder, and the folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    yield process, tmp_path / process.stdout.readline().strip().rpartition("/")[2]
    process.kill()
    process.communicate()


def test_a_folder_is_removed_at_the_end(tmp_path):
    with TemporaryFolder(tmp_path, "made-") as folder:
        (folder / "content").write_text("much")
        assert 0o700 == folder.stat().st_mode & 0o777
    assert [] == list(tmp_path.iterdir())


def test_the_folder_of_a_killed_process_is_removed_by_the_next(tmp_path, other_process):
    process, folder = other_process
    with TemporaryFolder(tmp_path, "made-"):
        assert (folder / "content").exists()
    process.kill()
    process.wait()
    assert folder.exists()
    with TemporaryFolder(tmp_path, "other-"):
        assert folder.exists()
    with TemporaryFolder(tmp_path, "made-") as mine:
        assert [mine] == list(tmp_path.iterdir())


def test_what_is_not_a_left_over_folder_stays(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    for name in (elsewhere, tmp_path / "made-longer-name"):
        name.mkdir()
        (name / LOCK_NAME).touch()
    (tmp_path / "made-12345678").symlink_to(elsewhere)
    linked_lock = tmp_path / "made-abcdefgh"
    linked_lock.mkdir()
    (linked_lock / LOCK_NAME).symlink_to(elsewhere / LOCK_NAME)
    (tmp_path / "made-nolock00").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with TemporaryFolder(tmp_path, "made-"):
        pass
    assert before == sorted(tmp_path.rglob("*"))
