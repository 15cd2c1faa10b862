"""The parts of bench/: the suite accepts its dataset, its endpoint counts correctly, its verdicts are fair."""

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from bench.make_dataset import make
from bench.measure import Delays, endpoint
from bench.server import lognormal
from bench.tables import Target, target_table
from qcal_plugin.dataset.prepare import prepare
from reports.records.records import ItemKey


def chat(text, **more):
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": text}]}], **more}


def test_dataset_is_accepted_and_no_two_prompts_are_equal(tmp_path):
    make(tmp_path / "dataset", samples=5, icl_rows=4, copies=2)
    dataset = prepare(str(tmp_path / "dataset"), cache=tmp_path / "cache")
    assert () == dataset.warnings
    keys = [
        ItemKey(sample.sample_id, question, mode)
        for sample in dataset.samples
        for mode in sample.modes
        for question in mode.questions
    ]
    assert 10 * 6 + 8 * 3 == len(keys) == len({dataset.case(key).prompt for key in keys})


def test_endpoint_counts_requests_duplicates_and_peak():
    with endpoint(Delays(fixed_s=0.5)) as url:

        def ask(text):
            return httpx.post(f"{url}/model/v1/chat/completions", json=chat(text), timeout=10)

        with ThreadPoolExecutor(4) as pool:
            replies = list(pool.map(ask, ["a", "b", "c", "a"]))
        stats = httpx.get(f"{url}/stats").json()
    assert {200} == {reply.status_code for reply in replies}
    assert (4, 1, 4) == tuple(stats["model"][name] for name in ("requests", "duplicates", "in_flight_peak"))
    assert stats["judge"]["requests"] == 0


def test_long_tailed_delays_are_the_same_however_a_client_writes_json():
    delay_s = lognormal(2.0, 0.8)
    plain = json.dumps(chat("question")).encode()
    other = json.dumps({"temperature": 0, **chat(" question\n")}, indent=1).encode()
    assert delay_s(plain) == delay_s(other) != delay_s(json.dumps(chat("another")).encode())


@pytest.mark.parametrize(("verdict", "value"), [("reached", 1.1), ("missed", 1.11), ("not measured", None)])
def test_targets_say_whether_they_were_reached(verdict, value):
    assert target_table([Target("wall", value, 1.10)]).endswith(verdict)
