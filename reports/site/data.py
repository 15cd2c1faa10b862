"""The data of the site's script: runs and items as JSON, with each run's scores as one byte per item."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from reports.analysis.comparison import ItemName
from reports.site.boards import Contest
from scoring.questions import Mode, Question

STEPS = 200
"""The matrix of items shows scores to half a point; figures elsewhere are not rounded."""
NOT_MEASURED, NOT_ASKED = 255, 254


def site_data(contest: Contest, hrefs: Sequence[str | None], answers: Mapping[str, str]) -> dict[str, Any]:
    """``runs`` by place, ``columns`` (places shown side by side), ``items``, ``scores``, ``heat``, ``files``."""
    items = sorted_items(contest)
    samples = list(dict.fromkeys(name.sample_id for name in items))
    families = sorted(set(items.values()))
    sample_places, family_places = (
        {name: place for place, name in enumerate(names)} for names in (samples, families)
    )
    return {
        "runs": [
            {
                "name": entrant.name,
                "number": contest.numbers.get(place),
                "id": entrant.run_id,
                "day": entrant.started_at[:10],
                "href": hrefs[place],
                "alike": contest.alike(place),
            }
            for place, entrant in enumerate(contest.entrants)
        ],
        "columns": list(contest.latest),
        "samples": samples,
        "families": families,
        "items": [
            [sample_places[name.sample_id], family_places[family], name.question, name.mode]
            for name, family in items.items()
        ],
        "scores": [_bytes(list(items), entrant.items, entrant.planned) for entrant in contest.entrants],
        "heat": _heat(contest),
        "files": {sample_places[sample]: name for sample, name in answers.items() if sample in sample_places},
    }


def sorted_items(contest: Contest) -> dict[ItemName, str]:
    """Return every item that any run planned, with its family: by mode, family, sample and question."""
    planned: dict[ItemName, str] = {}
    for entrant in contest.entrants:
        planned |= entrant.planned
    order = list(Mode)
    ranked = sorted(planned.items(), key=lambda entry: (order.index(entry[0].mode), entry[1], entry[0]))
    return dict(ranked)


def figure_name(mode: Mode, question: Question | None) -> str:
    """Return the script's name of a figure."""
    return f"{mode}/{question or ''}"


def _bytes(
    items: Sequence[ItemName], scores: Mapping[ItemName, float], planned: Mapping[ItemName, str]
) -> str:
    absent = {name: NOT_MEASURED if name in planned else NOT_ASKED for name in items if name not in scores}
    values = (round(STEPS * scores[name]) if name in scores else absent[name] for name in items)
    return base64.b64encode(bytes(values)).decode()


def _heat(contest: Contest) -> dict[str, dict[str, list[float | None]]]:
    """Map figures to families to the mean of each column, in their order."""
    figures = [(mode, question) for mode in contest.modes for question in (None, *mode.questions)]
    shown = [contest.entrants[place] for place in contest.latest]
    heat: dict[str, dict[str, list[float | None]]] = {}
    for mode, question in figures:
        columns = [entrant.families.get((mode, question), {}) for entrant in shown]
        names = sorted(set().union(*columns))
        heat[figure_name(mode, question)] = {
            family: [None if family not in column else round(column[family], 4) for column in columns]
            for family in names
        }
    return heat
