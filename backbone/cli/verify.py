"""`backbone verify`: whether views and topic hold exactly what the store does."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

from backbone.console import (
    FAILED,
    AsJson,
    one_sentence,
    out,
    print_json,
    progress_bar,
    settings,
)

if TYPE_CHECKING:
    from consumers.verifying import Difference, Verified


def verify(as_json: AsJson = False) -> None:
    """Compare store, topic and every view by sequence and digest; exit 1 where anything differs.

    Everything is read, the topic too where BACKBONE_KAFKA is set, while all else goes on. To be
    behind is no difference. Nothing is changed; Ctrl-C ends it.
    """
    from backbone.verifying import verified

    # Five lines for every try to reach a broker, where one sentence of ours is enough.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    with one_sentence(), progress_bar() as bar:

        def follow(what: str) -> Callable[[int, int], None]:
            task = bar.add_task(what, total=None)
            return lambda done, total: bar.update(task, completed=done, total=total)

        found = verified(settings(), follow)
    differs = any(one.differences for one in found)
    if as_json:
        print_json({"same": not differs, "compared": [asdict(one) for one in found]})
    else:
        _print(found)
    if differs:
        raise SystemExit(FAILED)


def _print(found: "Sequence[Verified]") -> None:
    table = Table("what", "state", box=SIMPLE_HEAD, padding=(0, 1))
    for name in ("events", "behind", "partitions that differ"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in found:
        state = "[green]same[/green]"
        if one.differences:
            state = "[red]differs[/red]"
        elif one.behind:
            state = "[yellow]same so far[/yellow]"
        differing = ", ".join(str(each.partition) for each in one.differences)
        table.add_row(one.name, state, f"{one.events:,}", f"{one.behind:,}", differing)
    out.print(table)
    first = next(((one.name, one.differences[0]) for one in found if one.differences), None)
    sentence = _sentence(*first) if first else "Nothing is missing, nothing is doubled."
    out.print(sentence, highlight=False, soft_wrap=True)


def _sentence(name: str, found: "Difference") -> str:
    one = found.first == found.last
    where = f"sequence {found.first}" if one else f"sequences {found.first} to {found.last}"
    return f"{name}, partition {found.partition}, {where}: {_SENTENCES[found.kind]}."


_SENTENCES = {
    "missing": "missing",
    "doubled": "there twice, or out of order",
    "unknown": "the store does not hold it",
    "other-event": "another event than the store's",
    "other-digest": "other events than the store's are among them",
    "other-epoch": "of another epoch of the store",
    "foreign": "a record that no relay wrote is there in its place",
}
