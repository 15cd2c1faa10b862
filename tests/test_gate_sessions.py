"""Sessions with ``--gate`` have the verdicts of the simulation (`tests.gate_sessions` runs them at full size)."""

from tests.gate_sessions import (
    BEGIN,
    DOCUMENT,
    END,
    Kind,
    Session,
    Sessions,
    closing,
    into_document,
    table,
)
from tests.gate_simulation import Design

pytest_plugins = ["pytester"]

SMALL = Design("up to 2 against 2", 2, (1, 2))


def test_a_session_has_the_verdict_and_the_repeats_of_the_simulation(quick, endpoint):
    """Of releases that pass and that fail, after one look and after two; plain and with workers."""
    sessions = Sessions(quick, endpoint, samples=44, design=SMALL)
    done = [
        sessions.run(Kind(scenario=scenario, flips=0.03, workers=workers), release)
        for scenario, workers, release in (("same", 0, 0), ("new", 2, 0), ("drop of 4", 0, 2))
    ]
    assert [] == [session for session in done if not session.agrees]
    assert {"PASS", "FAIL"} <= {session.verdict for session in done}
    assert {1, 2} == {session.repeats for session in done}


def session(verdict, **fields):
    expected = {"expected_verdict": verdict, "expected_repeats": 2}
    given = {"scenario": "same", "flips": 0.35, "workers": 0, "release": 0, "repeats": 2, "seconds": 1.0}
    return Session(verdict=verdict, exit_status=0, **{**expected, **given, **fields})


def test_the_table_counts_sessions_and_says_how_sure_it_is():
    done = [session("PASS"), session("PASS", workers=2), session("PASS", workers=2, expected_repeats=3)]
    assert ["| same | 35% | 1 + 2 | PASS | 1.00 | 0.29 to 1.00 | 2.0 |"] == list(table(done))[2:]
    assert "3 sessions; 2 have the verdict" in closing(done)


def test_the_table_goes_between_its_marks(tmp_path):
    document = tmp_path / "ci.md"
    document.write_text(f"before\n{BEGIN}old\n{END}after\n")
    into_document(["| new |"], document)
    assert f"before\n{BEGIN}\n| new |\n\n{END}after\n" == document.read_text()
    assert BEGIN in DOCUMENT.read_text()
