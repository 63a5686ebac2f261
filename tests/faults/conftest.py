"""What the tests of faults share: a world to break, and programs that end with the test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.checks import World, world
from tests.faults.running import Programs


@pytest.fixture
def there(new_database: Callable[[str], str], tmp_path: Path) -> Iterator[World]:
    with world(new_database("store"), new_database("views"), tmp_path) as made:
        yield made


@pytest.fixture
def start() -> Iterator[Programs]:
    programs = Programs()
    yield programs
    programs.end()
