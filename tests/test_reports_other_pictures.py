"""Scores with other pictures compared with those with the plot: gains, changes, and changed items."""

import pytest

from qcal_plugin.studies.controls import Control
from reports.analysis.other_pictures import CONTROLS, PERTURBATIONS, picture_studies
from reports.records.outcomes import evaluation_of
from reports.records.records import Run
from reports.tables.other_pictures import change_tables, gain_tables
from scoring.questions import Mode, Question
from synthetic.drawing.perturbation import Perturbation
from tests.run_factory import failed, manifest, planned_item, scored


def studies(values, *, records=()):
    """Return studies of scores by (sample, question, mode, variant, repeat).

    A sample's first letter is its family.
    """
    planned = {
        key: planned_item(*key[:3], variant=key[3], repeat=key[4] if len(key) > 4 else 0, family=key[0][0])
        for key in values
    }
    planned_records = [scored(planned[key], value) for key, value in values.items() if value is not None]
    planned_records += [failed(planned[key]) for key, value in values.items() if value is None]
    run = Run(manifest=manifest(planned.values()), records=(*planned_records, *records))
    return picture_studies(evaluation_of(run).outcomes)


def pairs(before, after, *, variant="jpeg", question="Q6", mode="zeroshot"):
    """Samples a1, a2, ... with these scores as drawn and under the variant."""
    return {
        (f"a{number}", question, mode, name): value
        for name, values in (("", before), (variant, after))
        for number, value in enumerate(values)
    }


def test_flips_up_and_down_leave_the_mean_and_are_counted():
    (study,) = studies(pairs([1.0, 0.0, 1.0], [0.0, 1.0, 1.0]))
    assert 0.0 == study.mean.compared.difference.mean
    assert (3, 2, 2) == (study.mean.items, study.mean.moved, study.mean.flipped)


def test_a_small_change_moves_an_item_and_half_flips_it():
    (study,) = studies(pairs([0.5, 0.5, 0.1 + 0.2, 0.5], [0.4, 1.0, 0.3, 0.0], question="Q5"))
    assert (4, 3, 2) == (study.mean.items, study.mean.moved, study.mean.flipped)


def test_what_was_not_measured_both_ways_is_not_counted():
    (study,) = studies(pairs([1.0, None, 1.0], [0.0, 1.0, None]))
    assert (1, 1) == (study.mean.items, study.mean.moved)
    assert (1.0, 0.0) == (study.mean.compared.earlier_mean, study.mean.compared.later_mean)


def test_repeats_are_averaged_before_they_are_compared():
    values = {("a", "Q6", "zeroshot", name, repeat): repeat for name in ("", "jpeg") for repeat in (0, 1)}
    (study,) = studies(values)
    assert (1, 0) == (study.mean.items, study.mean.moved)


def test_there_is_a_row_for_each_question_for_their_mean_and_for_each_family():
    values = pairs([1.0], [0.0]) | pairs([1.0], [0.5], question="Q5")
    values |= {("b0", "Q5", "zeroshot", variant): 1.0 for variant in ("", "jpeg")}
    (study,) = studies(values)
    assert ["Q5", "Q6", "Mean", "a", "b"] == [row.compared.name for row in study.rows]
    changes = [row.compared.difference.mean for row in study.rows]
    assert (-0.25, -1.0, -0.625, -0.75, 0.0) == pytest.approx(changes)
    assert [2, 1, 3, 2, 1] == [row.items for row in study.rows]


def test_each_condition_and_mode_is_a_study_and_controls_come_first():
    values = {
        ("a", "Q6", mode, variant): 1.0
        for mode in ("icl", "zeroshot")
        for variant in ("", "jpeg", "colormap", "blank")
    }
    order = [(study.variant, study.mode) for study in studies(values)]
    assert [(variant, mode) for variant in ("blank", "colormap", "jpeg") for mode in Mode] == order


def test_a_gain_is_from_the_control_to_the_plot_and_a_change_from_the_plot():
    both = studies(pairs([1.0, 1.0], [0.0, 0.0], variant="blank") | pairs([1.0, 1.0], [0.0, 0.0]))
    (gain,), (change,) = gain_tables(both), change_tables(both)
    assert "Visual gain over a blank picture, zero-shot" == gain.title
    assert (Question.Q6.value, 0.0, 1.0, 1.0) == gain.rows[0][:4]
    assert "With JPEG compression, zero-shot" == change.title
    assert (Question.Q6.value, 1.0, 0.0, -1.0) == change.rows[0][:4]
    assert (2, 2, 2, 2) == change.rows[0][5:]


def test_a_change_without_its_plain_items_has_no_figures():
    (study,) = studies({("a", "Q6", "zeroshot", "jpeg"): 1.0})
    assert (None, None, 0) == (
        study.mean.compared.earlier_mean,
        study.mean.compared.difference.mean,
        study.mean.items,
    )


def test_every_condition_has_words():
    assert [*Control] == list(CONTROLS)
    assert [*Perturbation] == list(PERTURBATIONS)
