"""Make files of ``--mix``, and runs of a mix without a dataset."""

import json

from tests.run_factory import run_of


def toml(*parts, title="index", **keys):
    """Return the text of a mix file; a part is a mapping of its keys."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in {"title": title, **keys}.items()]
    for part in parts:
        lines += ["[[part]]", *(f"{key} = {json.dumps(value)}" for key, value in part.items())]
    return "\n".join(lines) + "\n"


def part(name="all", dataset="data", weight=1, **keys):
    return {"name": name, "dataset": dataset, "weight": weight, **keys}


def described(name, weight=1, *, source=None, dataset="nvidia/QCalEval", revision="abc", **more):
    """Return a part as a run's settings describe it."""
    return {
        "name": name,
        "dataset": dataset,
        "revision": revision,
        "weight": weight,
        "source": source or name,
        **more,
    }


def mix_run(values, *parts, title="index", **fields):
    """Return a run of a mix, from ``{(sample, question, mode): value}`` as `run_of` takes it."""
    settings = {"max_tokens": 16384, "temperature": 0.0, "mix": {"title": title, "parts": list(parts)}}
    stated = {"dataset": f"mix:{title}", "dataset_revision": "sha256:1", "settings": settings, **fields}
    return run_of(values, **stated)
