"""Which errors are a user's; a bug is never reported as one."""

import contextlib
import importlib
import inspect
import pkgutil

import pytest

import scoring.errors
from qcal_plugin.cli.values import parsed
from scoring.errors import BadValueError, QCalError
from tests.endpoint import Reply
from tests.scripts import always

pytest_plugins = ["pytester"]

WITHIN = {
    "RequestFailed",  # one request; the item's record says it
    "EngineStopped", "NotNeeded",  # end tests, not the session
    "MalformedReply", "ErrorInReply",  # become RequestFailed
    "ChannelError",  # between our own processes
    "BadReply",  # a judge is asked again
    "ImageError", "OtherFormatError", "DifferentBytesError",  # become DatasetError, or rebuild the prepared dataset
}  # fmt: skip
"""Errors that never leave the suite."""


def own_errors():
    for package in ("scoring", "reports", "synthetic", "qcal_plugin"):
        root = importlib.import_module(package)
        for module in pkgutil.walk_packages(root.__path__, f"{package}."):
            with contextlib.suppress(ModuleNotFoundError):  # an extra that is not installed
                yield from _errors_of(module.name)


def _errors_of(name):
    if not name.endswith("__main__"):
        for _, thing in inspect.getmembers(importlib.import_module(name), inspect.isclass):
            if issubclass(thing, Exception) and thing.__module__ == name:
                yield thing


def test_every_error_for_users_has_the_one_root():
    others = {error.__name__ for error in own_errors() if not issubclass(error, QCalError)}
    assert WITHIN == others


def test_the_tree_names_the_errors_below_the_root():
    children = {
        error.__name__
        for error in own_errors()
        if QCalError in error.__bases__ or BadValueError in error.__bases__
    }
    assert set() == {name for name in children if name not in scoring.errors.__doc__}


@pytest.mark.parametrize(
    "slip", [ValueError("zip() argument 2 is longer"), KeyError("x"), TypeError("not callable")]
)
def test_a_slip_during_set_up_keeps_its_traceback(quick, endpoint, tiny_folder, monkeypatch, slip):
    def stumble(*_, **__):
        raise slip

    endpoint.script = always(Reply("Status: SUCCESS"))
    monkeypatch.setattr("qcal_plugin.session.preparation.find_participants", stumble)
    result = quick.run("--model-url", endpoint.base_url, "--model=model-a", "--dataset", str(tiny_folder))
    assert "INTERNALERROR" in result.out
    assert "stumble" in result.out
    assert "ERROR: zip()" not in result.out


def test_a_slip_in_a_parser_of_options_keeps_its_traceback():
    with pytest.raises(ValueError, match="invalid literal"):
        parsed("--limit", int, "x")

    def refuse(_):
        raise BadValueError("expected a name")

    with pytest.raises(pytest.UsageError, match=r"^--name: expected a name$"):
        parsed("--name", refuse, "x")
