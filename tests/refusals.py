"""The message with which a user's file is refused."""

import pytest


def refusal(attempt, kind, file_name):
    """Return the message after the file's name; check that it is on one line."""
    with pytest.raises(kind) as raised:
        attempt()
    path, _, said = str(raised.value).partition(f"{file_name}: ")
    assert path
    assert "\n" not in said
    return said
