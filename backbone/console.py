"""How the command line speaks: to people in colour, to programs in JSON; faults in one sentence.

Commands import what they need when they run: `--help` would take two seconds otherwise.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from backbone.settings import Settings, SettingsError
from schemas.errors import BackboneError, Unavailable

FAILED, USAGE, UNAVAILABLE = 1, 2, 3
"""Exit codes: differs or failed, used wrongly, not reachable now. 0 is well."""

out = Console()
err = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def settings() -> Settings:
    """This process's settings, from the environment."""
    return Settings.from_environment()


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    from api.answers import plain

    sys.stdout.write(orjson.dumps(value, default=plain, option=orjson.OPT_INDENT_2).decode() + "\n")


@contextmanager
def one_sentence() -> Iterator[None]:
    """Turn refusals and faults into a sentence on standard error and an exit code."""
    try:
        yield
    except SettingsError as error:
        _end(str(error), USAGE)
    except Unavailable as error:
        _end(error.reason, UNAVAILABLE)
    except BackboneError as error:
        field = f"{error.field}: " if error.field else ""
        _end(f"{field}{error.reason}", FAILED)
    except RuntimeError as error:
        from backbone.embedded import EmbeddedError

        if not isinstance(error, EmbeddedError):
            raise
        _end(str(error), UNAVAILABLE)


def _end(sentence: str, code: int) -> None:
    err.print(f"[red]backbone:[/red] {sentence}", highlight=False, soft_wrap=True)
    raise SystemExit(code)


class RateColumn(ProgressColumn):
    """Items a second."""

    def render(self, task: Task) -> Text:
        """The rate since the start, in items a second."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "?/s", style="progress.data.speed")


def progress_bar() -> Progress:
    """Count, rate and time left; on standard error, so that pipes stay clean."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=err,
    )
