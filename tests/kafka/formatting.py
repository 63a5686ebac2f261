"""A data folder as `kafka-storage format` makes it, without starting a JVM for it.

Byte for byte what Kafka 4.3.1 writes. Without `bootstrap.checkpoint` the broker starts too, but
with the transactions and groups of an older Kafka: another broker than the one in production.
"""

import base64
import secrets
import struct
from collections.abc import Sequence
from pathlib import Path

from crc32c import crc32c

_METADATA_VERSION = 30  # 4.3-IV0
FEATURES = {
    "metadata.version": _METADATA_VERSION,
    "eligible.leader.replicas.version": 1,
    "group.version": 1,
    "share.version": 1,
    "streams.version": 1,
    "transaction.version": 2,
}
_FEATURE_LEVEL_RECORD = 12
_SNAPSHOT_HEADER, _SNAPSHOT_FOOTER = 3, 4
_CONTROL = 0x20

Record = tuple[bytes | None, bytes]


def uuid() -> str:
    """16 random bytes as Kafka writes them; none that begins with `-`, which reads as an option."""
    text = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
    return text if text[0] != "-" else uuid()


def format_folder(folder: Path, node: int, at_ms: int) -> None:
    """Make `folder` a fresh node's; `at_ms` is the time it is made at, in Unix milliseconds."""
    folder.mkdir(parents=True)
    lines = ("version=1", f"cluster.id={uuid()}", f"node.id={node}", f"directory.id={uuid()}")
    (folder / "meta.properties").write_text("\n".join(lines) + "\n", encoding="ascii")
    (folder / "bootstrap.checkpoint").write_bytes(checkpoint(at_ms))


def checkpoint(at_ms: int) -> bytes:
    """The snapshot that a new node begins with: its features, between a header and a footer."""
    features = [(None, _feature(name, level)) for name, level in FEATURES.items()]
    header = struct.pack(">hh", 0, _SNAPSHOT_HEADER), struct.pack(">hqb", 0, 0, 0)
    footer = struct.pack(">hh", 0, _SNAPSHOT_FOOTER), struct.pack(">hb", 0, 0)
    return (
        _batch(0, _CONTROL, at_ms, [header])
        + _batch(1, 0, at_ms, features)
        + _batch(1 + len(features), _CONTROL, at_ms, [footer])
    )


def _feature(name: str, level: int) -> bytes:
    """A FeatureLevelRecord in its frame: frame version, kind, version; name, level, no tags."""
    text = name.encode("ascii")
    return bytes([1, _FEATURE_LEVEL_RECORD, 0, len(text) + 1]) + text + struct.pack(">hb", level, 0)


def _batch(offset: int, attributes: int, at_ms: int, records: Sequence[Record]) -> bytes:
    """A record batch, version 2 (KIP-98), of no producer."""
    last = len(records) - 1
    body = struct.pack(">hiqqqhii", attributes, last, at_ms, at_ms, -1, -1, -1, len(records))
    body += b"".join(_record(delta, *record) for delta, record in enumerate(records))
    rest = struct.pack(">ibI", 0, 2, crc32c(body)) + body
    return struct.pack(">qi", offset, len(rest)) + rest


def _record(delta: int, key: bytes | None, value: bytes) -> bytes:
    body = b"\0" + _varint(0) + _varint(delta)
    body += _varint(-1) if key is None else _varint(len(key)) + key
    body += _varint(len(value)) + value + _varint(0)
    return _varint(len(body)) + body


def _varint(number: int) -> bytes:
    """Zigzag, then seven bits a byte, the lowest first."""
    left = number << 1 if number >= 0 else (-number << 1) - 1
    out = bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes([*out, left])
