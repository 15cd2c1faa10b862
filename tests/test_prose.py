"""The prose linter reads the texts of each kind of file, except the files that it leaves out."""

import tomllib

import pytest

from tests.prose import ROOT, findings, report

WORDS = tomllib.loads((ROOT / "tests" / "prose.toml").read_text())["words"]

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


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word["example"])
def test_each_pattern_finds_its_example(word):
    vocabulary = {"words": [word], "variables": {}}
    assert [word["better"]] == [
        finding.better for finding in findings(word["example"], vocabulary, python=False)
    ]


def test_bound_names_are_read():
    source = "found = 1\ndef f(found): return found\nfor x, found in []: ...\nkept = [x for found in x]\n"
    assert [1, 2, 3, 4] == sorted(line for line, _ in lines(source))


def test_code_is_not_read_as_text():
    assert [] == lines("blue = moon\ncall(blue, moon)['blue_moon']\n")


def test_all_of_a_document_is_read_across_line_breaks():
    assert [(2, "rare"), (4, "oh")] == lines("# Title\nThere are blue\nmoon\n> aahh\n", python=False)


def test_words_are_matched_as_wholes():
    assert [] == lines("ablue moon, blue moons, aahed", python=False)


def lines_about(text, **others):
    words = [{"pattern": "pytest", "better": "x"}]
    return list(report([text], {**VOCABULARY, "words": words, "never_read": [], **others}))


def test_named_files_are_read_unless_they_are_left_out():
    assert lines_about("pytest.ini")
    assert all(line.startswith("pytest.ini:") for line in lines_about("pytest.ini"))
    assert [] == lines_about("pytest.ini", never_read=["*.ini"])


def test_exceptions_excuse_their_text_in_their_file_and_must_excuse_something():
    def with_exception(text):
        exceptions = [{"file": "pytest.ini", "text": text, "reason": "a section's name"}]
        return lines_about("pytest.ini", exceptions=exceptions)

    assert len(with_exception("[pytest]")) == len(with_exception("elsewhere")) - 2
    assert "the exception “elsewhere” excuses nothing; remove it" in with_exception("elsewhere")[-1]
