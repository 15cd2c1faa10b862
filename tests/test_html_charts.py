import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.html.charts import ChartAxis, box, difference_axis, histogram, quantity_axis

quantities = st.lists(st.floats(min_value=1e-3, max_value=1e6), min_size=1, max_size=50)


@given(quantities)
def test_an_axis_of_quantities_holds_them_all(values):
    axis = quantity_axis(values)
    assert axis.low <= min(values) * (1 + 1e-9)
    assert axis.high >= max(values)


@given(quantities)
def test_a_histogram_counts_every_value_once_and_within_its_bar(values):
    bars = histogram(values, quantity_axis(values))
    assert len(values) == sum(bar.count for bar in bars)
    assert 1 == max(bar.height for bar in bars)
    for bar in bars:
        inside = [value for value in values if bar.low * (1 - 1e-9) <= value <= bar.high * (1 + 1e-9)]
        assert bar.count <= len(inside)


@given(quantities, st.floats(min_value=0, max_value=100))
def test_a_place_on_an_axis_and_its_value_belong_together(values, percent):
    axis = quantity_axis(values)
    assert pytest.approx(percent, abs=1e-6) == axis.at(axis.value(percent))


def test_values_outside_of_an_axis_are_drawn_at_its_edge():
    axis = ChartAxis(low=0, high=1)
    assert (0, 100) == (axis.at(-3), axis.at(7))


def test_an_axis_of_differences_has_zero_in_the_middle_and_room_for_all():
    axis = difference_axis([0.12, -0.34])
    assert (-0.4, 0.4) == (axis.low, axis.high)
    assert ["-40", "-20", "0", "+20", "+40"] == [tick.label for tick in axis.ticks]


def test_an_axis_of_no_quantity_or_of_zeros_exists():
    assert quantity_axis([]).low < quantity_axis([]).high
    assert quantity_axis([0.0]).low < quantity_axis([0.0]).high


def test_a_box_gives_quantiles_and_the_largest():
    assert ((5.0, 25.0, 50.0, 75.0, 95.0), 100.0, 101) == (
        box(range(101)).quantiles,
        box(range(101)).largest,
        box(range(101)).n,
    )
