"""What a command answers, and the token by which a reader waits for what was written."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from schemas.errors import Invalid

_TOKEN = re.compile(r"([0-9a-f]{1,16})((?:\.[0-9]{1,5}-[0-9]{1,18})*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Token:
    """How far each partition must have been read: epoch, and partition -> sequence."""

    epoch: int
    sequences: Mapping[int, int]

    def text(self) -> str:
        """`<epoch in hex>.<partition>-<sequence>.…`, safe in a URL."""
        parts = (f".{p}-{s}" for p, s in sorted(self.sequences.items()))
        return f"{self.epoch:x}{''.join(parts)}"

    @staticmethod
    def parse(text: str) -> "Token":
        """Read a token's text; raises Invalid."""
        match = _TOKEN.fullmatch(text)
        if match is None:
            raise Invalid("is a token as a receipt gave it", field="at_least")
        pairs = (pair.split("-") for pair in match[2].split(".")[1:])
        return Token(int(match[1], 16), {int(p): int(s) for p, s in pairs})

    def joined(self, *others: "Token") -> "Token":
        """The token that waits for all of them; the epochs must be the same."""
        all_of_them = dict(self.sequences)
        for other in others:
            for partition, sequence in other.sequences.items():
                all_of_them[partition] = max(sequence, all_of_them.get(partition, 0))
        return Token(self.epoch, all_of_them)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a write. For an erased subject only `duplicate` and `erased` are told."""

    stream: str | None
    version: int | None
    event_ids: tuple[UUID, ...]
    duplicate: bool
    token: Token | None
    erased: bool = False
