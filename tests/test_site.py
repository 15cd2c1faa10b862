"""The site over many runs: which runs it shows, what is greyed and why, and the files next to the page."""

import base64
import gzip
import json
import os
import re
from dataclasses import replace

import pytest

from reports.__main__ import main
from reports.analysis.alikeness import field_of
from reports.analysis.pairs import pairs, ranking
from reports.analysis.standings import entrant
from reports.html import page as report_page
from reports.html.page import write_page
from reports.records.floors import Floor
from reports.records.outcomes import evaluation_of
from reports.site import packed
from reports.site.boards import boards, contest
from reports.site.build import Site, build_site
from reports.site.charts import date_axis, effort_plots, score_axis
from reports.site.entries import SiteError
from reports.statistics.rank_correlation import kendall_tau
from scoring.questions import Mode, Question
from tests.site_factory import model_run, runs_folder, write_model


def standing(run, **about):
    return entrant(run, evaluation_of(run), **about)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return runs_folder(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def site(folder, tmp_path_factory):
    return build_site([folder], tmp_path_factory.mktemp("made") / "site")


def data_of(site):
    page = site.index.read_text()
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1]
    )


def answers_of(site, sample):
    data = data_of(site)
    script = (site.index.parent / "answers" / data["files"][str(data["samples"].index(sample))]).read_text()
    return json.loads(gzip.decompress(base64.b64decode(script.split('"')[1])))


def test_a_folder_of_runs_becomes_a_site_and_says_what_it_left_out(folder, tmp_path, capsys):
    assert 0 == main(["leaderboard", str(folder), "--out", str(tmp_path / "site")])
    out = capsys.readouterr().out
    assert "damaged: " in out
    assert "not a run's manifest" in out
    assert f"written: {tmp_path / 'site' / 'index.html'}: 5 runs, " in out


def test_runs_of_the_same_name_are_one_model_with_a_past(site):
    data = data_of(site)
    assert ["alpha", "beta", "gamma", "delta"] == [data["runs"][place]["name"] for place in data["columns"]]
    assert [1, 2, 3, 4, None] == sorted(
        (run["number"] for run in data["runs"]), key=lambda number: number or 99
    )


def test_what_is_not_comparable_says_why_once(site):
    page = site.index.read_text()
    assert 1 == page.count("scorer is compatible in the others and strict here")
    assert 1 == page.count("published figures: the runs here differ from them")


def test_scores_of_items_take_one_byte_each(site):
    data = data_of(site)
    alpha, gamma = (
        next(i for i, run in enumerate(data["runs"]) if run["name"] == name) for name in ("alpha", "gamma")
    )
    first, third = (base64.b64decode(data["scores"][place]) for place in (alpha, gamma))
    assert len(data["items"]) == len(first)
    assert max(first) <= 200
    assert sum(third) < sum(first)


def test_answers_are_next_to_the_page_by_sample(site):
    answers = answers_of(site, "rabi_success_b")
    assert 5 == len(answers["runs"])
    status, read, text = answers["runs"]["0"]["Q6/zeroshot"]
    assert ("scored", "SUCCESS") == (status, read)
    assert text.startswith("plain answer of rabi_success_b")
    assert "reference of rabi_success_b" == answers["answers"]["Q6/zeroshot"]


def test_plots_are_kept_once(site):
    assert 12 == len(list((site.index.parent / "plots").iterdir()))


def test_the_same_runs_give_the_same_site(folder, site, tmp_path):
    again = build_site([folder], tmp_path / "site")
    assert site.index.read_text() == again.index.read_text()


def test_a_runs_own_report_is_packed_and_finds_its_plots(tmp_path):
    run = write_model(tmp_path / "runs", "alpha")
    write_page(run)
    site = build_site([run], tmp_path / "site")
    page = (site.index.parent / data_of(site)["runs"][0]["href"]).read_text()
    content = gzip.decompress(base64.b64decode(re.search(r'id="packed"[^>]*>([^<]*)<', page)[1])).decode()
    assert "../../plots/" in content
    assert "data:image/webp" not in content
    assert len(page) < (run / "report.html").stat().st_size / 2


def test_a_report_with_compressed_items_is_packed_as_well(tmp_path, monkeypatch):
    monkeypatch.setattr(report_page, "LARGEST_PLAIN", 1)
    run = write_model(tmp_path / "runs", "alpha")
    assert "application/gzip" in write_page(run).read_text()
    site = build_site([run], tmp_path / "site")
    page = (site.index.parent / data_of(site)["runs"][0]["href"]).read_text()
    content = gzip.decompress(base64.b64decode(re.search(r'id="packed"[^>]*>([^<]*)<', page)[1])).decode()
    assert "plain answer of rabi_success_b Q6" in content
    assert "<@shared@>" in content


def test_many_reports_lose_the_middle_of_long_answers(tmp_path, monkeypatch):
    run = write_model(tmp_path / "runs", "alpha")
    write_page(run)
    text = (run / "report.html").read_text()
    noise = base64.b64encode(b"".join(bytes([n % 251, n * 7 % 256]) for n in range(30_000))).decode()
    (run / "report.html").write_text(text.replace("plain answer of rabi_success_a Q1", f"{noise} end", 1))
    whole = build_site([run], tmp_path / "whole").size
    monkeypatch.setattr(packed, "REPORTS_BUDGET", 1)
    monkeypatch.setattr(packed, "LEAST_REPORT", 1)
    assert build_site([run], tmp_path / "short").size < whole


@pytest.mark.parametrize(
    "change",
    [
        lambda page: "<html>torn",
        lambda page: page.replace("</main>", '<script src="planted.js"></script></main>'),
        lambda page: page.replace("</main>", '<META http-equiv="refresh" content="0; url=planted"></main>'),
        lambda page: page.replace('<script type="module">', '<script type="module">planted();'),
        lambda page: page.replace("script-src", "script-src 'unsafe-inline' planted"),
    ],
)
def test_a_report_that_somebody_changed_is_made_again_from_the_records(tmp_path, change):
    run = write_model(tmp_path / "runs", "alpha")
    page = change(write_page(run).read_text())
    (run / "report.html").write_text(page)
    site = build_site([run], tmp_path / "site")
    packed_page = (site.index.parent / data_of(site)["runs"][0]["href"]).read_text()
    content = gzip.decompress(base64.b64decode(re.search(r'id="packed"[^>]*>([^<]*)<', packed_page)[1]))
    assert b"planted" not in content
    assert "planted" not in packed_page
    assert b"plain answer of rabi_success_b Q6" in content


@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_a_report_that_is_not_a_regular_file_is_left_out(tmp_path, kind):
    run = write_model(tmp_path / "runs", "alpha")
    page = write_page(run)
    elsewhere = page.rename(tmp_path / "elsewhere.html")
    match kind:
        case "folder":
            page.mkdir()
        case "link":
            page.symlink_to(elsewhere)
        case "pipe":
            os.mkfifo(page)
    assert [None] == [run["href"] for run in data_of(build_site([run], tmp_path / "site"))["runs"]]


def test_labels_name_the_runs_in_their_order(tmp_path):
    runs = [write_model(tmp_path, "alpha", day=f"2026-0{n}-01") for n in (1, 2)]
    site = build_site(runs, tmp_path / "site", labels=["second", "first"])
    assert {"second", "first"} == {run["name"] for run in data_of(site)["runs"]}
    with pytest.raises(SiteError, match="1 labels for 2 runs"):
        build_site(runs, tmp_path / "other", labels=["alone"])


@pytest.mark.parametrize("made", ["folder", "file"])
def test_nothing_but_a_site_is_replaced(tmp_path, made):
    run = write_model(tmp_path / "runs", "alpha")
    out = tmp_path / "thesis"
    if made == "folder":
        out.mkdir()
        (out / "chapter.tex").write_text("work of years")
    else:
        out.write_text("work of years")
    with pytest.raises(SiteError, match="is not empty and not a site"):
        build_site([run], out)
    assert out.exists()


def test_a_site_is_made_again_and_never_taken_for_runs(tmp_path):
    run = write_model(tmp_path, "alpha")
    build_site([run], tmp_path / "site")
    (tmp_path / "site" / "stale.txt").write_text("old")
    site = build_site([tmp_path], tmp_path / "site")
    assert 1 == site.runs
    assert not (tmp_path / "site" / "stale.txt").exists()


def test_mistakes_end_in_one_line(tmp_path, capsys):
    assert 2 == main(["leaderboard", str(tmp_path / "nowhere")])
    assert "no run here; name run directories" in capsys.readouterr().err


def test_prices_give_a_chart_of_costs(tmp_path):
    prices = tmp_path / "prices.toml"
    prices.write_text("[alpha]\ninput = 1\noutput = 10\n[beta]\ninput = 0.1\noutput = 0.5\n")
    runs = [str(write_model(tmp_path / "runs", name)) for name in ("alpha", "beta")]
    assert 0 == main(["leaderboard", *runs, "--out", str(tmp_path / "site"), "--prices", str(prices)])
    assert "Cost <small>per 1,000 answers" in (tmp_path / "site" / "index.html").read_text()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("alpha = 3", "alpha: a table"),
        ("[alpha]\ninput = 1", "output is None"),
        ("[alpha]\nprice = 1", "unknown key"),
    ],
)
def test_a_wrong_file_of_prices_is_refused_by_its_key(tmp_path, capsys, content, words):
    (tmp_path / "prices.toml").write_text(content)
    assert 2 == main(["leaderboard", "x", "--prices", str(tmp_path / "prices.toml")])
    assert words in capsys.readouterr().err


# --- figures ------------------------------------------------------------------------------------------------


def test_the_standard_is_what_most_runs_share():
    runs = [standing(model_run(name)) for name in ("alpha", "beta")]
    odd = standing(model_run("gamma", scorer="strict", day="2026-06-01"))
    field = field_of([odd, *runs])
    assert "compatible" == field.standard.identity.scorer
    assert ["scorer is compatible in the others and strict here"] == list(field.reasons[0])
    assert () == field.reasons[1] == field.reasons[2]


def test_a_run_without_some_of_the_items_is_not_compared():
    whole, part = model_run("alpha"), model_run("beta")
    third = model_run("gamma")
    kept = part.manifest.planned[: len(part.manifest.planned) // 2]
    part = replace(part, manifest=replace(part.manifest, planned=kept))
    reasons = field_of([standing(whole), standing(part), standing(third)]).reasons
    assert "items not asked" in reasons[1][0]


def test_the_deltas_are_differences_of_means():
    run = standing(model_run("alpha"))
    expected = run.mean(Mode.ICL, Question.Q6) - run.mean(Mode.ZEROSHOT, Question.Q6)
    assert pytest.approx(expected) == run.delta(Question.Q6)
    assert run.delta(None) is not None


def test_published_rows_are_greyed_if_the_runs_differ_from_them():
    entrants = [standing(model_run("alpha"))]
    board = boards(contest(entrants, field_of(entrants)))[0]
    published = [row for row in board.rows if row.place is None]
    assert len(published) > 15
    assert {"a"} == {row.notes for row in published}
    assert "12 of 243 samples" in board.reasons["a"]


def test_a_letter_means_the_same_on_all_boards():
    entrants = [standing(model_run("alpha")), standing(model_run("beta", scorer="strict"))]
    zeroshot, icl = boards(contest(entrants, field_of(entrants)))
    assert zeroshot.reasons == icl.reasons


def test_a_site_about_some_families_has_a_note(folder, site, tmp_path, capsys):
    (tmp_path / "trained.txt").write_text("drag\n")
    asked = ["leaderboard", str(folder), "--out", str(tmp_path / "site"), "--families"]
    assert 0 == main([*asked, str(tmp_path / "trained.txt")])
    index = tmp_path / "site" / "index.html"
    assert "Only 1 family of trained.txt: drag." in index.read_text()
    data = data_of(Site(index=index, runs=5, left_out=(), size=0))
    assert ["drag"] == data["families"]
    assert site.index.read_text().count("FAIL") > index.read_text().count(
        "FAIL"
    )  # a gate is about the whole run
    (tmp_path / "odd.txt").write_text("qubits\n")
    assert 2 == main([*asked, str(tmp_path / "odd.txt")])
    assert "odd.txt: no run has the family 'qubits'; known: drag, rabi" in capsys.readouterr().err


def test_all_stand_ins_of_a_site_are_named(tmp_path):
    for name in ("alpha", "beta"):
        write_model(tmp_path / "runs", name, stand_ins=(f"model: {name} baseline",))
    page = build_site([tmp_path / "runs"], tmp_path / "site").index.read_text()
    assert "Stand-ins took part: model: alpha baseline; model: beta baseline." in page


def test_a_board_ends_with_the_floor_of_the_questions_that_have_one():
    run = model_run("alpha")
    records = [
        replace(record, floors={Floor.CONSTANT: 0.25}) if record.key.question is Question.Q6 else record
        for record in run.records
    ]
    entrants = [standing(replace(run, records=tuple(records)))]
    zeroshot, icl = boards(contest(entrants, field_of(entrants)))
    floor = zeroshot.rows[-1]
    assert floor.is_floor
    assert {None: None, Question.Q6: 0.25} == {asked: one.mean for asked, one in floor.standings.items()}
    assert not any(row.is_floor for row in icl.rows)


def test_pairs_are_adjusted_for_their_number():
    entrants = [
        standing(model_run(name, share=share)) for name, share in (("a", 0.0), ("b", 0.3), ("c", 0.9))
    ]
    compared = pairs(entrants, Mode.ZEROSHOT)
    assert [(0, 1), (0, 2), (1, 2)] == [(pair.first, pair.second) for pair in compared]
    assert all(pair.adjusted_p >= pair.difference.p_value for pair in compared)
    first = ranking(0, compared)
    assert first.behind == 0
    assert first.ahead >= 1
    assert 2 == first.ahead + first.undecided


def test_taus_know_orders_ties_and_too_few():
    assert 1.0 == kendall_tau([1, 2, 3, 4], [10, 20, 30, 40])
    assert -1.0 == kendall_tau([1, 2, 3, 4], [4, 3, 2, 1])
    assert pytest.approx(0.9128709) == kendall_tau([1, 2, 3, 4], [1, 2, 3, 3])
    assert kendall_tau([1, 1, 1, 1], [1, 2, 3, 4]) is None
    assert kendall_tau([1, 2, 3], [1, 2, 3]) is None


def test_the_front_is_what_nothing_beats():
    entrants = [
        standing(model_run(name, share=s)) for name, s in (("alpha", 0.0), ("beta", 0.2), ("gamma", 0.2))
    ]
    latency = next(
        p for p in effort_plots(entrants, ["1", "2", "3"], Mode.ZEROSHOT, {}) if p.title == "Latency"
    )
    assert [True, False, True] == [
        point.front for point in latency.points
    ]  # gamma is as good as beta, and faster
    assert 2 == len(latency.steps)


def test_axes_hold_what_they_are_made_of():
    axis = score_axis([0.44, 0.6])
    assert axis.low <= 0.44
    assert axis.high >= 0.6
    assert 3 <= len(axis.ticks) <= 7
    one_day = date_axis([1_770_000_000.0, 1_770_000_000.0])
    assert 0 < one_day.at(1_770_000_000.0) < 100
