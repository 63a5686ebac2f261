"""What tests on real databases share: a store alone, and a store with views beside it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backbone.wiring import Store
from tests.feeding import World, world
from tests.stores import opened


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[Store]:
    with opened(database, tmp_path / "ring") as store:
        yield store


@pytest.fixture
def there(new_database: Callable[[str], str], tmp_path: Path) -> Iterator[World]:
    with world(new_database, tmp_path) as made:
        yield made
