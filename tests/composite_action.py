"""Run the steps of action.yml as GitHub's runner does: conditions, expressions, outputs, scripts under bash.

Steps that use other actions are replaced: artefacts go to and come from `CIStandIn`, the others do nothing,
and "Install" selects the interpreter of these tests.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from tests.ci_stand_in import CIStandIn, zipped
from tests.inner_run import REPOSITORY

ACTION = yaml.safe_load((REPOSITORY / "action.yml").read_text())
WORD = re.compile(r"'(?:[^']|'')*'|&&|\|\||==|!=|!|[()]|,|[A-Za-z_][\w.-]*")
OPERATORS = {"&&": " and ", "||": " or ", "!": " not ", "==": "==", "!=": "!=", "(": "(", ")": ")", ",": ","}
FUNCTIONS = {"always": lambda: True, "startsWith": lambda text, start: text.startswith(start)}


@dataclass
class Job:
    """What a job left: how it ended, its log, the action's outputs and the job's summary."""

    exit_status: int
    log: str
    outputs: dict[str, str]
    summary: str


@dataclass
class Runner:
    """A workspace in which the action runs, step by step."""

    workspace: Path
    ci: CIStandIn
    environment: dict[str, str]
    shards: dict[str, Path] = field(default_factory=dict)
    """Artefacts of this workflow by name."""

    def run(self, *, event: str = "push", branch: str = "main", **inputs: str) -> Job:
        """Run all steps with these inputs; dashes in their names are written as underscores."""
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert set(given) <= set(ACTION["inputs"])
        state = _State(self, event, branch, given)
        for step in ACTION["runs"]["steps"]:
            state.take(step)
        outputs = {name: state.text(output["value"]) for name, output in ACTION["outputs"].items()}
        return Job(state.failed, state.log, outputs, state.read("summary"))


INSTALLED = "\n".join(
    [
        "mkdir -p {folder}",
        f"""for name in qcaleval python; do
          printf '#!/bin/sh\\nexec %s "$@"\\n' "{Path(sys.executable).parent}{os.sep}$name" > {{folder}}/$name
          chmod +x {{folder}}/$name
        done""",
    ]
)
"""A script that makes the interpreter of these tests that of a folder."""


class _State:
    def __init__(self, runner: Runner, event: str, branch: str, given: dict[str, str]) -> None:
        self.runner, self.failed, self.log = runner, 0, ""
        self.temp = runner.workspace.parent / f"temp-{len(list(runner.workspace.parent.glob('temp-*')))}"
        self.temp.mkdir()
        self.branch = branch
        self.context: dict[str, Any] = {
            "github.event_name": event,
            "github.ref_name": branch,
            "github.event.repository.default_branch": "main",
            "github.action_path": str(REPOSITORY),
            "github.token": runner.ci.github()["GITHUB_TOKEN"],
            "runner.temp": str(self.temp),
            "runner.os": "Linux",
        }
        defaults = {name: self.text(entry.get("default", "")) for name, entry in ACTION["inputs"].items()}
        self.context |= {f"inputs.{name}": value for name, value in (defaults | given).items()}

    def take(self, step: dict[str, Any]) -> None:
        condition = step.get("if", "")
        if (self.failed and "always()" not in condition) or not (not condition or self.value(condition)):
            return
        if "uses" in step:
            self._stand_in(step)
            return
        environment = {
            **self.runner.environment,
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(self.temp / "output"),
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary"),
            **{name: self.text(value) for name, value in step.get("env", {}).items()},
        }
        (self.temp / "output").write_text("")
        script = step["run"]
        if step["name"] == "Install":
            script = INSTALLED.format(folder='"$RUNNER_TEMP/qcaleval/bin"')
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.runner.workspace,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.log += f"--- {step['name']}\n{done.stdout}"
        self.failed = self.failed or done.returncode
        for line in self.read("output").splitlines():
            name, _, value = line.partition("=")
            self.context[f"steps.{step.get('id')}.outputs.{name}"] = value

    def read(self, name: str) -> str:
        file = self.temp / name
        return file.read_text() if file.exists() else ""

    def value(self, expression: str) -> Any:
        words = WORD.findall(expression.strip().removeprefix("${{").removesuffix("}}"))
        code = "".join(self._operand(word) for word in words)
        return eval(code, {"context": self.context, **FUNCTIONS})

    @staticmethod
    def _operand(word: str) -> str:
        if word in OPERATORS:
            return OPERATORS[word]
        if word.startswith("'"):
            return repr(word[1:-1])
        return word if word in FUNCTIONS else f"context.get({word!r}, '')"

    def text(self, template: str) -> str:
        return re.sub(r"\$\{\{(.*?)\}\}", lambda match: str(self.value(match[1])), str(template))

    def _stand_in(self, step: dict[str, Any]) -> None:
        options = {name: self.text(value) for name, value in step.get("with", {}).items()}
        match step["uses"].partition("@")[0]:
            case "actions/upload-artifact":
                self._upload(step.get("id"), options)
            case "actions/download-artifact":
                for name, folder in self.runner.shards.items():
                    if fnmatch(name, options["pattern"]):
                        shutil.copytree(folder, Path(options["path"], name))
            case other:
                assert other in {"actions/setup-python", "actions/cache"}

    def _upload(self, identity: str | None, options: dict[str, str]) -> None:
        folder = self.runner.workspace / options["path"].split()[0]
        if not folder.is_dir():
            assert options["if-no-files-found"] == "ignore"
            return
        kept = self.temp / "artifacts" / options["name"]
        shutil.copytree(folder, kept)
        self.runner.shards[options["name"]] = kept
        number = self.runner.ci.leave(zipped(folder), self.branch, options["name"])
        self.context[f"steps.{identity}.outputs.artifact-url"] = f"https://github.example/artifacts/{number}"
