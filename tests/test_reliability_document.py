import re
from pathlib import Path

TESTS = Path(__file__).parent
NAMED = re.findall(
    r"`(test_\w+\.py)(?:::(test_\w+))?`", (TESTS.parent / "docs" / "reliability.md").read_text()
)


def test_every_test_that_the_document_names_exists():
    assert len(NAMED) > 40
    sources = {file: (TESTS / file).read_text() for file, _ in NAMED}
    assert [] == [f"{file}::{test}" for file, test in NAMED if test and f"def {test}(" not in sources[file]]
