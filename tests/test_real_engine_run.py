"""The suite against a real engine: a real plot, real token counts, and a prompt that is too long for it."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from qcal_plugin.dataset.layout import CONFIG_FILE, FEWSHOT_FILE, SAMPLES_FILE

SAMPLE = "rydberg_spectroscopy_success_a"  # its picture is the smallest: the engine is slow
DEMONSTRATION = f"<image> {'The curve is what one expects of a calibrated device. ' * 5}Status: SUCCESS\n"


@pytest.fixture
def one_real_sample(sample_folder, tmp_path):
    """A folder with one of the real samples, and an ICL row of which one prompt holds twenty demonstrations."""
    folder = tmp_path / "one real sample"
    folder.mkdir()
    samples = pq.read_table(sample_folder / SAMPLES_FILE)
    (sample,) = [row for row in samples.to_pylist() if row["id"] == SAMPLE]
    fewshot = pq.read_table(sample_folder / FEWSHOT_FILE)
    icl = fewshot.to_pylist()[0] | {
        "source_id": SAMPLE,
        "experiment_type": sample["experiment_type"],
        "q3_prompt": "What follows from <image>?",
        "q5_prompt": DEMONSTRATION * 20 + sample["q5_prompt"],
        "q6_prompt": "<image> Status: SUCCESS\n" + sample["q6_prompt"],
        "image_ids": sample["image_ids"][:1] * 25,
    }
    pq.write_table(pa.Table.from_pylist([sample], schema=samples.schema), folder / SAMPLES_FILE)
    pq.write_table(pa.Table.from_pylist([icl], schema=fewshot.schema), folder / FEWSHOT_FILE)
    (folder / CONFIG_FILE).write_bytes((sample_folder / CONFIG_FILE).read_bytes())
    return folder


def test_real_engine_is_asked_to_the_end_and_only_the_prompt_it_cannot_hold_fails(
    inner, real_engine, one_real_sample
):
    """Its context is 4,096 tokens."""
    result = inner.run(
        *("--model-url", real_engine, "--model=tiny-vlm", "--dataset", str(one_real_sample)),
        *("--questions=Q5,Q6", "--max-tokens=24", "--concurrency=2"),
        timeout_s=300.0,
    )

    assert 1 == result.exit_status, result.out
    by_item = {(record["question"], record["mode"]): record for record in result.records}
    failed = by_item.pop(("Q5", "icl"))
    assert ("request_failed", "context_overflow", 400) == (
        failed["status"],
        failed["error"]["kind"],
        failed["error"]["http_status"],
    )
    assert "context" in failed["error"]["message"]
    assert 1 == failed["attempts"]
    assert f"no answer: HTTP 400: {failed['error']['message'].removeprefix('HTTP 400: ')}" in result.out

    assert {("Q5", "zeroshot"), ("Q6", "zeroshot"), ("Q6", "icl")} == by_item.keys()
    for record in by_item.values():
        assert "scored" == record["status"]
        assert 300 < record["prompt_tokens"] < 4096
        assert 0 < record["completion_tokens"] <= 24
        assert record["answer"]
    assert by_item["Q6", "icl"]["prompt_tokens"] > by_item["Q6", "zeroshot"]["prompt_tokens"]
