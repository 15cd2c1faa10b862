"""The file of ``--mix``: what it says, and its mistakes in one line."""

import subprocess
import sys

import pytest

from qcal_plugin.mix.file import MixFileError, read_mix_file
from scoring.questions import Mode, Question
from tests.inner_run import REPOSITORY
from tests.mix_factory import part, toml
from tests.refusals import refusal


@pytest.fixture
def read(tmp_path):
    def read(text):
        file = tmp_path / "mix.toml"
        file.write_text(text)
        return read_mix_file(file)

    return read


def test_everything_that_a_part_can_say(read):
    mix = read(
        toml(
            part("published", "nvidia/QCalEval", 3, revision="v1", families=["drag"], modes=["icl"]),
            part("fresh_2-b", "synthetic:seed=8", 0.5, questions=["q6", "Q2"]),
            title="bring-up index",
            seed=4,
            samples=120,
        )
    )
    first, second = mix.parts
    assert ("bring-up index", 4, 120) == (mix.title, mix.seed, mix.samples)
    assert ("published", "nvidia/QCalEval", "v1", 3) == (
        first.name,
        first.dataset,
        first.revision,
        first.weight,
    )
    assert (("drag",), tuple(Question), (Mode.ICL,)) == (first.families, first.questions, first.modes)
    assert ("fresh_2-b", 0.5, None, None) == (second.name, second.weight, second.revision, second.families)
    assert ((Question.Q2, Question.Q6), tuple(Mode)) == (second.questions, second.modes)


def test_what_is_left_out(read):
    mix = read(toml(part()))
    assert (0, None) == (mix.seed, mix.samples)


def test_a_relative_folder_is_next_to_the_file(read, tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    monkeypatch.chdir("/")
    parts = [read(toml(part(dataset=name))).parts[0] for name in ("data", "./absent", "nvidia/QCalEval")]
    assert [str(tmp_path / "data"), str(tmp_path / "absent"), "nvidia/QCalEval"] == [
        part.location for part in parts
    ]
    assert "data" == parts[0].dataset


def test_the_example_parses():
    mix = read_mix_file(REPOSITORY / "examples" / "mix.toml")
    assert ["diagnosis", "published", "fresh"] == [part.name for part in mix.parts]


TWO = toml(part("a"), part("b"), part("a"))
MISTAKES = [
    ("", "the file: title is None; expected a text"),
    ("title = 3", "the file: title is 3; expected a text"),
    (toml(part(), title="two\nlines"), "title is 'two\\nlines'; expected text on one line"),
    ('title = "x"', "no [[part]] in it: without one there is nothing to mix"),
    ('title = "x"\npart = [3]', "part 1 is 3; expected a table"),
    ("[[part]", "not TOML ("),
    (toml(part(), sample=3), "the file: unknown key 'sample'; known: part, samples, seed, title"),
    (toml(part(), samples=0), "the file: samples is 0; expected a number of samples, 1 or more"),
    (toml(part(), samples=True), "the file: samples is True; expected a number of samples"),
    (toml(part(), samples=1.5), "the file: samples is 1.5; expected a number of samples"),
    (toml(part(), seed="a"), "the file: seed is 'a'; expected a whole number"),
    (toml({"dataset": "x"}), "part 1: name is None; expected a text"),
    (toml(part("a/b")), "part 1: name is 'a/b'; expected letters, digits, _ and - only"),
    (TWO, "part 3: name 'a' is the name of another part"),
    (
        toml(part("a", family="drag")),
        "part 1: unknown key 'family'; known: dataset, families, modes, name, questions",
    ),
    (toml({"name": "a", "weight": 1}), "part a: dataset is None; expected a text"),
    (toml(part("a", revision=3)), "part a: revision is 3; expected a text"),
    (toml({"name": "a", "dataset": "x"}), "part a: weight is None; expected a number above 0, at most 1e+09"),
    (toml(part("a", weight=0)), "part a: weight is 0; expected a number above 0"),
    (toml(part("a", weight=-1)), "part a: weight is -1; expected a number above 0"),
    (
        toml(part("a", weight=1e10)),
        "part a: weight is 10000000000.0; expected a number above 0, at most 1e+09",
    ),
    (toml(part("a", weight=True)), "part a: weight is True; expected a number above 0"),
    (toml(part("a", weight="3")), "part a: weight is '3'; expected a number above 0"),
    (
        toml(part("a")).replace("weight = 1", "weight = nan"),
        "part a: weight is nan; expected a number above 0",
    ),
    (
        toml(part("a")).replace("weight = 1", "weight = inf"),
        "part a: weight is inf; expected a number above 0",
    ),
    (toml(part("a", families="drag")), "part a: families is 'drag'; expected a list of strings"),
    (toml(part("a", families=[])), "part a: families is []; expected a list of strings"),
    (
        toml(part("a", questions=["Q7"])),
        "part a: questions: unknown question 'q7': choose from Q1,Q2,Q3,Q4,Q5,Q6",
    ),
    (toml(part("a", questions=[6])), "part a: questions is [6]; expected a list of strings"),
    (toml(part("a", modes=["few"])), "part a: modes: unknown mode 'few': choose from zeroshot,icl"),
]


@pytest.mark.parametrize(("text", "complaint"), MISTAKES, ids=[complaint[:50] for _, complaint in MISTAKES])
def test_a_mistake_is_named_in_one_line(read, text, complaint):
    assert refusal(lambda: read(text), MixFileError, "mix.toml").startswith(complaint)


@pytest.mark.parametrize("name", ["absent.toml", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name):
    with pytest.raises(MixFileError, match=r": (No such file or directory|Is a directory)$"):
        read_mix_file(tmp_path / name)


def test_reading_a_mix_loads_nothing_heavy():
    """Workers read the file, too."""
    heavy = "{'numpy', 'scipy', 'pandas', 'httpx', 'datasets'}"
    code = f"import sys, qcal_plugin.cli.mix; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert "[]" == done.stdout.strip()


def test_the_documented_example_is_the_example():
    example = (REPOSITORY / "examples" / "mix.toml").read_text()
    documented = (
        (REPOSITORY / "docs" / "collections.md").read_text().partition("```toml\n")[2].partition("```")[0]
    )
    assert example.endswith("\n\n" + documented)
