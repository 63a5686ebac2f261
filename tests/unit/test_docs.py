"""The documentation tells the truth: every setting and every command stands in it, as they are."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from backbone.cli.app import app
from backbone.settings import SETTINGS, Setting

ROOT = Path(__file__).parent.parent.parent
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "benchmarks/README.md"]


def commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Every command's words and the first line of its help."""
    members = getattr(command, "commands", None)
    if not members:
        yield " ".join(path), (command.help or "").split("\n\n")[0].replace("\n", " ")
        return
    for name, member in members.items():
        yield from commands(member, (*path, name))


COMMANDS = dict(commands(typer.main.get_command(app), ("backbone",)))


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_stands_in_the_table_of_settings(setting: Setting) -> None:
    assert f"| `{setting.variable}` | {setting.default} | {setting.help} |" in OPERATIONS


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_stands_in_the_table_of_commands(words: str) -> None:
    assert COMMANDS[words], "a command teaches in its help"
    assert f"| `{words}` | {COMMANDS[words]} |" in OPERATIONS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    known = {word for words in COMMANDS for word in words.split()[1:2]}
    for name in re.findall(r"`backbone ([a-z]+)", page.read_text(encoding="utf-8")):
        assert name in known, name
