"""A channel under load: what it sent, what it was answered, and what it sends again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

from schemas.receipts import Token
from tests.faults.running import Running

IN_FLIGHT_MAX = 24
ANSWERS_MAX = 3_000
"""How many answers a program may give before it must have died of its orders."""


def customers(chance: Random) -> Iterator[str]:
    """Identifiers of new and of known customers, of several kinds."""
    known: list[str] = []
    kinds = ("crm:{n}", "phone:+3247{n:07}", "email:c{n}@example.org", "device:d{n}")
    for n in count(chance.randrange(1_000) * 1_000):
        if not known or chance.random() < 0.25:
            known.append(chance.choice(kinds).format(n=n))
            yield known[-1]
        else:
            yield chance.choice(known)


def purchase(chance: Random) -> dict[str, Any]:
    """The data of a purchase of one to three lines, some with discounts."""
    cents = [chance.randrange(100, 9_999) for _ in range(chance.randrange(1, 4))]
    lines = [
        {
            "no": no,
            "product": f"p{amount}",
            "category": chance.choice(("food", "toys", "lamps")),
            "quantity": "1",
            "unit": "piece",
            "net": _money(amount),
            **({"discounts": [_discount(chance)]} if chance.random() < 0.3 else {}),
        }
        for no, amount in enumerate(cents)
    ]
    return {"channel": chance.choice(("web", "store")), "lines": lines, "net": _money(sum(cents))}


def complaint(chance: Random) -> dict[str, Any]:
    """The data of a complaint, some with what was said."""
    data = {"channel": chance.choice(("voice", "email", "web")), "via": "direct", "issue": "late"}
    return data | ({"text": "It never came."} if chance.random() < 0.5 else {})


def _money(cents: int) -> dict[str, str]:
    return {"amount": f"{cents // 100}.{cents % 100:02}", "currency": "EUR"}


def _discount(chance: Random) -> dict[str, Any]:
    kind = chance.choice(("loyalty", "coupon", "match", "manual"))
    in_net = chance.random() < 0.5
    return {"kind": kind, "amount": _money(10), "funded_by": "seller", "in_net": in_net}


@dataclass
class Client:
    """Sends events and keeps a log of its own; the same seed sends the same events."""

    seed: int
    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    receipts: dict[str, list[Any]] = field(default_factory=dict)
    """The first receipt of each event: stream, version, event ids, token."""
    other_receipts: list[str] = field(default_factory=list)
    """Events that got another receipt when they were sent again."""
    refused: dict[str, str] = field(default_factory=dict)
    repeats: int = 0
    _numbers: Iterator[int] = field(default_factory=count)
    _program: Running | None = None
    _in_flight: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        print(f"the load's seed is {self.seed}")  # noqa: T201  to run a failure again
        self.chance = Random(self.seed)
        self._customers = customers(self.chance)

    @property
    def unanswered(self) -> list[str]:
        """What was sent and never answered, in the order of sending."""
        return [name for name in self.sent if name not in self.receipts]

    @property
    def acknowledged(self) -> dict[int, int]:
        """Of each partition the highest sequence that a receipt has told of."""
        epochs = [Token.parse(receipt[3]) for receipt in self.receipts.values()]
        return dict(epochs[0].joined(*epochs[1:]).sequences) if epochs else {}

    def drive(
        self,
        program: Running,
        answers: int = ANSWERS_MAX,
        *,
        over: Callable[[], bool] = lambda: False,
        drain: bool = True,
    ) -> bool:
        """Send what is unanswered again, then new events, and some of both once more, until so many
        answers came or it is `over`; False where the program died first. Without `drain` the rest
        stays in flight."""
        again = self._begin(program)
        while answers > 0 and not over():
            while len(self._in_flight) < IN_FLIGHT_MAX:
                if not self._send(program, again.pop(0) if again else self._next()):
                    break
            if not self._hear(program):
                return False
            answers -= 1
        return not drain or self._drain(program)

    def repeat(self, program: Running, names: list[str]) -> bool:
        """Send these again and wait for their answers; False where the program died."""
        self._begin(program)
        for start in range(0, len(names), IN_FLIGHT_MAX):
            some = names[start : start + IN_FLIGHT_MAX]
            if not all(self._send(program, name) for name in some) or not self._drain(program):
                return False
        return True

    def send(self, program: Running, *events: dict[str, Any]) -> bool:
        """Send these events and wait for their answers; False where the program died."""
        self.sent |= {event["id"]: event for event in events}
        return self.repeat(program, [event["id"] for event in events])

    def event(self, kind: str | None = None, customer: str | None = None) -> dict[str, Any]:
        """One new event, not yet sent: of anybody, and of any kind, unless told otherwise."""
        kind = kind or self.chance.choice(("purchase.made", "complaint.made"))
        made = purchase(self.chance) if kind == "purchase.made" else complaint(self.chance)
        day, hour = self.chance.randrange(1, 4), self.chance.randrange(24)
        return {
            "specversion": "1.0",
            "source": "shop",
            "id": f"{self.seed}-{next(self._numbers)}",
            "type": kind,
            "subject": customer or next(self._customers),
            "time": f"2026-03-0{day}T{hour:02}:00:00+01:00",
            "data": made,
        }

    def _next(self) -> str:
        """Mostly a new event; sometimes one that was sent before, answered or not."""
        if self.sent and self.chance.random() < 0.1:
            return self.chance.choice(list(self.sent))
        event = self.event()
        self.sent[event["id"]] = event
        return str(event["id"])

    def _begin(self, program: Running) -> list[str]:
        """Talk to this program from now on; what nobody has answered and nobody is about to."""
        if program is not self._program:
            self._program = program
            self._in_flight.clear()
        return [name for name in self.unanswered if name not in self._in_flight]

    def _send(self, program: Running, name: str) -> bool:
        if not program.send({"event": self.sent[name]}):
            return False
        self._in_flight.append(name)
        return True

    def _hear(self, program: Running) -> bool:
        answer = program.read()
        if answer is not None:
            self._settle(answer)
            self._in_flight.remove(answer["id"])
        return answer is not None

    def _drain(self, program: Running) -> bool:
        return all(self._hear(program) for _ in tuple(self._in_flight))

    def _settle(self, answer: dict[str, Any]) -> None:
        name = answer["id"]
        if "refused" in answer:
            self.refused[name] = answer["refused"]
            return
        self.refused.pop(name, None)
        self.repeats += answer["duplicate"]
        if self.receipts.setdefault(name, answer["receipt"]) != answer["receipt"]:
            self.other_receipts.append(name)
