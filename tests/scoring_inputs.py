"""Inputs that the tests of ``scoring`` share: references, and strategies for texts as models write them."""

from hypothesis import strategies as st

from scoring.diagnosis import STATUS_CODES
from scoring.questions import Question
from scoring.reference import Reference

KEY_POINTS = ("the fit is good", "the decay is exponential", "a longer window is needed")
RULES = {
    "T1_us": {"type": "pct", "tol_full": 0.05, "tol_half": 0.15},
    "decay_visible": {"type": "bool"},
    "dips": {"type": "array_float_match", "tol_full": 0.1},
}
DESCRIPTION = '{"plot_type": "scatter", "x_axis": {"scale": "linear"}, "y_axis": {"scale": "log"}}'
REFERENCES = {
    Question.Q1: Reference(
        answer=DESCRIPTION, plot_description=DESCRIPTION, scenario_type="t1_success", key_points=KEY_POINTS
    ),
    Question.Q2: Reference(
        answer="Classification: Expected behavior\nReason: a", plot_description="", scenario_type="t1_success"
    ),
    Question.Q3: Reference(
        answer="The fit is good.",
        plot_description=DESCRIPTION,
        scenario_type="t1_success",
        key_points=KEY_POINTS,
    ),
    Question.Q4: Reference(
        answer="Assessment: Reliable\nReason: b", plot_description="", scenario_type="t1_success"
    ),
    Question.Q5: Reference(
        answer='{"T1_us": 48.2, "decay_visible": true, "dips": [1.0, 2.0]}',
        plot_description="",
        scenario_type="t1_success",
        field_rules=RULES,
    ),
    Question.Q6: Reference(
        answer="Status: SUCCESS\nNotes: c", plot_description="", scenario_type="t1_success"
    ),
}


def grades_for(question):
    """Return full marks by two judges if the question has key points, else none."""
    return [[1.0] * len(KEY_POINTS)] * 2 if question.needs_judge else []


numbers = st.one_of(st.integers(), st.floats(), st.integers(min_value=10**300, max_value=10**400))
json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        numbers,
        st.text(max_size=12),
        st.sampled_from(["Unreliable", "none", " 4.5 "]),
    ),
    lambda children: st.one_of(
        st.lists(children, max_size=5),
        st.dictionaries(
            st.sampled_from(["T1_us", "decay_visible", "dips", "plot_type", "x_axis", "y_axis", "scale"]),
            children,
        ),
    ),
    max_leaves=12,
)
pieces = st.one_of(
    st.text(max_size=20),
    st.sampled_from(sorted(STATUS_CODES)),
    st.sampled_from(
        [
            "```",
            "```json\n",
            "{",
            "}",
            "[",
            "]",
            "<think>",
            "</think>",
            "\n",
            "**",
            " ",
            "\u2028",
            "Status:",
            "status :",
            "Classification:",
            "Assessment:",
            "Reliable",
            "No fit",
            "Expected behavior",
            "not ",
            "[1, 0.5, NaN]",
            '{"T1_us": 1e999, "dips": [null]}',
            '"\\ud800"',
            "\ud800",
        ]
    ),
)
answers = st.lists(pieces, max_size=12).map("".join)
