"""What tests of the store run in processes of their own."""

import multiprocessing
from collections import deque
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from typing import Any

from schemas.receipts import Receipt
from store.drafts import Append
from tests.stores import SECONDS_MAX, append, complaint, erase, opened, report, subject_of

processes = multiprocessing.get_context("forkserver")
"""Real processes. Each is forked from a server that has imported this and runs no thread, so that a
hundred of them cost seconds and not minutes."""
processes.set_forkserver_preload([__name__])

IN_FLIGHT = 50
PEOPLE = 300


def found_and_tell(url: str, ring: Path, start: Any, told: Any) -> None:
    """Bring the store up together with others, and tell what it is."""
    start.wait(SECONDS_MAX)
    with opened(url, ring) as store:
        told.put((store.info.epoch, store.info.ring))


def report_and_tell(
    url: str, ring: Path, of: str, channel_id: str, text: str | None, start: Any, told: Any
) -> None:
    """Report one complaint together with others, and tell the receipt."""
    with opened(url, ring) as store:
        draft = complaint(store, of, channel_id, text=text)
        start.wait(SECONDS_MAX)
        told.put(append(store, draft))


def write_until_killed(url: str, ring: Path, writer: int, appends: int, told: Any) -> None:
    """Append one complaint after the other, telling of each receipt."""
    with opened(url, ring) as store:
        for n in range(appends):
            report(store, f"crm:{writer % 7}", f"{writer} {n}", text="said")
            told.send(n)


def erase_all(url: str, ring: Path, people: int, start: Any) -> None:
    """Erase everybody, one after the other, while others write to them."""
    with opened(url, ring) as store:
        start.wait(SECONDS_MAX)
        for n in range(people):
            if subject := subject_of(store, f"crm:{n}"):
                erase(store, subject)


def write_much(
    url: str, ring: Path, process: int, events: int, start: Any, told: Any, changes: dict[str, Any]
) -> None:
    """Two writers, each with fifty appends in flight; tell how many receipts came, and how many
    failures. Every tenth event goes to a stream that all writers append to."""
    with opened(url, ring, **changes) as store:
        counts: list[tuple[int, int]] = []

        def write(writer: int) -> None:
            flying: deque[Future[Receipt]] = deque()
            failures = 0
            for n in range(events):
                number = f"{process} {writer} {n}"
                shared = {"stream": "identity/stated"} if n % 10 == 0 else {}
                draft = complaint(store, f"crm:{n * 7 % PEOPLE}", number, **shared)
                if len(flying) >= IN_FLIGHT:
                    failures += flying.popleft().exception(SECONDS_MAX) is not None
                flying.append(store.appender.submit(Append((draft,))))
            failures += sum(answer.exception(SECONDS_MAX) is not None for answer in flying)
            counts.append((events - failures, failures))

        writers = [Thread(target=write, args=(writer,)) for writer in range(2)]
        start.wait(SECONDS_MAX)
        for thread in writers:
            thread.start()
        for thread in writers:
            thread.join()
        told.put(counts)
