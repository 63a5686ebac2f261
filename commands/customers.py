"""Commands about who a customer is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from domain import customer
from domain.access import Action
from schemas.event import EventData
from schemas.people import CustomerRegistered


@dataclass(frozen=True, slots=True)
class RegisterCustomer:
    """State who somebody is. Contact points are stated for the profile and claim nothing."""

    ACTION: ClassVar[Action] = "customers:write"
    STREAM: ClassVar[str] = "subject"

    registration: CustomerRegistered

    def decide(self, history: Sequence[EventData]) -> Sequence[EventData]:
        """The registration, whoever stated another one before."""
        return customer.register(customer.load(history), self.registration)
