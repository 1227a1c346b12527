"""What the documents tell operators to type exists; in a runbook it is whole, for whoever follows it at night."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from opsctl.cli import cli

from .test_command_line import leaves

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted(path for place in ("*.md", "[!.]*/**/*.md") for path in ROOT.glob(place))
CALL = re.compile(r"(?:^    .*?|`)\bopsctl ([a-z][^`\n]*)", re.MULTILINE)
A_SPACE_INSIDE = re.compile(r"\[[^]]*\]")


def calls() -> Iterator[tuple[Path, str]]:
    """Every call that stands in backticks or in a block of code; what may be left out is left out."""
    for path in DOCUMENTS:
        for found in CALL.finditer(path.read_text("utf-8")):
            yield path.relative_to(ROOT), A_SPACE_INSIDE.sub("", found[1]).strip()


CALLS = list(calls())


def test_the_documents_name_many_commands() -> None:
    assert len(CALLS) > 30


@pytest.mark.parametrize(("path", "call"), CALLS, ids=str)
def test_what_a_document_tells_to_type_exists(path: Path, call: str) -> None:
    whole = get_command(cli)
    assert isinstance(whole, TyperGroup)
    words, command = max(
        ((words, command) for words, command in leaves(whole) if f"{call} ".startswith(f"{words} ")), key=lambda each: len(each[0])
    )
    options = {name: parameter for parameter in command.params for name in parameter.opts if parameter.param_type_name == "option"}
    given, arguments = set(), 0
    rest = iter(call.removeprefix(words).split())
    for word in rest:
        if not word.startswith("-"):
            arguments += 1
            continue
        assert word in options, f"{word} is no option of {words}"
        given.add(options[word])
        if not getattr(options[word], "is_flag", False):
            next(rest)
    known = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    assert arguments <= len(known)
    if path.parts[:2] == ("docs", "runbooks"):
        assert arguments >= sum(parameter.required for parameter in known)
        assert given >= {parameter for parameter in options.values() if parameter.required}
