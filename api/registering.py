"""From a registration as it was sent to its command, and the receipt back."""

import re
from typing import Any

from fastapi import Response
from pydantic import ValidationError

from api.answers import receipt_answer
from api.parts import Parts
from commands.customers import RegisterCustomer
from commands.dispatcher import Envelope
from domain.access import Principal
from schemas.cloudevents import moment
from schemas.envelope import When
from schemas.errors import Invalid, StaleVersion
from schemas.people import CustomerRegistered
from schemas.references import Door
from schemas.registry import refusal
from store.drafts import Who, who_text

SOURCE = "api"
_VERSION = re.compile(r'"?(\d{1,18})"?', re.ASCII)


def register_customer(
    parts: Parts,
    principal: Principal,
    who: Who,
    sent: dict[str, Any],
    key: str | None,
    if_match: str | None,
) -> Response:
    """Run the command and answer its receipt; blocks until it is recorded.

    `sent` is the registration's fields and, if it has one, `time`. Raises what the dispatcher does.
    """
    door = Door(SOURCE, parts.region, parts.ids)
    fields = {name: value for name, value in sent.items() if name != "time"}
    try:
        registration = CustomerRegistered.model_validate(fields, context=door)
    except ValidationError as error:
        raise refusal(error) from None
    envelope = Envelope(
        who=who,
        source=SOURCE,
        when=When(moment(sent["time"], "time") if sent.get("time") is not None else None),
        content={"customer": who_text(who), "registration": sent},
        key=key,
        version=_version(if_match),
    )
    command = RegisterCustomer(registration)
    return receipt_answer(parts.dispatcher.run(principal, command, envelope, door))


def _version(if_match: str | None) -> int | None:
    """The version that the caller saw. RFC 9110 compares strongly, so that a weak tag never
    matches; `*` and lists name no version, and deciding on them would overwrite unseen."""
    if if_match is None:
        return None
    text = if_match.strip()
    if text.startswith("W/"):
        raise StaleVersion("a weak tag matches nothing: send the ETag of a receipt")
    found = _VERSION.fullmatch(text)
    if found is None:
        raise Invalid('is one version, as a receipt\'s ETag gave it, such as "3"', field="If-Match")
    return int(found[1])
