"""Each study once against a real engine, on few and small pictures: it is slow."""

import pytest

SMALL = ("--max-tokens=16", "--questions=Q6", "--concurrency=2")


@pytest.fixture
def ask(inner, real_engine):
    """Runs the suite against the engine; more options follow."""

    def run(*options):
        return inner.run("--model-url", real_engine, "--model=tiny-vlm", *SMALL, *options, timeout_s=300.0)

    return run


def test_demonstrations(ask, tiny_folder):
    result = ask("--dataset", str(tiny_folder), "--shots", "0", "2", "--shot-families=drag")

    none, two = result.report["shots"]
    assert (4, 4) == (none["coverage"]["measured"], two["coverage"]["measured"]), result.out
    asked = {record.get("variant", ""): record["prompt_tokens"] for record in result.records}
    assert asked["2-shot"] > asked[""]


def test_controls(ask, tiny_folder):
    result = ask("--dataset", str(tiny_folder), "--control=blank,sibling", "--limit=2", "--modes=zeroshot")

    assert {"": 2, "blank": 2, "sibling": 2} == {
        variant: sum(record.get("variant", "") == variant for record in result.records)
        for variant in ("", "blank", "sibling")
    }
    assert "Visual gain over a blank picture" in result.out


def test_load(ask, tiny_folder):
    result = ask("--dataset", str(tiny_folder), "--parallel=1", "--number=3", "--warmup=1")

    assert 0 == result.exit_status, result.out
    page = (result.run_dir / "report.html").read_text()
    assert "data:image/svg+xml;base64," in page
    assert "TTFT, to the first token" in page


def test_redrawn_plots(ask):
    dataset = "synthetic:seed=7,per-scenario=1,families=tweezer_array"
    result = ask("--dataset", dataset, "--perturb=jpeg", "--limit=1", "--no-html")

    assert {"", "jpeg"} == {record.get("variant", "") for record in result.records}, result.out
    assert [1, 1] == [
        entry["items"] for entry in result.report["perturbations"] if entry["group"] in {"Q6", "Mean"}
    ]


def test_a_mix(ask, tiny_folder, tmp_path):
    part = f'[[part]]\nname = "%s"\ndataset = "{tiny_folder}"\nweight = %d\nfamilies = ["%s"]\nmodes = ["zeroshot"]\n'
    mix = tmp_path / "mix.toml"
    mix.write_text('title = "two"\nsamples = 4\n' + part % ("r", 3, "rabi") + part % ("d", 1, "drag"))
    result = ask("--mix", str(mix))

    assert [3, 1] == [entry["weight"] for entry in result.report["mix"]["parts"]], result.out
    assert 4 == len(result.records)
