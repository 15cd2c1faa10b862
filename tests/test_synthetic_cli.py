"""``python -m synthetic``: what it writes and how it fails."""

import json
import os

import pytest
from PIL import Image

from synthetic.__main__ import main
from synthetic.families import load_family


def test_out_sheet_and_sft_are_written_together(tmp_path, capsys):
    arguments = ["--seed", "5", "--per-scenario", "2", "--families", "ramsey_freq_cal"]
    wanted = [
        "--out",
        str(tmp_path / "out"),
        "--sheet",
        str(tmp_path / "sheet.png"),
        "--sft",
        str(tmp_path / "sft"),
    ]
    assert 0 == main([*arguments, *wanted])
    assert 4 == len(list((tmp_path / "out").iterdir()))
    assert (2100, 300) == Image.open(tmp_path / "sheet.png").size
    assert {"README.md", "zeroshot.parquet", "icl.parquet"} == {
        path.name for path in (tmp_path / "sft").iterdir()
    }
    assert "" == capsys.readouterr().out


def test_a_perturbed_data_set_is_written_under_its_name(tmp_path):
    assert 0 == main(["--out", str(tmp_path), "--per-scenario", "1", "--families", "t1", "--perturb", "dpi"])
    assert "families=t1,perturb=dpi" in (tmp_path / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to do: give --out DIR, --sheet FILE.png or --sft DIR"),
        (["--beside", "x"], "--beside needs --out FILE.png"),
        (
            ["--beside", "nowhere", "--out", "x.png"],
            "nowhere: no real plots; expected test-*.parquet of the Hub",
        ),
        (["--out", "x", "--families", "rabbi"], "families=rabbi: unknown; there are "),
        (["--out", "x", "--balance", "even"], "balance=even: unknown; there is benchmark"),
        (["--out", "x", "--per-scenario", "0"], "per-scenario=0: must be 1 or more"),
        (
            ["--out", "x", "--siblings", "2", "--families", "t1"],
            "siblings=2: must be 0 to 1, at most one for each",
        ),
        (
            ["--sft", "x", "--per-scenario", "1", "--families", "t1"],
            "no in-context conversations: no scenario type has two samples. Give --per-scenario 2 or more",
        ),
        (["--sft", "x", "--modes", "zero"], "--modes zero: unknown; there are zeroshot, icl"),
        (["--out", "x", "--format", "trl"], "--format and --modes are options of --sft DIR"),
        (["--out", "x", "--families", __file__], "unknown; there are "),
        (["--out", "x", "--families", os.devnull], "families=/dev/null: unknown"),
        (
            ["--out", "x", "--perturb", "blur"],
            "perturb=blur: unknown; there are colormap, dpi, jpeg, axis-order",
        ),
    ],
)
def test_a_mistake_is_one_line(arguments, message, capsys):
    assert 2 == main(arguments)
    error = capsys.readouterr().err
    assert error.startswith("python -m synthetic: ")
    assert message in error
    assert 1 == len(error.splitlines())


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert 2 == main(["--out", str(tmp_path / "file"), "--per-scenario", "1", "--families", "t1"])
    assert str(tmp_path / "file") in capsys.readouterr().err


def real_folder(tmp_path, image, scenario):
    folder = tmp_path / "real"
    folder.mkdir()
    (folder / "a.png").write_bytes(image)
    row = {"id": f"{scenario}_a", "experiment_type": scenario, "image": "a.png"}
    (folder / "rows.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    return folder


def test_real_plots_of_both_layouts_are_left_of_ours(tmp_path):
    assert 0 == main(
        ["--out", str(tmp_path / "hub"), "--per-scenario", "1", "--families", "pingpong", "--seed", "1"]
    )
    Image.new("RGB", (200, 100), "magenta").save(tmp_path / "flat.png")
    listed = real_folder(tmp_path, (tmp_path / "flat.png").read_bytes(), "pingpong_success_well_calibrated")
    sheet = tmp_path / "sheet.png"
    beside = ["--beside", str(listed), str(tmp_path / "hub"), "--out", str(sheet)]
    assert 0 == main([*beside, "--per-scenario", "1", "--families", "pingpong"])
    picture = Image.open(sheet)
    assert (3 * 420, 4 * 300) == picture.size
    row = [scenario.name for scenario in load_family("pingpong").scenarios].index(
        "pingpong_success_well_calibrated"
    )
    assert (255, 0, 255) == picture.getpixel((50, row * 300 + 50))


def test_a_folder_without_a_plot_of_the_families_is_one_line(tmp_path, capsys):
    folder = real_folder(tmp_path, b"", "t1_success")
    assert 2 == main(["--beside", str(folder), "--out", str(tmp_path / "s.png"), "--families", "drag"])
    assert f"{folder}: no plot of drag" in capsys.readouterr().err
