"""The cost of the plugin in sessions without a run, and the memory of a worker."""

import json
import re
import subprocess
import sys

from tests.endpoint import Reply
from tests.inner_run import REPOSITORY
from tests.scripts import always

HEAVY = {
    "httpx",
    "aiohttp",
    "datasets",
    "huggingface_hub",
    "pyarrow",
    "pandas",
    "numpy",
    "scipy",
    "PIL",
    "matplotlib",
}

LEAVE_TRACES = """\
import json, pathlib, sys
def pytest_sessionfinish(session):
    if hasattr(session.config, "workerinput"):
        folder, memory = pathlib.Path(__file__).parent, pathlib.Path("/proc/self/smaps_rollup")
        (folder / "modules.json").write_text(json.dumps(list(sys.modules)))
        (folder / "memory.txt").write_text(memory.read_text() if memory.exists() else "")
"""


def packages(modules):
    return {name.partition(".")[0] for name in modules}


def test_importing_the_plugin_loads_nothing_heavy():
    code = "import sys, json, qcal_plugin.plugin; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, check=True)
    assert set() == packages(json.loads(done.stdout)) & HEAVY


def test_session_without_a_run_loads_nothing_heavy(inner):
    """It does not read a dataset either: other tests in the same folder have no cost."""
    (inner.folder / "test_own.py").write_text(
        f"import sys\ndef test_own():\n    assert {HEAVY!r}.isdisjoint(n.partition('.')[0] for n in sys.modules)\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "."]
    done = subprocess.run(
        command, cwd=inner.folder, env=inner.environment, capture_output=True, text=True, check=False
    )
    assert "1 passed, 2 skipped" in done.stdout, done.stdout


def test_worker_loads_nothing_heavy(inner, endpoint, tiny_folder, capsys):
    """Sixteen workers may run next to a model server; their memory is shown, not asserted."""
    endpoint.script = always(Reply("Status: SUCCESS"))
    (inner.folder / "conftest.py").write_text(LEAVE_TRACES)
    result = inner.run("--model-url", endpoint.base_url, "--dataset", str(tiny_folder), "-n1")
    assert 0 == result.exit_status, result.out

    modules = json.loads((inner.folder / "modules.json").read_text())

    assert set() == packages(modules) & HEAVY
    assert "qcal_plugin.worker.channel" in modules
    memory = re.search(r"^Pss: +(\d+) kB", (inner.folder / "memory.txt").read_text(), re.MULTILINE)
    with capsys.disabled():
        sys.stdout.write(f"[worker: {int(memory[1]) / 1024:.0f} MiB PSS] " if memory else "")
