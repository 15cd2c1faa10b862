"""Run one target of tests/fuzz_targets.py under atheris, which is not among our dependencies: ``pip install atheris``.

python -m tests.fuzz chat_reply -max_total_time=60
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["json", "scoring", "reports", "qcal_plugin"]):
    from tests.fuzz_targets import SEEDS, TARGETS

if __name__ == "__main__":
    target = TARGETS[sys.argv.pop(1)]
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(SEEDS[target]):
            (Path(corpus) / str(number)).write_bytes(seed)
        atheris.Setup([*sys.argv, corpus], target)
        atheris.Fuzz()
