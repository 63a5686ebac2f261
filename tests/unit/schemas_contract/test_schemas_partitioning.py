"""Every Kafka client finds the partition that the backbone does."""

import pytest

from schemas.partitioning import murmur2, partition_of

# From Kafka's own tests (org.apache.kafka.common.utils.UtilsTest), signed as Java has them; the
# short ones from Kafka's rule for every length of tail.
JAVA = {
    "21": -973932308,
    "foobar": -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    "": 275646681,
    "a": -1563381124,
    "ab": 316155434,
    "abc": 479470107,
}


@pytest.mark.parametrize(("key", "signed"), JAVA.items())
def test_the_hash_is_javas(key: str, signed: int) -> None:
    assert murmur2(key.encode()) == signed & 0xFFFFFFFF


@pytest.mark.parametrize(("key", "signed"), JAVA.items())
def test_the_partition_is_the_positive_hash_modulo_their_number(key: str, signed: int) -> None:
    for partitions in (1, 7, 12, 1000):
        assert partition_of(key, partitions) == (signed & 0x7FFFFFFF) % partitions


def test_keys_are_hashed_as_utf8() -> None:
    assert partition_of("é", 1 << 31) == murmur2("é".encode()) & 0x7FFFFFFF


def test_subjects_spread_evenly() -> None:
    counts = [0] * 12
    for number in range(12_000):
        counts[partition_of(f"s_{number:026d}", 12)] += 1
    assert min(counts) > 850
    assert max(counts) < 1150
