"""The prose linter: ``python -m tests.prose [PATH ...]`` checks the project's English against tests/prose.toml.

It reads docstrings, comments, string literals and the names of functions and variables in Python files, and all of
the text in Markdown, TOML, YAML, templates, JavaScript and the like. Without a path it reads every file that Git
tracks, except those that ``never_read`` lists.
"""

import argparse
import ast
import io
import re
import subprocess
import sys
import tokenize
import tomllib
from bisect import bisect_right
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
VOCABULARY = "tests/prose.toml"
TEXT_SUFFIXES = {".py", ".md", ".toml", ".yml", ".ini", ".cff", ".txt", ".jinja", ".js", ".css", ""}
MARGIN = re.compile(
    r"^\s*(#+|//|/?\*+/?|>|-)?\s*|\s+$"
)  # indentation and the marks of comments, quotes and list items


class Finding(NamedTuple):
    """A piece of text that the vocabulary rejects; ``line`` counts from 1."""

    line: int
    text: str
    better: str


class Passage:
    """Adjoining lines as one line of text, so that a phrase is found across a line break."""

    def __init__(self, text: str, first_line: int) -> None:
        lines = [MARGIN.sub("", line) for line in text.split("\n")]
        self.text = " ".join(lines)
        self.first_line = first_line
        self._starts = [0]
        for line in lines:
            self._starts.append(self._starts[-1] + len(line) + 1)

    def line(self, offset: int) -> int:
        return self.first_line + bisect_right(self._starts, offset) - 1


def comments(source: str) -> Iterator[Passage]:
    """Yield each run of comments on consecutive lines as one passage."""
    block: list[str] = []
    last = -1
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            if token.start[0] != last + 1:
                yield Passage("\n".join(block), last - len(block) + 1)
                block = []
            block.append(token.string)
            last = token.start[0]
    yield Passage("\n".join(block), last - len(block) + 1)


def python_passages(source: str, tree: ast.AST) -> Iterator[Passage]:
    """Yield comments, string literals that are more than one word, and names of functions."""
    yield from comments(source)
    in_f_string: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            in_f_string.update(node.values)
            pieces = [piece.value if isinstance(piece, ast.Constant) else "{}" for piece in node.values]
            yield Passage("".join(pieces), node.lineno)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in in_f_string:
            if " " in node.value:
                yield Passage(node.value, node.lineno)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Passage(node.name.replace("_", " "), node.lineno)


def variables(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield the names of variables and parameters, and the lines that bind them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno


def findings(source: str, vocabulary: dict, *, python: bool) -> Iterator[Finding]:
    """Yield what the vocabulary rejects in a file's text, with its exceptions not considered."""
    words = [(rf"\b(?:{word['pattern']})(?!\w)", word["better"]) for word in vocabulary["words"]]
    tree = ast.parse(source if python else "")
    for passage in python_passages(source, tree) if python else [Passage(source, 1)]:
        for pattern, better in words:
            for match in re.finditer(pattern, passage.text, re.IGNORECASE):
                shown = passage.text[max(match.start() - 30, 0) : match.end() + 30]
                yield Finding(passage.line(match.start()), shown, better)
    for name, line in variables(tree):
        if name in vocabulary["variables"]:
            yield Finding(line, name, vocabulary["variables"][name])


def report(paths: list[str], vocabulary: dict) -> Iterator[str]:
    """Yield a line for each finding, and for each exception that excuses nothing in the files that were read."""
    tracked = subprocess.run(
        ["git", "ls-files", *paths], cwd=ROOT, capture_output=True, text=True, check=True
    )
    left_out = [VOCABULARY, *vocabulary["never_read"]]
    files = [
        name for name in tracked.stdout.splitlines() if not any(fnmatch(name, glob) for glob in left_out)
    ]
    exceptions = vocabulary.get("exceptions", [])
    used: list[dict] = []
    for name in files:
        if Path(name).suffix in TEXT_SUFFIXES:
            for finding in findings((ROOT / name).read_text(), vocabulary, python=name.endswith(".py")):
                matching = [
                    each for each in exceptions if each["file"] == name and each["text"] in finding.text
                ]
                used += matching
                if not matching:
                    yield f"{name}:{finding.line}: “{finding.text}”; better: {finding.better}"
    for exception in exceptions:
        if exception["file"] in files and exception not in used:
            yield f"{VOCABULARY}: the exception “{exception['text']}” excuses nothing; remove it"


def main(arguments: list[str]) -> int:
    """Print the report; return 1 if it has lines, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.prose", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("paths", nargs="*", help="files or directories, from the project's root")
    lines = list(report(parser.parse_args(arguments).paths, tomllib.loads((ROOT / VOCABULARY).read_text())))
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
