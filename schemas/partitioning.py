"""Which partition a subject belongs to: the rule of Kafka's default partitioner.

murmur2 (32 bit, seed 0x9747b28c) over the UTF-8 key, sign bit dropped, modulo the partition count,
as in `org.apache.kafka.common.utils.Utils.murmur2`: any Java client finds the same partition.
"""

from functools import lru_cache

_MASK = 0xFFFFFFFF
_M = 0x5BD1E995


def murmur2(data: bytes) -> int:
    """The unsigned 32-bit hash of `data`."""
    length = len(data)
    h = 0x9747B28C ^ length
    whole = length & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * _M & _MASK
        k = (k ^ k >> 24) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    if rest := data[whole:]:
        h = (h ^ int.from_bytes(rest, "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


@lru_cache(maxsize=65_536)
def partition_of(subject: str, partitions: int) -> int:
    """The partition (0 … partitions - 1) of everything keyed by `subject`."""
    return (murmur2(subject.encode()) & 0x7FFFFFFF) % partitions
