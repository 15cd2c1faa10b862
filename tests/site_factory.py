"""Make folders of runs for tests that compare many: three models, an earlier run, one that is not comparable."""

import json
from dataclasses import replace

from reports.records.records import Answer, Run
from tests.report_factory import BENIGN, report_dir, report_run
from tests.run_factory import write_run

MODELS = ("alpha", "beta", "gamma")


def worse(run, share):
    """Return the run with this share of its scores set to 0, at regular intervals."""
    records = [
        replace(record, score=replace(record.score, value=0.0))
        if record.measured and number % 10 < 10 * share
        else record
        for number, record in enumerate(run.records)
    ]
    return replace(run, records=tuple(records))


def measured(run):
    """Return the run without its failed items, so that it can be compared."""
    items = {record.key for record in run.records}
    keep = tuple(record for record in run.records if record.measured)
    planned = tuple(
        item for item in run.manifest.planned if item.key in {record.key for record in keep} & items
    )
    return replace(run, records=keep, manifest=replace(run.manifest, planned=planned))


def model_run(name, day="2026-05-01", share=0.0, text=BENIGN, **fields):
    """Return a run of this model, with ``share`` of its scores set to 0."""
    run = worse(measured(report_run(text)), share)
    times = {"alpha": 2.0, "beta": 1.0, "gamma": 0.5}
    records = [
        replace(record, answer=replace(record.answer or Answer(text=""), latency_s=times.get(name, 1.0)))
        for record in run.records
    ]
    stated = replace(
        run.manifest,
        model=name,
        run_id=f"{day}-{name}".replace("<", "-"),
        started_at=f"{day}T12:00:00Z",
        **fields,
    )
    return Run(manifest=stated, records=tuple(records))


def write_model(folder, name, **about):
    """Write the run's directory, with plots."""
    run = model_run(name, **about)
    target = folder / run.manifest.run_id
    report_dir(target, about.get("text", BENIGN))
    return write_run(run, target)


def runs_folder(folder, text=BENIGN):
    """Write six runs: three models, an earlier run of alpha with a verdict, one by another scorer, a damaged one."""
    write_model(folder, "alpha", text=text)
    earlier = write_model(folder, "alpha", day="2026-04-01", share=0.3, text=text)
    (earlier / "report.json").write_text(json.dumps({"gates": {"verdict": "FAIL"}}))
    write_model(folder, "beta", share=0.2, text=text)
    write_model(folder, "gamma", share=0.6, text=text)
    write_model(folder, "delta", scorer="strict", text=text)
    (folder / "damaged").mkdir()
    (folder / "damaged" / "run.json").write_text("{")
    return folder
