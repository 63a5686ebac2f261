"""Who may do what: nobody anything, unless it is said."""

from typing import get_args

import pytest

from domain.access import LOCAL, Action, Principal, may


@pytest.mark.parametrize("action", get_args(Action))
def test_only_the_local_principal_may(action: Action) -> None:
    assert may(LOCAL, action)
    assert may(LOCAL, action, "s_somebody")
    assert not may(None, action)
    assert not may(Principal("stranger"), action)
    # The name decides nothing.
    assert not may(Principal("local"), action)


def test_a_principal_is_an_actor_of_the_envelope() -> None:
    assert LOCAL.actor == "principal:local"
