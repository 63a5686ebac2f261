"""The house keeps its rules: arrows point down, and nothing installed takes our rooms' names."""

import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = {
    "api",
    "backbone",
    "commands",
    "consumers",
    "domain",
    "importers",
    "projections",
    "schemas",
    "store",
}
OURS = "customer-interaction-backbone"


def test_every_import_contract_is_kept() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_nothing_installed_ships_a_top_level_name_of_ours() -> None:
    taken = {
        (dist.metadata["Name"], file.parts[0].removesuffix(".py"))
        for dist in distributions()
        if dist.metadata["Name"] != OURS
        for file in dist.files or ()
        if file.parts[0].removesuffix(".py") in ROOMS
    }
    assert not taken
