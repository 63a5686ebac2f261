"""What the embedded PostgreSQL cannot use, it refuses with what to do, and leaves alone."""

import os
from pathlib import Path

import pytest

from backbone.embedded import EmbeddedError, account, program, running
from backbone.embedded.locks import alone
from tests.integration.embedded.using import (
    FAST,
    ask,
    enter,
    needs_root,
)


def test_a_server_that_cannot_start_names_its_log(folder: Path) -> None:
    broken = {**FAST, "shared_buffers": "a lot"}
    with pytest.raises(EmbeddedError, match=r"postgres\.log"):
        enter(folder, options=broken)
    with running(folder, options=FAST) as server:
        assert ask(server, "SELECT 1") == 1


def test_whoever_waits_too_long_for_another_start_is_told(folder: Path) -> None:
    with running(folder, options=FAST):
        pass
    busy = alone(folder / "postgres.start.lock", seconds_max=1)
    with busy, pytest.raises(EmbeddedError, match="Another process has been starting"):
        enter(folder, seconds_max=0.1)


def test_a_cluster_of_another_version_is_refused(folder: Path) -> None:
    with running(folder, options=FAST):
        pass
    (folder / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedError, match="was made by PostgreSQL 17"):
        enter(folder)


def test_a_folder_that_is_no_cluster_is_left_alone(folder: Path) -> None:
    (folder / "postgres").mkdir(parents=True)
    own = account.for_this_process()
    own.own(folder / "postgres")
    (folder / "postgres" / "diary.txt").write_text("mine")
    with pytest.raises(EmbeddedError, match="nothing in it was touched"):
        enter(folder)
    assert (folder / "postgres" / "diary.txt").read_text() == "mine"


def test_without_the_wheel_it_says_which_settings_to_set(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "_WHEEL", "no_such_wheel")
    with pytest.raises(EmbeddedError, match=r"BACKBONE_STORE_URL and BACKBONE_VIEWS_URL"):
        enter(folder)


@needs_root
def test_as_root_another_users_cluster_is_refused(folder: Path) -> None:
    (folder / "postgres").mkdir(parents=True)
    (folder / "postgres" / "PG_VERSION").write_text("18\n")
    os.chown(folder / "postgres", 65534, 65534)
    with pytest.raises(EmbeddedError, match="belongs to user 65534"):
        enter(folder)
