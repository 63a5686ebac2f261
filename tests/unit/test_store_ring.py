"""The ring: made whole or not at all, read only when closed and undamaged, its list for ever."""

import os
from pathlib import Path

import pytest

from store.ring import Ring, RingFault

ERASED = bytes(range(16))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "ring"


def test_a_made_ring_opens_again_and_is_closed_to_others(folder: Path) -> None:
    made = Ring.create(folder)
    read = Ring.open(folder)

    keys = [made.wrapping, made.lookup, made.id, made.fingerprint, made.service]
    assert keys == [read.wrapping, read.lookup, read.id, read.fingerprint, read.service]
    assert len(set(keys)) == 5
    assert made.identity == read.identity
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_a_ring_is_never_overwritten(folder: Path) -> None:
    made = Ring.create(folder)

    with pytest.raises(RingFault):
        Ring.create(folder)

    assert Ring.open(folder).identity == made.identity
    assert [path.name for path in folder.parent.iterdir()] == ["ring"]


def test_what_a_crash_left_half_made_is_in_nobodys_way(folder: Path) -> None:
    half = folder.parent / ".ring-abc"
    half.mkdir()
    (half / "wrapping.key").write_bytes(b"x" * 32)

    assert Ring.open(Ring.create(folder).folder).destroyed == frozenset()


def test_a_missing_ring_is_a_fault_that_says_what_to_do(folder: Path) -> None:
    with pytest.raises(RingFault, match="restore its backup"):
        Ring.open(folder)


@pytest.mark.parametrize("name", ["wrapping.key", "lookup.key", "service.key", "destroyed"])
def test_a_ring_that_others_may_read_or_that_lacks_a_file_is_refused(
    folder: Path, name: str
) -> None:
    Ring.create(folder)
    (folder / name).chmod(0o640)
    with pytest.raises(RingFault, match="chmod"):
        Ring.open(folder)

    (folder / name).unlink()
    with pytest.raises(RingFault, match="restore"):
        Ring.open(folder)


def test_a_folder_that_others_may_enter_is_refused(folder: Path) -> None:
    Ring.create(folder)
    folder.chmod(0o750)
    with pytest.raises(RingFault, match="chmod"):
        Ring.open(folder)


def test_a_damaged_key_is_refused(folder: Path) -> None:
    Ring.create(folder)
    (folder / "id.key").write_bytes(b"short")
    with pytest.raises(RingFault, match="damaged"):
        Ring.open(folder)


def test_another_process_sees_what_was_destroyed(folder: Path) -> None:
    mine, others = Ring.create(folder), Ring.open(folder)

    mine.destroy([ERASED, ERASED[::-1]])

    assert mine.is_destroyed(ERASED)
    assert not others.is_destroyed(ERASED)
    assert others.refresh()
    assert others.destroyed == mine.destroyed == {ERASED, ERASED[::-1]}
    assert not others.refresh()


def test_half_a_line_of_a_crash_spoils_no_line_behind_it(folder: Path) -> None:
    ring = Ring.create(folder)
    with (folder / "destroyed").open("ab") as file:
        file.write(b"\n" + ERASED.hex().encode()[:9])

    ring.destroy([ERASED])

    assert Ring.open(folder).destroyed == {ERASED}


@pytest.mark.parametrize("damage", [b"\x00\x00", b"0" * 33, b"zz"])
def test_a_damaged_list_is_a_fault(folder: Path, damage: bytes) -> None:
    ring = Ring.create(folder)
    ring.destroy([ERASED])
    with (folder / "destroyed").open("ab") as file:
        file.write(damage + b"\n")

    with pytest.raises(RingFault, match="damaged"):
        ring.refresh()


def test_a_list_that_went_missing_does_not_begin_anew(folder: Path) -> None:
    ring = Ring.create(folder)
    (folder / "destroyed").unlink()

    with pytest.raises(RingFault, match="missing"):
        ring.refresh()
    with pytest.raises(RingFault, match="missing"):
        ring.destroy([ERASED])
    assert not (folder / "destroyed").exists()


def test_no_key_shows_in_a_repr(folder: Path) -> None:
    ring = Ring.create(folder)
    assert repr(ring.wrapping) not in repr(ring)
    assert os.fspath(folder) in repr(ring)
