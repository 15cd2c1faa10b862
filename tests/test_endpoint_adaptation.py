"""Changes to a request after a server refused a parameter, and their limits."""

import pytest

from qcal_plugin.engine.adaptation import Adaptation, Change

SENT = {"temperature": 0.0, "max_tokens": 16384, "top_p": 0.9}


def learned(message="", *, code=None, parameter=None, sent=SENT):
    adaptation = Adaptation()
    return adaptation, adaptation.learn(sent, code=code, parameter=parameter, message=message)


@pytest.mark.parametrize(
    ("message", "code", "parameter", "expected"),
    [
        ("no", "unsupported_parameter", "max_tokens", Change.RENAME_MAX_TOKENS),
        ("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
         None, None, Change.RENAME_MAX_TOKENS),
        ("no", "unsupported_value", "temperature", Change.DROP_TEMPERATURE),
        ("`temperature` is deprecated for this model.", None, None, Change.DROP_TEMPERATURE),
        ("temperature: Extra inputs are not permitted", None, None, Change.DROP_TEMPERATURE),
    ],
)  # fmt: skip
def test_a_refused_parameter_is_renamed_or_left_out(message, code, parameter, expected):
    adaptation, again = learned(message, code=code, parameter=parameter)
    assert again
    assert adaptation.changes == [expected]


@pytest.mark.parametrize(
    ("message", "code", "parameter"),
    [
        ("This model's maximum context length is 8192 tokens; reduce max_tokens", None, None),
        ("top_p is not supported with this model", "unsupported_parameter", "top_p"),  # the user's own field
        ("max_tokens_to_sample is not supported", None, None),
        ("invalid image", None, None),
    ],
)
def test_other_refusals_change_nothing(message, code, parameter):
    adaptation, again = learned(message, code=code, parameter=parameter)
    assert not again
    assert adaptation.changes == []


def test_the_other_fields_keep_their_values_and_their_order():
    adaptation = Adaptation([Change.RENAME_MAX_TOKENS, Change.DROP_TEMPERATURE])
    assert list(adaptation.apply(SENT).items()) == [("max_completion_tokens", 16384), ("top_p", 0.9)]


def test_a_request_refused_together_with_the_first_is_simply_sent_again():
    adaptation, _ = learned(code="unsupported_parameter", parameter="max_tokens")
    assert adaptation.learn(SENT, code="unsupported_parameter", parameter="max_tokens", message="")
    assert adaptation.changes == [Change.RENAME_MAX_TOKENS]


def test_a_server_that_refuses_the_adapted_request_too_is_not_retried_for_ever():
    adaptation, _ = learned(code="unsupported_parameter", parameter="max_tokens")
    sent = adaptation.apply(SENT)
    assert not adaptation.learn(
        sent, code="unsupported_parameter", parameter="max_completion_tokens", message=""
    )
