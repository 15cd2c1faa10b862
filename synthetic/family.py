"""What a family provides: the contract for authors of ``synthetic/families/<family>.py`` and ``<family>.toml``.

The Python module holds the physics and defines one constant, ``FAMILY: Family[Truth] = Family(...)``; the TOML file
beside it holds the words. Both are named like the family and are found by being there. ``rabi.py`` and ``rabi.toml``
are the example. Everything else is done by the framework: seeds, prompts, answer formats, styles, ids,
demonstrations, files.

**The module, in this order**

1. ``Truth``: a frozen, slotted, keyword-only dataclass of one simulated experiment: parameters with units in their
   names (``t1_us``), the sampled trace (``readout.py`` simulates shots) and the fit, where one is drawn
   (``fitting.py`` runs scipy). Derived facts are properties. All that is asked or said about a sample must follow
   from it.
2. A simulator per scenario, ``Callable[[Generator], Truth]``: usually one physics function and a
   ``functools.partial`` of it per scenario, with the ranges that make the scenario. It draws from the generator it is
   given and from nothing else. Cite each formula. Keep margins: parameters stay well clear of the thresholds below.
   No drawing again until it fits: that would prove nothing.
3. ``criteria``: a predicate per status code of the family, in the order of benchmark.json, the good one first: it
   decides from trace and parameters (fringes counted, samples per period, crossing in the middle half, residuals),
   never from a label. They exclude each other, and so do their texts in the TOML file, which the prompt shows. Codes
   without a scenario need both, too.
4. ``draw(truth, style)``: one :class:`~synthetic.drawing.style.Drawing` per image. Take ``style.axes()``, plot with
   ``style.points``, ``style.curve`` or the Axes itself, call ``style.dress`` (title, labels, legend, grid: the style
   decides which appear) and return ``style.drawing(axes, ...)``, which renders and reads label, scale and range for
   Q1 off the Axes. ``features`` are sentences about what can be seen: over all images together **3 to 5**, each true
   by itself; they are Q1's key points. Name colours by ``style.data.name``. Choose presentation (units, axis labels)
   with ``style.rng``, physics never; nothing may appear in one scenario only (a printed fit value, a longer title)
   and so give the label away. Characters: only what DejaVu has. Maps are drawn with ``heatmap.py``, which can exchange
   their axes: no word about a map, here or in the TOML file, may depend on which quantity lies along x. Colours that
   are no inks of the style go through ``style.coloured`` (``synthetic/drawing/perturbation.py``).
5. ``parameters(truth)``: Q5's reference, with the keys of ``q5_schema``, rounded to what the plot shows; None where
   no value can be relied upon; plain Python numbers and bools. If a fit is drawn, the value is the fitted one.
   ``field_rules`` scores it: a comment says why each tolerance is right (pixels, noise).
6. ``scenarios``: every scenario type of the family in benchmark.json with the labels given there; where there are
   none, decide from the siblings and say why in a one-line comment. ``telling(truth)`` separates scenarios that share
   a status.

**The words** (``<family>.toml``, :class:`Words`): our own wording throughout. ``title``, ``background``, three
``questions`` (Q3), ``suggestion`` (the placeholder of Q6's suggested range), ``q5_schema`` (as in benchmark.json),
optionally ``q5_notes``; a table ``[criteria]`` with a line per code; a table ``[readings.<scenario>]`` per scenario
(:class:`Reading`). Readings are format strings over the truth, ``t``: ``"{t.periods:.1f} oscillations"``. If a
sentence needs a decision, make it a property of ``Truth``. The entries of ``significance`` are Q3's key points, and
together its answer.

**What the tests demand of every family** (tests/test_synthetic_families.py, nothing to write for it): for each seed
exactly one criterion holds, that of the scenario's status; among the scenarios of that status exactly one ``telling``
holds; labels agree with benchmark.json; reference answers score 100; 3 to 5 key points for Q1; every glyph exists; Q5
has the keys of ``field_rules``. Before you commit: ``QCAL_SYNTHETIC_SEEDS=50 pytest tests/test_synthetic_families.py
-k <family>``, and look at ``python -m synthetic --sheet /tmp/sheet.png --families <family>`` beside the real plots.
``tests/test_synthetic_<family>.py`` is for physics worth a test of its own.
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
    """What an expert says about a sample, in whole sentences without line breaks.

    ``{t.name}`` stands for a fact of the truth, in the syntax of ``str.format``.

    Attributes:
        conclusion: why the outcome is what it is (Q2).
        significance: what it implies, whether the measurement suffices, what comes next (Q3): three to eight key
        points of one or two sentences, in this order; joined they are the answer, of 1,000 to 1,200 characters.
        fit: why the fit can or cannot be relied upon, or that there is none (Q4).
        notes: why the status is what it is (Q6), one to three sentences.
        suggestion: the next sweep or action, in the form of ``Words.suggestion``; "N/A" if nothing has to change (Q6).
    """

    conclusion: str
    significance: tuple[str, ...]
    fit: str
    notes: str
    suggestion: str = "N/A"

    def of(self, truth: object) -> Reading:
        """The same about one experiment."""
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
        title: what the experiment is called in a prompt, such as "Rabi".
        background: one or two sentences: what is done and how a good result looks.
        questions: what Q3 asks to be explained: implication, sufficiency, next step.
        criteria: what each status code means, as the prompt states it, without a full stop.
        suggestion: the placeholder of Q6's suggested range, such as ``(<min delay>, <max delay>) [us]``.
        q5_schema: the JSON that Q5 asks for.
        q5_notes: further lines of Q5's prompt, such as what a field means.
        readings: by scenario type.
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
        simulate: one experiment of this kind.
        telling: what tells it from the family's other scenarios of the same status; always true where there are none.
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
        criteria: for each status code of the family, the good one first, whether it would be right for an experiment.
        field_rules: how Q5 is scored (docs/protocol.md#scoring).
        draw: the images of one experiment; as many for every experiment of the family.
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
            TypeError: the file lacks an entry or has one too many.
        """
        text = (Path(__file__).parent / "families" / f"{self.name}.toml").read_text(encoding="utf-8")
        entries = tomllib.loads(text)
        readings = {name: Reading(**reading) for name, reading in entries.pop("readings").items()}
        return Words(**entries, readings=readings)
