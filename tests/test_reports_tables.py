import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.records.names import FAMILY_TITLES
from reports.records.plain_text import display_width
from reports.render import csv as render_csv
from reports.render import markdown as render_markdown
from reports.render import text as render_text
from reports.statistics.intervals import Interval
from reports.tables.model import QUESTION, Column, Document, Section, Table, Unit, printed
from synthetic.families import family_names
from tests.rendering import as_markdown, as_text

HOSTILE = (
    "\x1b[2J=cmd|' /C calc'!A0 <script>alert(1)</script> | `x` **b** [l](http://e.org) @root "
    "#1 \u202egnp.exe\r\nend"
)

TABLE = Table(
    title="Scores",
    columns=(
        Column("Name"),
        Column("Items", Unit.COUNT),
        Column("%", Unit.PERCENT, 1),
        Column("Mean", Unit.SCORE, 1),
        Column("95% interval", Unit.SCORE, 1, span=True),
        Column("Delta", Unit.DIFFERENCE, 1),
        Column("Latency", Unit.SECONDS, 2),
        Column("Flag"),
    ),
    rows=(
        ("rabi", 12, 1.0, 0.74654, Interval(0.7, 0.8), 0.125, 1.2345, True),
        ("drag", 3, 0.99999, 0.0, None, -0.0001, None, False),
        (HOSTILE, 0, None, None, None, None, None, None),
    ),
    notes=(
        "A note of some length that has to be folded when the width does not suffice for all of its words.",
    ),
)
DOCUMENT = Document(
    title="A report",
    facts=(("Model", "a-model"), ("Dataset", HOSTILE)),
    warnings=("Not comparable with the published figures: it is a test.",),
    sections=(Section(title="Section", tables=(TABLE,)),),
    label="stand-ins: model",
)


@pytest.mark.parametrize("width", [80, 40])
def test_text(snapshot, width):
    assert snapshot == render_text.render(DOCUMENT, width)


def test_markdown(snapshot):
    assert snapshot == render_markdown.render(DOCUMENT)


def test_csv(snapshot):
    assert snapshot == render_csv.render(DOCUMENT, TABLE)


@pytest.mark.parametrize(
    ("expected", "value", "unit", "decimals"),
    [
        ("74.7", 0.74654, Unit.SCORE, 1),
        ("0.0", 0.0, Unit.SCORE, 1),
        ("0.0", -0.0, Unit.SCORE, 1),
        ("-", None, Unit.SCORE, 1),
        ("-", float("nan"), Unit.SCORE, 1),
        ("+12.5", 0.125, Unit.DIFFERENCE, 1),
        ("-12.5", -0.125, Unit.DIFFERENCE, 1),
        ("+0.0", -0.0004, Unit.DIFFERENCE, 1),
        ("100.0", 1.0, Unit.PERCENT, 1),
        ("99.9", 0.99999, Unit.PERCENT, 1),
        ("99", 0.99999, Unit.PERCENT, 0),
        ("17", 17, Unit.COUNT, 0),
        ("yes", True, Unit.TEXT, 0),
    ],
)
def test_figures_are_rounded_when_printed(expected, value, unit, decimals):
    assert expected == printed(value, Column("x", unit, decimals))


def test_a_row_of_the_wrong_length_is_an_error():
    with pytest.raises(ValueError, match="table 't': 1 cells under 2 columns"):
        Table(title="t", columns=(Column("a"), Column("b")), rows=(("x",),))


def text_table(text):
    return Table(
        title=text, columns=(Column(text), Column("n", Unit.COUNT)), rows=((text, 1),), notes=(text,)
    )


def document(text):
    tables = (text_table(text),)
    section = Section(title=text, tables=tables)
    return Document(title=text, facts=((text, text),), warnings=(text,), sections=(section,), label=text)


@given(st.text(), st.integers(20, 100))
def test_no_text_moves_the_cursor_or_leaves_the_width(text, width):
    rendered = render_text.render(document(text), width)
    assert [] == [c for c in rendered if c != "\n" and not c.isprintable()]
    assert all(display_width(line) <= width for line in rendered.splitlines())


@given(st.text(alphabet="|\\`*_<>&[]!@#~$:/.w-+=1) \nab"))
def test_no_text_breaks_a_markdown_table(text):
    lines = as_markdown(text_table(text)).splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    assert [3] * 3 == [len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows]


@given(st.text())
def test_no_text_becomes_markup_in_markdown(text):
    escaped = render_markdown.escape(text)
    assert not re.search(r"<(?!!-- -->)|(?<!\\)(?:\\\\)*[`*_\[\]]|[@#]\w|://", escaped)


@given(st.text())
def test_no_text_becomes_a_formula_in_a_spreadsheet(text):
    rows = list(csv.reader(io.StringIO(render_csv.render(document(text), text_table(text)), newline="")))
    assert not any(
        cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row
    )


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_csv_keeps_every_digit(value):
    table = Table(title="t", columns=(Column("x", Unit.SCORE, 1),), rows=((value,),))
    _, row = csv.reader(io.StringIO(render_csv.render(document("m"), table)))
    assert value == float(row[-1])


# --- narrow terminals ---

HEADING_PIECES = set(re.findall(r"[a-z]{2,}", "Family Scenario type Question Mean Before Items success"))


def narrow(*columns, rows, width=80):
    table = Table(title="T", columns=columns, rows=rows)
    return as_text(table, width)


@pytest.mark.parametrize("width", range(40, 121, 7))
def test_no_word_is_broken_inside(width):
    """Names are broken after an underscore; columns go to a further block rather than below their longest word."""
    names = ("cz_benchmarking", "qubit_spectroscopy_power_frequency", "ramsey_charge_tomography")
    rows = tuple((name, f"{name}_success", "Q6", 0.5, 0.25, 3) for name in names)
    figures = (Column("Mean", Unit.SCORE, 1), Column("Before", Unit.SCORE, 1), Column("Items", Unit.COUNT))
    shown = narrow(
        Column("Family"), Column("Scenario type"), Column("Question"), *figures, rows=rows, width=width
    )
    assert all(display_width(line) <= width for line in shown.splitlines())
    pieces = set(re.findall(r"[a-z]{2,}", shown))
    assert pieces == {piece for name in names for piece in name.split("_")} | HEADING_PIECES, shown


def test_families_have_their_titles_only_if_the_table_is_too_wide():
    columns = (Column("Family", families=True), Column("Mean", Unit.SCORE, 1))
    rows = (("qubit_spectroscopy_power_frequency", 0.5), ("own_family", 0.5))
    assert "qubit_spectroscopy_power_frequency  50.0" in narrow(*columns, rows=rows, width=60)
    shown = narrow(*columns, rows=rows, width=30)
    assert "Power and frequency  50.0" in shown
    assert "own family           50.0" in shown


def test_every_family_of_the_benchmark_has_a_title():
    assert set(FAMILY_TITLES) == set(family_names())
    assert len(FAMILY_TITLES) == len(set(FAMILY_TITLES.values()))


def test_optional_columns_go_before_text_is_folded():
    columns = (Column("Name"), Column("Mean", Unit.SCORE, 1), Column("Max", Unit.SCORE, 1, optional=True))
    rows = (("a name of some words", 0.5, 1.0),)
    assert "Max" in narrow(*columns, rows=rows, width=40)
    shown = narrow(*columns, rows=rows, width=30)
    assert "Max" not in shown
    assert "a name of some words  50.0" in shown


def test_questions_are_named_where_people_read_and_short_in_data():
    table = Table(
        title="T", columns=(QUESTION, Column("Mean", Unit.SCORE, 1)), rows=(("Q6", 0.5), ("Mean", 0.5))
    )
    document = Document(title="D", facts=(), warnings=(), sections=(Section(title="S", tables=(table,)),))
    assert "Q6 diagnosis  50.0" in render_text.render(document)
    assert "| Q6 diagnosis | 50.0 |" in render_markdown.render(document)
    assert "Q6,0.5" in render_csv.render(document, table)
