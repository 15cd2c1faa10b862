"""The command line of `reports`; see ``python -m reports --help``."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from reports.comparing import Choices, compare_runs
from reports.exchange.export import Format, export
from reports.exchange.junit import JUnitError, load_junit
from reports.exchange.official import unplaced_items
from reports.exchange.official_input import read_judged
from reports.gates.check import load_baselines
from reports.gates.file import GateFile, read_gate_file
from reports.gates.history import BASELINE_NAME, note_baseline, with_history
from reports.gates.verdicts import GateReport, judge_run
from reports.github import add_job_output, add_job_summary, annotation_lines
from reports.html.page import HTML_NAME, write_page
from reports.publish import publish
from reports.records.families import FamilyFileError, read_families, restricted_evaluation
from reports.records.illustrations import join_illustrations
from reports.records.merge import merge_directories
from reports.records.outcomes import ErrorRule, counting_errors, identity_of
from reports.records.plain_text import log_text
from reports.records.records import Run
from reports.records.run_files import load_manifest, load_run
from reports.render import text as render_text
from reports.service.report import is_service_study, publish_service
from reports.site.build import Site, build_site
from reports.site.prices import read_prices
from reports.tables.full import full_report
from reports.tables.gates import as_printed, log_lines
from reports.tables.model import Document, about_part
from reports.tables.overview import overview
from reports.tables.reported_run import report_on
from scoring.errors import QCalError
from scoring.questions import Mode

COMMANDS = ("show", "merge", "compare", "leaderboard", "gate", "baseline", "export", "import")
DESCRIPTION = """\
Tables from what runs left behind, without asking a model.

  python -m reports RUN               print a run's tables; write report.html, .json and .md again
  python -m reports RUN --full        ... and the paper's tables: families, confusion matrices, parameters, biases
  python -m reports a.xml b.xml ...   the same tables from JUnit files, for example those of a run's shards
  python -m reports merge RUN... --out DIR
                                      join the runs of shards into one
  python -m reports compare RUN_A RUN_B ...
                                      what changed from the first run to the second, and whether by more than chance;
                                      of several runs: a table of runs by questions, and every pair
  python -m reports leaderboard RUN... [--out site]
                                      a site over many runs: leaderboard, items by models, pairs, histories
  python -m reports gate RUN --gate gates.toml
                                      whether the run passes the gates of a file (docs/ci.md)
  python -m reports baseline RUN --chosen-from N
                                      note that RUN is the best of N runs; gates against it mention this
  python -m reports export RUN --format csv --out FILE
                                      records as CSV, Parquet or the reference's result files, for Inspect or EvalScope
  python -m reports import judged.json [judged-icl.json]
                                      the tables of result files of the reference

RUN is a run directory, such as runs/20260501T120000Z-my-vlm.
Exit status: 0 done, 2 a run or file that cannot be used (one line says what to do); of gate: 0 all gates pass, 1 one
fails, 10 inconclusive, 11 cannot be gated."""


def main(
    arguments: Sequence[str] | None = None,
    *,
    program: str = "python -m reports",
    locate: Callable[[GateFile], GateFile] | None = None,
) -> int:
    """Run the command, which calls itself ``program`` in its help; returns the exit status.

    ``locate`` finds the run directories of a gate file's ``artifact:`` baselines.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser(program)
    if given and given[0] not in {*COMMANDS, "-h", "--help"}:
        given.insert(0, "show")
    options = parser.parse_args(given or ["--help"], namespace=argparse.Namespace(locate=locate))
    try:
        result = options.run(options)
    except (QCalError, OSError) as error:
        sys.stderr.write(log_text(f"reports: {error}") + "\n")
        return 2
    match result:
        case Document():
            _print(render_text.pages(result, options.width), wait=options.full)
        case str():
            sys.stdout.write(log_text(f"written: {result}") + "\n")
        case Site():
            sys.stdout.writelines(f"{log_text(line)}\n" for line in _site_lines(result))
        case GateReport():
            lines = [
                *annotation_lines(result, os.environ),
                *map(as_printed, log_lines(result, options.run_dir)),
            ]
            sys.stdout.writelines(f"{line}\n" for line in lines)
            return result.exit_status
    return 0


def _print(pages: Sequence[str], *, wait: bool) -> None:
    """Write the pages. With ``wait`` people at a terminal turn them."""
    first, *others = pages
    sys.stdout.write(first)
    for number, page in enumerate(others, start=2):
        if wait and sys.stdin.isatty() and sys.stdout.isatty():
            sys.stdout.write(f"\n-- page {number} of {len(pages)}: Enter to continue, q to stop ")
            sys.stdout.flush()
            if sys.stdin.readline().strip().lower().startswith("q"):
                return
        sys.stdout.write(page)


def _show(options: argparse.Namespace) -> Document:
    paths: list[Path] = options.paths
    if len(paths) == 1 and paths[0].suffix != ".xml" and not paths[0].is_file():
        return _publish(paths[0], options)
    if folders := [path for path in paths if path.is_dir()]:
        raise JUnitError(f"{folders[0]}: a directory among several paths; give one run, or only JUnit files")
    evaluation = counting_errors(load_junit(paths), options.errors)
    report = full_report if options.full else overview
    if options.families is None:
        return report(evaluation, floors=options.floors)
    part = read_families(options.families, frozenset(outcome.family for outcome in evaluation.outcomes))
    document = report(restricted_evaluation(evaluation, part.families), floors=options.floors)
    return about_part(document, part.name, part.sentence)


def _merge(options: argparse.Namespace) -> Document:
    merge_directories(options.runs, options.out)
    join_illustrations(options.runs, options.out)
    return _publish(options.out, options)


def _publish(run_dir: Path, options: argparse.Namespace) -> Document:
    if is_service_study(run_dir):
        if options.families is not None:
            raise FamilyFileError(f"{run_dir}: a load test, which asks no families; leave --families out")
        return publish_service(run_dir, full=options.full)
    reported = report_on(
        run_dir, errors=options.errors, floors=options.floors, texts=True, families=options.families
    )
    document = publish(run_dir, full=options.full, reported=reported)
    write_page(run_dir, reported=reported)
    return document


def _compare(options: argparse.Namespace) -> Document:
    choices = Choices(
        labels=tuple(options.label),
        families=options.families,
        split=options.split,
        anyway=options.anyway,
        full=options.full,
        floors=options.floors,
    )
    return compare_runs(options.runs, choices, options.html)


def _leaderboard(options: argparse.Namespace) -> Site:
    prices = None if options.prices is None else read_prices(options.prices)
    return build_site(
        options.runs,
        options.out,
        labels=options.label,
        prices=prices,
        errors=options.errors,
        families=options.families,
    )


def _site_lines(site: Site) -> Iterator[str]:
    for left_out in site.left_out:
        yield f"left out: {left_out.folder}: {left_out.reason}"
    yield f"written: {site.index}: {site.runs} runs, {site.size / 1e6:,.1f} MB"


def _gate(options: argparse.Namespace) -> GateReport:
    file, run = read_gate_file(options.gate), load_run(options.run_dir, texts=False)
    file = file if options.locate is None else options.locate(file)
    report = judge_run(file, run, load_baselines(file, identity_of(run.manifest)))
    report = with_history(report, options.run_dir)
    publish(options.run_dir, errors=options.errors, floors=options.floors, gates=report)
    if (options.run_dir / HTML_NAME).is_file():
        write_page(options.run_dir, errors=options.errors, gates=report)
    add_job_summary(options.run_dir, os.environ)
    add_job_output(report, os.environ)
    return report


def _baseline(options: argparse.Namespace) -> str:
    load_manifest(options.run_dir)
    note_baseline(options.run_dir, options.chosen_from)
    return str(options.run_dir / BASELINE_NAME)


def _export(options: argparse.Namespace) -> str:
    kind, mode = Format(options.format), Mode(options.mode)
    run = load_run(options.run_dir)
    repeat = None if options.repeat is None else options.repeat - 1
    export(run, options.out, kind, mode=mode, errors=options.errors, repeat=repeat, run_dir=options.run_dir)
    missing = _left_out(run, kind, mode)
    note = f"; left out: {missing} items of studies, for which the format has no place" if missing else ""
    written = [file for file in (options.out, *options.out.rglob("*")) if file.is_file()]
    return f"{options.out}: {kind}, {sum(file.stat().st_size for file in written):,} bytes{note}"


def _left_out(run: Run, kind: Format, mode: Mode) -> int:
    """How many items the format has no place for."""
    match kind:
        case Format.INFERENCE | Format.JUDGED:
            return unplaced_items(run, mode)
        case Format.EVALSCOPE:
            return sum(bool(item.key.variant) for item in run.manifest.planned)
        case _:
            return 0


def _import(options: argparse.Namespace) -> Document:
    return overview(read_judged(*options.files), floors=options.floors)


def _add_labels(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--label",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="names of the runs, in their order",
    )


def _add_families(parser: argparse.ArgumentParser, help_text: str) -> None:
    parser.add_argument("--families", type=Path, metavar="FILE", help=help_text)


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program, description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--errors",
        type=ErrorRule,
        choices=list(ErrorRule),
        default=ErrorRule.UNMEASURED,
        help="how items that the model did not answer count: not at all (default), as 0, or as in the reference",
    )
    shared.add_argument(
        "--errors-as-zero",
        dest="errors",
        action="store_const",
        const=ErrorRule.ZERO,
        help="same as --errors zero",
    )
    shared.add_argument(
        "--full",
        action="store_true",
        help="everything: published models, families, confusion matrices, parameters, contradictions; of several runs "
        "compared, each pair in detail",
    )
    shared.add_argument(
        "--floors",
        action="store_true",
        help="next to each score what answers that ignore the plot score (docs/baselines.md)",
    )
    shared.add_argument(
        "--width",
        type=int,
        default=shutil.get_terminal_size().columns,
        metavar="COLUMNS",
        help="width of the printed tables (default: the terminal's)",
    )
    commands = parser.add_subparsers(title="commands", metavar="", required=True)
    show = commands.add_parser(
        "show", parents=[shared], help="print the tables of a run or of JUnit files (default)"
    )
    show.add_argument("paths", nargs="+", type=Path, metavar="RUN|FILE.xml", help="one run, or JUnit files")
    _add_families(
        show,
        "report on the families that the file names, one a line, in report-FILE.html, .json and .md",
    )
    show.set_defaults(run=_show)
    merge = commands.add_parser("merge", parents=[shared], help="join the runs of shards into one")
    merge.add_argument(
        "runs", nargs="+", type=Path, metavar="RUN", help="runs that differ only in their items"
    )
    merge.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="new directory for the joined run"
    )
    merge.set_defaults(run=_merge, families=None)
    compared = commands.add_parser(
        "compare", parents=[shared], help="what changed between runs, every pair of them"
    )
    compared.add_argument(
        "runs", nargs="+", type=Path, metavar="RUN", help="two runs, the earlier first; or several"
    )
    _add_labels(compared)
    _add_families(compared, "compare on the families that the file names, one a line")
    compared.add_argument(
        "--split", action="store_true", help="with --families: on these, then on the others"
    )
    compared.add_argument(
        "--anyway", action="store_true", help="compare runs that differ in dataset, scorer or settings"
    )
    compared.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        help="also write a page with the items fixed and broken, and their plots",
    )
    compared.set_defaults(run=_compare)
    board = commands.add_parser("leaderboard", parents=[shared], help="a static site over many runs")
    board.add_argument(
        "runs", nargs="+", type=Path, metavar="RUN", help="runs, or folders of runs, such as runs/"
    )
    board.add_argument(
        "--out",
        type=Path,
        default=Path("site"),
        metavar="DIR",
        help="folder of the site, which is replaced (default: site)",
    )
    _add_labels(board)
    _add_families(board, "show only the families that the file names, one a line")
    board.add_argument(
        "--prices",
        type=Path,
        metavar="FILE",
        help="TOML, per model: input and output price per million tokens",
    )
    board.set_defaults(run=_leaderboard)
    gated = commands.add_parser("gate", parents=[shared], help="whether a run passes the gates of a file")
    gated.add_argument("run_dir", type=Path, metavar="RUN")
    gated.add_argument("--gate", required=True, type=Path, metavar="FILE", help="such as examples/gates.toml")
    gated.set_defaults(run=_gate)
    baseline = commands.add_parser("baseline", help="note from how many runs a gate's baseline was chosen")
    baseline.add_argument("run_dir", type=Path, metavar="RUN")
    baseline.add_argument(
        "--chosen-from", required=True, type=int, metavar="N", help="runs, this one included"
    )
    baseline.set_defaults(run=_baseline)
    exported = commands.add_parser("export", parents=[shared], help="records for other tools")
    exported.add_argument("run_dir", type=Path, metavar="RUN")
    exported.add_argument("--format", required=True, choices=[kind.value for kind in Format])
    exported.add_argument(
        "--mode",
        choices=[mode.value for mode in Mode],
        default=Mode.ZEROSHOT.value,
        help="for inference and judged, which hold one mode each (default: zeroshot)",
    )
    exported.add_argument(
        "--repeat",
        type=int,
        metavar="N",
        help="for inference and judged, with --repeats: only the answers of repeat N, from 1 "
        "(default for judged: mean scores over the repeats)",
    )
    exported.add_argument(
        "--out", required=True, type=Path, metavar="FILE", help="of evalscope the folder of its outputs"
    )
    exported.set_defaults(run=_export)
    imported = commands.add_parser(
        "import", parents=[shared], help="tables of a judged file of the reference"
    )
    imported.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="judged.json",
        help="one file; or two, zero-shot and ICL, with deltas",
    )
    imported.set_defaults(run=_import)
    return parser


if __name__ == "__main__":
    sys.exit(main())
