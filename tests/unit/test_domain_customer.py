"""Given what happened to a customer, when he is registered, then it is recorded, or he is gone."""

import pytest

from domain.customer import load, register
from schemas.errors import NotFound
from schemas.people import CustomerRegistered, SubjectErased, SubjectOpened

OPENED = SubjectOpened(kind="crm", identifier="1001", normaliser="1")
ADA = CustomerRegistered(party="person", relationship="customer", name_full="Ada Example")
EVE = CustomerRegistered(party="person", relationship="customer", name_full="Eve Example")
ERASED = SubjectErased(reason="request", keys_destroyed=1)


@pytest.mark.parametrize("history", [[], [OPENED], [OPENED, ADA], [OPENED, ADA, EVE]])
def test_a_registration_stands_beside_whatever_was_stated_before(
    history: list[SubjectOpened | CustomerRegistered],
) -> None:
    assert register(load(history), EVE) == [EVE]


@pytest.mark.parametrize("history", [[OPENED, ERASED], [OPENED, ADA, ERASED, ADA]])
def test_whoever_is_erased_is_not_registered_again(
    history: list[SubjectOpened | CustomerRegistered | SubjectErased],
) -> None:
    with pytest.raises(NotFound):
        register(load(history), ADA)
