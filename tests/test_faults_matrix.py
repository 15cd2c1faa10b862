"""Each way in which a server or network can fail: requests sent, waiting, record and message (docs/reliability.md)."""

import shutil

import pytest

from tests.fault_matrix import BEGIN, DOCUMENT, END, FAULTS, HEAD, line, measure
from tests.fault_servers import self_signed


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_met_as_documented(fault, tmp_path):
    if fault.server is self_signed and shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificate, is not installed")

    observed = measure(fault, tmp_path)

    assert fault.kind == observed.kind
    assert fault.requests == observed.sent
    assert observed.arrived is None or fault.requests == len(observed.arrived)
    assert fault.wait.value[0] <= observed.waited_s
    assert line(fault, observed) in DOCUMENT.read_text(), "python -m tests.fault_matrix rewrites the table"


def test_the_documented_table_has_these_rows_and_no_others():
    table = DOCUMENT.read_text().partition(BEGIN)[2].partition(END)[0]

    assert [fault.name for fault in FAULTS] == [
        row.removeprefix("| ").partition(" | ")[0] for row in table.removeprefix(HEAD).splitlines()
    ]
