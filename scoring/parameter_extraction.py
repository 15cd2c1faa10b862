"""Q5: compare the fields of a JSON object, each by its own rule (docs/protocol.md#q5-parameter-extraction)."""

from __future__ import annotations

from scoring.field_rules import score_field
from scoring.reference import JSON, FieldRules

PER_SITE = "per_site"
"""Name of the only component of a score whose reference is an array; it does not enter the score's value."""


def compare_parameters(answer: JSON, reference: JSON, rules: FieldRules) -> dict[str, float]:
    """Return 0..1 for each field that both the rules and the reference have; empty if the reference is not an object.

    A field that the answer lacks counts as null, and so do all fields of an answer that is not an object.
    """
    if not isinstance(reference, dict):
        return {}
    fields = answer if isinstance(answer, dict) else {}
    return {
        name: score_field(fields.get(name), reference[name], rule)
        for name, rule in rules.items()
        if name in reference
    }


def compare_sites(answer: JSON, reference: JSON, rules: FieldRules) -> float | None:
    """Score an array reference site by site, 0..1; None if the reference is not an array with usable fields.

    The reference scripts give every answer to such a question 0 (docs/protocol.md#q5-parameter-extraction).
    Here sites are compared in order, each by the mean of its fields, and averaged over the longer list. A
    single object counts as an array of one.
    """
    if not isinstance(reference, list) or not any(
        compare_parameters(None, site, rules) for site in reference
    ):
        return None
    sites = answer if isinstance(answer, list) else [answer]
    scores = [mean_field(compare_parameters(a, r, rules)) for a, r in zip(sites, reference, strict=False)]
    return sum(scores) / max(len(sites), len(reference))


def mean_field(fields: dict[str, float]) -> float:
    """Return the mean of the fields' scores.

    0 without usable fields (docs/protocol.md#q5-parameter-extraction).
    """
    return sum(fields.values()) / len(fields) if fields else 0.0
