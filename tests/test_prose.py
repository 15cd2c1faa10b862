"""The prose linter reads the texts of each kind of file, and only what it is told to leave out is left out."""

import pytest

from tests.prose import findings, report

VOCABULARY = {
    "words": [{"pattern": "blue moon", "better": "rare"}, {"pattern": "a{2}h+", "better": "oh"}],
    "variables": {"found": "a name that says what"},
}


def lines(source, *, python=True):
    return [(finding.line, finding.better) for finding in findings(source, VOCABULARY, python=python)]


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ('"""Return.\n\nBlue\nmoon of them.\n"""\n', 3),
        ("x = 1\n# blue\n# moon of them\n", 2),
        ("x = 1  # blue moon\n", 1),
        ("raise ValueError(\n    f'{x} is blue '\n    'moon'\n)\n", 2),
        ("\ndef test_blue_moon_tests(): ...\n", 2),
    ],
)
def test_docstrings_comments_strings_and_names_are_read(source, line):
    assert [(line, "rare")] == lines(source)


def test_bound_names_are_read():
    source = "found = 1\ndef f(found): return found\nfor x, found in []: ...\nkept = [x for found in x]\n"
    assert [1, 2, 3, 4] == sorted(line for line, _ in lines(source))


def test_code_is_not_read_as_text():
    assert [] == lines("blue = moon\ncall(blue, moon)['blue_moon']\n")


def test_all_of_a_document_is_read_across_line_breaks():
    assert [(2, "rare"), (4, "oh")] == lines("# Title\nThere are blue\nmoon\n> aahh\n", python=False)


def test_words_are_matched_as_wholes():
    assert [] == lines("ablue moon, blue moons, aahed", python=False)


def settings(**others):
    return {**VOCABULARY, "words": [{"pattern": "pytest", "better": "x"}], "never_read": [], **others}


def test_listed_files_are_left_out_unless_they_are_named():
    everything_else = ["[!p]*", "pyproject.toml"]
    strict = list(report([], settings(not_yet_edited=everything_else)))
    assert strict
    assert all(line.startswith("pytest.ini:") for line in strict)
    assert [] == list(report([], settings(not_yet_edited=[*everything_else, "pytest.ini"])))
    assert strict == list(report(["pytest.ini"], settings(not_yet_edited=["pytest.ini"])))


def test_exceptions_excuse_their_text_in_their_file_and_must_excuse_something():
    def with_exception(text):
        exceptions = [{"file": "pytest.ini", "text": text, "reason": "a section's name"}]
        return list(report(["pytest.ini"], settings(not_yet_edited=[], exceptions=exceptions)))

    assert len(with_exception("[pytest]")) == len(with_exception("elsewhere")) - 2
    assert "the exception “elsewhere” excuses nothing; remove it" in with_exception("elsewhere")[-1]
