"""The README's commands, run as they stand there."""

import json
import re
import subprocess
from pathlib import Path

from tests.e2e.processes import Up, backbone, data_folder
from tests.serving import complaint

README = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")


def curls() -> list[str]:
    """Every curl of the README, whole; one that spans lines ends where its quotes do."""
    found = []
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL):
        command = ""
        for line in block.splitlines():
            command = f"{command}\n{line}" if command else line
            if command.startswith("curl") and command.count("'") % 2 == 0 and line[-1] != "\\":
                found.append(command)
                command = ""
            elif not command.startswith("curl"):
                command = ""
    return found


def run(command: str, address: str, token: str) -> str:
    asked = command.replace("http://127.0.0.1:8080", address)
    asked = asked.replace("<token of a receipt>", token).replace("curl ", "curl -sS --fail ", 1)
    return subprocess.run(
        ["bash", "-c", asked], capture_output=True, text=True, check=True, timeout=60
    ).stdout


def test_every_curl_of_the_readme_is_answered_and_what_an_auditor_asks_too() -> None:
    with data_folder() as data_dir, Up(data_dir) as program:
        said = program.post(complaint("phone:025550101", time="2026-01-02T10:00:00+01:00")).json()
        commands = curls()
        assert len(commands) == 4
        answers = [run(commands[0], program.address, "")]
        receipt = json.loads(answers[0])
        assert not receipt["duplicate"]
        answers += [run(one, program.address, receipt["token"]) for one in commands[1:]]
        assert '"count":1' in answers[1]
        assert '"purchase.made"' in answers[2]
        assert said["stream"].partition("/")[0] in answers[3]
        shown = backbone(data_dir, "events", "show", "--source", "shop", "order-4711")
        assert '"type": "purchase.made"' in shown.stdout
