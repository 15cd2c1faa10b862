"""Input from outside is read or refused, never fatal. tests/fuzz_targets.py lists it, and runs under atheris, too."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcal_plugin.dataset.errors import DatasetError
from qcal_plugin.dataset.intake import ImageIntake
from qcal_plugin.dataset.layout import SAMPLES_FILE
from qcal_plugin.dataset.rows import read_samples
from tests.dataset_factory import tiny_dataset
from tests.fuzz_targets import (
    SEEDS,
    TARGETS,
    answer_journal,
    chat_reply,
    error_body,
    gates,
    mixes,
    prices,
    records,
    run_manifest,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@st.composite
def spoiled(draw, seeds):
    """A valid input with a piece replaced, or any bytes."""
    seed = draw(st.sampled_from(seeds))
    start = draw(st.integers(0, len(seed)))
    end = draw(st.integers(start, len(seed)))
    return seed[:start] + draw(st.binary(max_size=20)) + seed[end:]


@st.composite
def reshaped(draw, seed):
    """Valid JSON in which one value, at any depth, is another."""
    data = json.loads(seed)
    place = data
    while True:
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not (isinstance(place[key], dict | list) and place[key] and draw(st.booleans())):
            place[key] = draw(JSON)
            return json.dumps(data).encode() + b"\n"
        place = place[key]


@pytest.mark.parametrize("name", TARGETS)
def test_anything_is_read_or_refused(name):
    target = TARGETS[name]

    @settings(max_examples=60)
    @given(st.one_of(st.binary(max_size=200), spoiled(SEEDS[target])))
    def check(data):
        target(data)

    check()


JSON_SEEDS = [
    (target, SEEDS[target][0]) for target in (chat_reply, error_body, answer_journal, records, run_manifest)
]
JSON_SEEDS.append((run_manifest, SEEDS[run_manifest][1]))  # of a mix


@pytest.mark.parametrize(("target", "seed"), JSON_SEEDS)
def test_json_of_any_shape_is_read_or_refused(target, seed):
    @settings(max_examples=60)
    @given(reshaped(seed))
    def check(data):
        target(data)

    check()


NOT_HASHABLE = (
    b'{"type": "answer", "sample_id": [], "question": "Q6", "mode": "icl", '
    b'"request_sha256": "", "answer": {}}\n'
)
FOUND = [  # inputs that once raised something else
    (prices, b"a = " + b"[" * 3000),
    (gates, b"a = " + b"[" * 3000),
    (mixes, b"a = " + b"[" * 3000),
    (answer_journal, NOT_HASHABLE),
    (records, SEEDS[records][0].replace(b'"drag_success_a"', b"[]")),
    (run_manifest, SEEDS[run_manifest][0].replace(b'"drag_success_a"', b"[]")),
]


@pytest.mark.parametrize(("target", "data"), FOUND)
def test_what_fuzzing_found_stays_mended(target, data):
    target(data)


@settings(max_examples=25)
@given(
    column=st.sampled_from(
        ["id", "experiment_type", "q5_scoring", "q1_answer", "q5_answer", "q6_expected_status"]
    ),
    text=st.text(max_size=30) | JSON.map(json.dumps),
)
def test_dataset_rows_are_read_or_refused(tmp_path_factory, column, text):
    dataset = tiny_dataset()
    dataset.samples = dataset.samples[:1]
    dataset.samples[0][column] = text.encode("utf-8", "replace").decode()
    folder = dataset.write(tmp_path_factory.mktemp("rows"))
    with contextlib.suppress(DatasetError), ImageIntake(folder / "images") as images:
        read_samples(folder / SAMPLES_FILE, {}, images)
