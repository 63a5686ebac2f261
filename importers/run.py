"""The run of an import, whatever the data set: batches in, outcomes counted, refusals kept.

Nothing here is in step with the store, and nothing needs to be: ids come from natural keys, so an
import that stopped anywhere is simply run again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TypeVar

from importers.interrupts import first_interrupt
from importers.items import Damaged, Fault, Importable, Source, row_of
from importers.rejects import Rejects
from importers.summary import Refusal, Result, Summary

BATCH_EVENTS_MAX = 1_000

T = TypeVar("T")


class Outcome(Protocol):
    """What became of one event; a refusal has a reason, and the field that it is about."""

    @property
    def outcome(self) -> Result: ...

    @property
    def field(self) -> str | None: ...

    @property
    def reason(self) -> str | None: ...


Submit = Callable[[Sequence[dict[str, Any]]], Sequence[Outcome]]
"""Hands structured CloudEvents to the write side; answers for each of them, in their order."""

Progress = Callable[[int, int], None]
"""Is told after each batch how many items are done, of how many."""


def run(
    source: Source,
    submit: Submit,
    *,
    rejects_elsewhere: Path,
    progress: Progress = lambda _done, _total: None,
    batch_events: int = BATCH_EVENTS_MAX,
) -> Summary:
    """Import all that `source` yields, and tell what became of it.

    What is damaged or refused goes to a rejects file beside the input, or in the folder
    `rejects_elsewhere` where the input's own is not to write in, and never stops the rest. Ctrl-C
    ends the run after the batch in hand. Whatever `submit` raises passes through: run it again.
    """
    summary = Summary(source.things, source.total)
    with Rejects(source.origin, rejects_elsewhere) as rejects, first_interrupt() as interrupted:
        progress(0, source.total)
        try:
            for batch in _batches(source, batch_events):
                _book(summary, rejects, source.origin.file.name, submit, batch)
                progress(summary.done, source.total)
                if interrupted():
                    summary.interrupted = summary.done < source.total
                    break
        except KeyboardInterrupt:
            summary.interrupted = True
    summary.rejects = rejects.path
    return summary


def _book(
    summary: Summary,
    rejects: Rejects,
    file: str,
    submit: Submit,
    batch: Sequence[Importable | Damaged],
) -> None:
    importable = [item for item in batch if isinstance(item, Importable)]
    answers = submit([item.event for item in importable]) if importable else ()
    for item, answer in zip(importable, answers, strict=True):
        if answer.outcome in ("accepted", "duplicate"):
            summary.counts[answer.outcome] += 1
            continue
        row = row_of(item.rows, answer.field)
        fault = Fault(row, answer.field, answer.reason or "was refused")
        _refuse(summary, rejects, answer.outcome, Damaged(file, (fault,), item.rows))
    for damaged in batch:
        if isinstance(damaged, Damaged):
            _refuse(summary, rejects, "rejected", damaged)


def _refuse(summary: Summary, rejects: Rejects, result: Result, item: Damaged) -> None:
    summary.counts[result] += 1
    # By its first fault, so that the numbers by reason add up to the number refused.
    summary.refusals[Refusal(result, item.faults[0].field, item.faults[0].reason)] += 1
    for fault in item.faults:
        summary.show(item.file, fault.row, fault.field, fault.reason)
    if item.rows:
        rejects.add(item.rows, item.faults)


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch
