"""When something may have happened: at any age, but not in the future."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from schemas.envelope import When
from schemas.errors import Invalid

AHEAD_MINUTES_MAX = 5
"""How far a channel's clock may be ahead of ours."""

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The clock of this machine."""
    return datetime.now(UTC)


def refuse_ahead(when: When, now: datetime) -> None:
    """Raises Invalid for what has not happened yet: it would stay the latest of everything."""
    if when.occurred_at is None:
        return
    if when.occurred_at - now > timedelta(minutes=AHEAD_MINUTES_MAX):
        raise Invalid(f"lies more than {AHEAD_MINUTES_MAX} minutes ahead", field="time")
