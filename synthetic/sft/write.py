"""A folder of training data: conversations, images and a dataset card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from scoring.questions import Mode
from synthetic.sample import Sample, SampleKey
from synthetic.settings import SYNTHETIC_VERSION, SettingsError, SyntheticSettings
from synthetic.sft.conversations import Format
from synthetic.sft.formats import INFO_FILE, dataset_name, file_name, write_conversations

CARD_FILE = "README.md"

_HOW_TO_LOAD = {
    Format.TRL: '    SFTTrainer(model, train_dataset=load_dataset("{folder}", "{mode}", split="train"), ...)',
    Format.SHAREGPT: "    llamafactory-cli train ... --dataset_dir {folder} --dataset {dataset}",
    Format.SWIFT: "    ROOT_IMAGE_DIR={folder} swift sft ... --dataset {folder}/{file}",
    Format.LLAVA: "    llava/train/train_mem.py ... --data_path {folder}/{file} --image_folder {folder}",
}
_NOTES = {
    Format.TRL: "Columns: `images`, `prompt` and `completion`, so that the loss is that of the answer.",
    Format.SHAREGPT: f"`{INFO_FILE}` describes the files to LLaMA-Factory. Paths are relative to this folder.",
    Format.SWIFT: "Paths are relative to this folder, which is what `ROOT_IMAGE_DIR` is for.",
    Format.LLAVA: (
        "`image` is a path, or a list of paths if the prompt shows several images; LLaVA-NeXT reads both, "
        "the first LLaVA only the former."
    ),
}


def check_modes(keys: Sequence[SampleKey], modes: Sequence[Mode]) -> None:
    """Refuse in-context conversations that no sample can have.

    Raises:
        SettingsError: no scenario type has two samples, so the file would be empty, which trainers refuse.
    """
    counts = Counter((key.family, key.scenario) for key in keys)
    if Mode.ICL in modes and max(counts.values()) < 2:
        raise SettingsError(
            "no in-context conversations: no scenario type has two samples. "
            "Give --per-scenario 2 or more, or --siblings K, or --modes zeroshot"
        )


def write_sft(
    folder: Path, settings: SyntheticSettings, samples: Sequence[Sample], modes: Sequence[Mode], form: Format
) -> None:
    """Write the samples as training data into ``folder``, which is created; files of the same names are replaced.

    Raises:
        OSError: files that cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    counts = write_conversations(folder, samples, modes, form)
    card = _card(folder, settings, len(samples), counts, form)
    (folder / CARD_FILE).write_text(card, encoding="utf-8", newline="\n")


def _card(
    folder: Path, settings: SyntheticSettings, samples: int, counts: Mapping[Mode, int], form: Format
) -> str:
    files = "\n".join(
        f"- config_name: {mode.value}\n  data_files:\n  - split: train\n    path: {file_name(mode, form)}"
        for mode in counts
    )
    # `image` in LLaVA's format is a text or a list, which the datasets library does not load
    configs = "" if form is Format.LLAVA else f"configs:\n{files}\n"
    loading = "\n".join(
        _HOW_TO_LOAD[form].format(
            folder=folder.name or ".", mode=mode.value, file=file_name(mode, form), dataset=dataset_name(mode)
        )
        for mode in counts
    )
    numbers = ", ".join(f"{count} in `{file_name(mode, form)}`" for mode, count in counts.items())
    return f"""---
license: apache-2.0
pretty_name: Synthetic quantum-calibration plots, for fine-tuning
task_categories: [image-text-to-text]
tags: [synthetic, quantum]
{configs}---
# Synthetic quantum-calibration plots, for fine-tuning

**Synthetic. Not the QCalEval benchmark**: plots simulated by QCalEval-pytest, with questions and answers that follow
from the simulated truth. No image, prompt or answer of the benchmark is in here.

- Conversations: {numbers}, about {samples} samples; format `{form}`.
- Families: {", ".join(settings.families)}. Each line names its `family`, `scenario_type`, `question` and `mode`.
- Made as `{settings}`, generator version {SYNTHETIC_VERSION}.
- Licence: Apache-2.0, like the generator.

{_NOTES[form]}
From the folder that holds this one:

{loading}

After training, report scores of the families that were trained on and of the others apart.
"""
