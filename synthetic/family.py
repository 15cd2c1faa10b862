"""The contract for authors of a family, that is, of ``synthetic/families/<family>.py`` and ``<family>.toml``.

The Python module holds the physics and defines one constant, ``FAMILY: Family[Truth] = Family(...)``; the
TOML file next to it holds the words. Both have the family's name; there is no registry. ``rabi.py`` and
``rabi.toml`` are the example. The framework does everything else: seeds, prompts, answer formats, styles,
ids, demonstrations, files.

**The module, in this order**

1. ``Truth``: a frozen, slotted, keyword-only dataclass of one simulated experiment: parameters with units in
   their names (``t1_us``), the sampled trace (``readout.py`` simulates shots) and the fit, if one is drawn
   (``fitting.py`` runs scipy). Derived facts are properties. All questions and answers about a sample must
   follow from it.
2. A simulator per scenario, ``Callable[[Generator], Truth]``: usually one physics function and a
   ``functools.partial`` of it per scenario, with the ranges that define the scenario. It draws only from the
   generator that it gets. Cite each formula. Keep margins: parameters stay well clear of the thresholds
   below. Do not redraw until a criterion holds, because that would prove nothing.
3. ``criteria``: a predicate per status code of the family, in the order of benchmark.json, the good one
   first. It decides from trace and parameters (fringes counted, samples per period, crossing in the middle
   half, residuals), never from a label. Predicates exclude each other, and so do their texts in the TOML
   file, which the prompt shows. Codes without a scenario need both, too.
4. ``draw(truth, style)``: one :class:`~synthetic.drawing.style.Drawing` per image. Take ``style.axes()``,
   plot with ``style.points``, ``style.curve`` or the Axes itself, call ``style.dress`` (title, labels,
   legend, grid: the style decides which appear) and return ``style.drawing(axes, ...)``, which renders and
   reads label, scale and range for Q1 off the Axes. ``features`` are sentences about visible features, **3 to
   5** over all images together; they are Q1's key points, so each must be true by itself. Name colours by
   ``style.data.name``. Use ``style.rng`` to choose the presentation (units, axis labels), never physics.
   Nothing may appear in one scenario only (a printed fit value, a longer title) and give the label away. Use
   only characters of DejaVu. Draw maps with ``heatmap.py``, which can exchange their axes: no word about a
   map, here or in the TOML file, may depend on the quantity along x. Colours other than the style's inks go
   through ``style.coloured`` (``synthetic/drawing/perturbation.py``).
5. ``parameters(truth)``: Q5's reference, with the keys of ``q5_schema``, rounded to the precision of the
   plot; plain Python numbers and bools; None if no value is reliable. If a fit is drawn, the value is the
   fitted one. ``field_rules`` scores it: a comment says why each tolerance is right (pixels, noise).
6. ``scenarios``: every scenario type of the family in benchmark.json with the labels given there. If there
   are none, decide from the siblings and give the reason in a one-line comment. ``telling(truth)`` separates
   scenarios that share a status.

**The words** (``<family>.toml``, :class:`Words`): our own wording throughout. ``title``, ``background``,
three ``questions`` (Q3), ``suggestion`` (the placeholder of Q6's suggested range), ``q5_schema`` (as in
benchmark.json), optionally ``q5_notes``; a table ``[criteria]`` with a line per code; a table
``[readings.<scenario>]`` per scenario (:class:`Reading`). Readings are format strings over the truth, ``t``:
``"{t.periods:.1f} oscillations"``. If a sentence needs a decision, make it a property of ``Truth``. The
entries of ``significance`` are Q3's key points; together they are its answer.

**Requirements that tests check for every family** (tests/test_synthetic_families.py; nothing has to be added
there): for each seed exactly one criterion holds, that of the scenario's status; among the scenarios of that
status exactly one ``telling`` holds; labels agree with benchmark.json; reference answers score 100; Q1 has 3
to 5 key points; every glyph exists; Q5 has the keys of ``field_rules``. Before you commit, run
``QCAL_SYNTHETIC_SEEDS=50 pytest tests/test_synthetic_families.py -k <family>``, and compare ``python -m
synthetic --sheet /tmp/sheet.png --families <family>`` with the real plots.
``tests/test_synthetic_<family>.py`` is for physics that needs more tests.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Generic, TypeVar

from numpy.random import Generator

from scoring.reference import JSON, FieldRules
from synthetic.drawing.style import Drawing, Style

T = TypeVar("T")


class OutcomeLabel(StrEnum):
    """The four answers to Q2."""

    EXPECTED = "Expected behavior"
    SUBOPTIMAL = "Suboptimal parameters"
    ANOMALOUS = "Anomalous behavior"
    APPARATUS = "Apparatus issue"


class Assessment(StrEnum):
    """The three answers to Q4. ``NO_FIT`` is for families whose plots show no fit."""

    RELIABLE = "Reliable"
    UNRELIABLE = "Unreliable"
    NO_FIT = "No fit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """An expert's remarks about a sample, in whole sentences without line breaks.

    ``{t.name}`` is replaced by a fact of the truth, in the syntax of ``str.format``.

    Attributes:
        conclusion: the reason for the outcome (Q2).
        significance: the implications, whether the measurement suffices, and the next step (Q3): three to
        eight key points of one or two sentences, in this order; joined they are the answer, of about 900 to
        1,100 characters.
        fit: the reason why the fit is or is not reliable, or that there is none (Q4).
        notes: the reason for the status (Q6), one to three sentences.
        suggestion: the next sweep or action, in the form of ``Words.suggestion``; "N/A" if nothing has to
            change (Q6).
    """

    conclusion: str
    significance: tuple[str, ...]
    fit: str
    notes: str
    suggestion: str = "N/A"

    def of(self, truth: object) -> Reading:
        """Return the reading with the facts of one experiment."""
        return Reading(
            conclusion=self.conclusion.format(t=truth),
            significance=tuple(text.format(t=truth) for text in self.significance),
            fit=self.fit.format(t=truth),
            notes=self.notes.format(t=truth),
            suggestion=self.suggestion.format(t=truth),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The prose of a family.

    Attributes:
        title: the experiment's name in a prompt, such as "Rabi".
        background: one or two sentences about the procedure and the look of a good result.
        questions: the three points of Q3: implication, sufficiency, next step.
        criteria: the meaning of each status code, as the prompt states it, without a full stop.
        suggestion: the placeholder of Q6's suggested range, such as ``(<min delay>, <max delay>) [us]``.
        q5_schema: the JSON that Q5 asks for.
        q5_notes: further lines of Q5's prompt, such as what a field means.
        readings: the readings by scenario type.
    """

    title: str
    background: str
    questions: tuple[str, str, str]
    criteria: Mapping[str, str]
    suggestion: str
    q5_schema: str
    readings: Mapping[str, Reading]
    q5_notes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario(Generic[T]):
    """One scenario type: how it is simulated and labelled.

    Attributes:
        name: the scenario type as in benchmark.json (``experiment_type`` in the dataset).
        status: the status code that is right for it.
        outcome: the answer to Q2.
        assessment: the answer to Q4.
        simulate: makes one experiment of this kind.
        telling: separates it from the family's other scenarios of the same status; always true if there are
            none.
    """

    name: str
    status: str
    outcome: OutcomeLabel
    assessment: Assessment
    simulate: Callable[[Generator], T]
    telling: Callable[[T], bool] = lambda _truth: True


@dataclass(frozen=True, kw_only=True)
class Family(Generic[T]):
    """An experiment family.

    Attributes:
        name: as in benchmark.json; the name of the module and of its words.
        criteria: for each status code, the good one first, a function that says whether it is right for an
            experiment.
        field_rules: how Q5 is scored (docs/protocol.md#scoring).
        draw: draws the images of one experiment, the same number for every experiment of the family.
        parameters: the reference answer to Q5.
        scenarios: the family's scenario types.
        q6_label: the word before Q6's status; "Classification" comes without a suggested range.
    """

    name: str
    criteria: Mapping[str, Callable[[T], bool]]
    field_rules: FieldRules
    draw: Callable[[T, Style], tuple[Drawing, ...]]
    parameters: Callable[[T], JSON]
    scenarios: tuple[Scenario[T], ...]
    q6_label: str = "Status"

    @cached_property
    def words(self) -> Words:
        """The family's prose.

        Raises:
            TypeError: the file lacks an entry or has an unknown one.
        """
        text = (Path(__file__).parent / "families" / f"{self.name}.toml").read_text(encoding="utf-8")
        entries = tomllib.loads(text)
        readings = {name: Reading(**reading) for name, reading in entries.pop("readings").items()}
        return Words(**entries, readings=readings)
