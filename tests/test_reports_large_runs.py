"""Runs whose records stay on the disk: their reports are those of records in memory."""

import json
import tracemalloc
from dataclasses import replace

import pytest

from reports.html import items
from reports.html.page import write_page
from reports.publish import publish
from reports.records import run_files
from reports.records.merge import merge, merge_directories
from reports.records.outcomes import ErrorRule, benchmark_records, counted_records, evaluation_of
from reports.records.run_files import RunFileError, load_run
from reports.records.stored import StoredRecords, final_records
from reports.tables.reported_run import report_on
from tests.report_factory import report_run
from tests.run_factory import failed, planned_item, scored, write_run


@pytest.fixture
def folder(tmp_path):
    """A run with items that were asked several times, before and after they were measured, and one not planned."""
    run = report_run()
    again = run.manifest.planned[:4]
    records = (
        *(failed(item) for item in again[:2]),
        *run.records,
        *(scored(item, 0.25) for item in again),
        scored(planned_item("elsewhere"), 1.0),
    )
    return write_run(replace(run, records=records), tmp_path / "run")


@pytest.fixture
def on_disk(monkeypatch):
    """From now on every run is large."""
    return lambda: monkeypatch.setattr(run_files, "KEPT_ITEMS", 0)


def reports_of(folder):
    for errors in ErrorRule:
        reported = report_on(folder, errors=errors, floors=True, texts=True)
        publish(folder, reported=reported)
        write_page(folder, reported=reported)
    return {name: (folder / name).read_text() for name in ("report.json", "report.md", "report.html")}


def test_reports_do_not_depend_on_where_the_records_are(folder, on_disk):
    kept = reports_of(folder)
    on_disk()
    assert isinstance(load_run(folder).records, StoredRecords)
    assert kept == reports_of(folder)


def test_the_same_records_count(folder, on_disk):
    kept = load_run(folder)
    on_disk()
    stored = load_run(folder)
    assert stored == kept
    assert kept.records[1:3] == stored.records[1:3]
    assert kept.records[-1] == stored.records[-1]
    assert list(counted_records(kept).items()) == list(counted_records(stored).items())
    assert list(benchmark_records(kept)) == list(benchmark_records(stored))
    assert len(counted_records(stored)) + 1 == len(final_records(stored))
    assert evaluation_of(kept) == evaluation_of(stored)


def test_runs_whose_records_are_on_the_disk_are_merged_as_others(folder, on_disk, tmp_path):
    write_run(load_run(folder), tmp_path / "other")
    merge_directories([folder, tmp_path / "other"], tmp_path / "kept")
    on_disk()
    merge_directories([folder, tmp_path / "other"], tmp_path / "stored")
    kept, stored = ((tmp_path / name / "records.jsonl").read_bytes() for name in ("kept", "stored"))
    assert kept == stored
    merged = merge([load_run(folder), load_run(folder)]).records
    assert list(merged[-2:]) == list(merged)[-2:]


def test_a_file_that_changes_meanwhile_is_named(folder, on_disk):
    on_disk()
    run = load_run(folder)
    (folder / "records.jsonl").write_text("not what was there\n" * 1000)
    with pytest.raises(RunFileError, match=r"records\.jsonl: changed while it was read"):
        list(run.records)


def test_records_on_the_disk_take_little_memory(tmp_path, on_disk):
    run = report_run()
    folder = write_run(replace(run, records=run.records * 40), tmp_path / "run")

    def taken():
        tracemalloc.start()
        run = load_run(folder)
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert run.records
        return size

    kept = taken()
    on_disk()
    assert taken() < kept / 10


def test_a_page_lists_a_limited_number_of_items_and_names_the_rest(folder, monkeypatch):
    monkeypatch.setattr(items, "MOST_ITEMS", 30)
    text = write_page(folder).read_text()
    island = text.partition('id="data">')[2].partition("</script>")[0]
    assert 30 == len(json.loads(island)["items"])
    planned = len(load_run(folder).manifest.planned)
    assert f"{planned - 30} of {planned} items are left out of the list" in text
