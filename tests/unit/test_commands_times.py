"""Something may have happened at any time but one to come."""

from datetime import UTC, datetime, timedelta

import pytest

from commands.times import AHEAD_MINUTES_MAX, refuse_ahead
from schemas.envelope import When
from schemas.errors import Invalid

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MOST = timedelta(minutes=AHEAD_MINUTES_MAX)


@pytest.mark.parametrize(
    "at", [None, NOW, NOW + MOST, datetime(1900, 1, 1, tzinfo=UTC), NOW - timedelta(days=36_500)]
)
def test_any_age_is_taken(at: datetime | None) -> None:
    refuse_ahead(When(at), NOW)


def test_what_is_to_come_is_refused() -> None:
    with pytest.raises(Invalid) as refusal:
        refuse_ahead(When(NOW + MOST + timedelta(seconds=1)), NOW)
    assert refusal.value.field == "time"
