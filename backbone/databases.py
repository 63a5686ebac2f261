"""Where the two databases are: those that the settings name, else the embedded PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from backbone.embedded import running
from backbone.settings import Settings, SettingsError
from schemas.errors import NotFound


@dataclass(frozen=True, slots=True)
class Databases:
    """SQLAlchemy URLs; they may hold passwords, so that neither is in `repr`."""

    store: str
    views: str

    def __repr__(self) -> str:
        return "Databases(…)"


@contextmanager
def databases(settings: Settings, *, make: bool = False) -> Iterator[Databases]:
    """The databases, up; the embedded server is shared with other processes of this DATA_DIR.

    Only `make` makes a new one: a mere question must not leave an empty store behind. Raises
    SettingsError where only one of the two is named, EmbeddedError where the embedded server cannot
    run, NotFound where there is none and none is to be made.
    """
    if settings.store_url is not None and settings.views_url is not None:
        yield Databases(settings.store_url, settings.views_url)
        return
    if settings.store_url is not None or settings.views_url is not None:
        raise SettingsError(
            "BACKBONE_STORE_URL and BACKBONE_VIEWS_URL",
            "name both databases, or neither for the embedded PostgreSQL",
        )
    if not make and not (settings.data_dir / "postgres").exists():
        raise NotFound(
            f"there is no store in {settings.data_dir} yet: run `backbone up`, or set "
            "BACKBONE_DATA_DIR"
        )
    with running(settings.data_dir) as server:
        yield Databases(server.url("store"), server.url("views"))
