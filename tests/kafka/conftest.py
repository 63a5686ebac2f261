"""What the tests of the relay share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kafka.relaying import Line, line


@pytest.fixture
def there(
    kafka: str,
    new_topic: Callable[[str], str],
    new_database: Callable[[str], str],
    tmp_path: Path,
) -> Iterator[Line]:
    with line(new_database, tmp_path, kafka, new_topic("events")) as made:
        yield made
