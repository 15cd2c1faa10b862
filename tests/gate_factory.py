"""Make gate files and runs with known figures for tests of verdicts."""

from dataclasses import replace

from reports.gates.file import Decision, Gate, GateFile, parse_metric
from reports.gates.verdicts import judge_run
from reports.records.records import Run
from tests.run_factory import manifest, planned_item, scored


def gate(metric="zeroshot.Q6", **fields):
    """Return a gate; ``min``, ``max`` and ``max_drop`` are in points, as in a file."""
    condition = {name: fields.pop(name) for name in ("min", "max", "max_drop") if name in fields}
    ((name, value),) = condition.items()
    threshold = (-value if name == "max_drop" else value) / 100
    decision = Decision(fields.pop("mode", "interval"))
    return Gate(
        metric=parse_metric(metric), threshold=threshold, at_most=name == "max", decision=decision, **fields
    )


def gate_file(path, *gates, **limits):
    return GateFile(path=path, gates=gates, **limits)


def run_with(values, **fields):
    """Return a run from ``{(question, mode): values}``, a sample for each value; a tuple of values holds repeats.

    A value of None was planned and not measured. Samples are in families of ten: f0, f1, ...
    """
    items, records = [], []
    for (question, mode), samples in values.items():
        for number, repeats in enumerate(samples):
            for repeat, value in enumerate(repeats if isinstance(repeats, tuple) else (repeats,)):
                family = f"f{number // 10}"
                item = planned_item(
                    f"s{number:03}", question, mode, family=family, scenario=f"{family}_s", repeat=repeat
                )
                items.append(item)
                if value is not None:
                    records.append(scored(item, value))
    return Run(manifest=manifest(items), records=tuple(records), **fields)


def q6(*values):
    """Return a run of zero-shot Q6 alone."""
    return run_with({("Q6", "zeroshot"): values})


def renamed(run, run_id="another"):
    """Return the same answers as another run's: a run against itself is a special case."""
    return replace(run, manifest=replace(run.manifest, run_id=run_id))


def right(count, of):
    return [1.0] * count + [0.0] * (of - count)


def verdict(run, *gates, baselines=None, **limits):
    """Return the verdict on the first gate."""
    return judge_run(gate_file("gates.toml", *gates, **limits), run, baselines or {}).results[0]
