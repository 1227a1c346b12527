"""From environment variables to a settings object, and back to something an operator can read."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

from servicekit.redaction import redact, redact_text
from servicekit.settings import ProgramSettings

S = TypeVar("S", bound=ProgramSettings)


@dataclass(frozen=True)
class Variable:
    """One setting: its name in the environment, and the way to its field from the top of the settings class."""

    name: str
    path: tuple[str, ...]
    field: FieldInfo

    @property
    def secret(self) -> bool:
        return SecretStr in _alternatives(self.field.annotation)

    @property
    def description(self) -> str:
        if not self.field.description:
            raise TypeError(f"{self.name} has no description")
        return self.field.description

    @property
    def example(self) -> str | None:
        """A value that works on one's own machine: the field's example, else its default; None: may be left out.

        Raises:
            TypeError: the field has neither.
        """
        if self.field.examples:
            return str(self.field.examples[0])
        if self.field.is_required():
            raise TypeError(f"{self.name} has neither a default nor an example")
        default = self.field.get_default(call_default_factory=True, validated_data={})
        return None if default is None else str(default)

    @property
    def remedy(self) -> str:
        sample = f" (for example {self.name}={self.example})" if self.example else ""
        file = f", or the file {self.name.lower()} in the folder SECRETS_DIR" if self.secret else ""
        return f"Set {self.name}{file} to: {self.description}{sample}"


def variables(settings: type[ProgramSettings]) -> list[Variable]:
    """Every setting of the class, groups opened, in the order of declaration."""
    prefix = settings.model_config.get("env_prefix", "")
    return [Variable((prefix + "__".join(path)).upper(), path, field) for path, field in _fields(settings.model_fields, ())]


def load(settings: type[S]) -> S:
    """The settings from the environment; a wrong one ends the program.

    Prints one line per wrong setting to standard error (its name, what is wrong, how to set it; never its value) and
    raises `SystemExit(2)`.
    """
    try:
        return settings()
    except ValidationError as error:
        complaints = [line for details in error.errors() for line in _complaints(details, settings)]
    except SettingsError as error:
        complaints = [redact_text(str(error))]
    print(*complaints, sep="\n", file=sys.stderr)  # noqa: T201 - logging is not set up yet
    raise SystemExit(2)


def describe(settings: ProgramSettings) -> dict[str, object]:
    """The effective settings by the name each has in the environment, fit for the log: secrets are hidden."""
    return {variable.name: redact(_value(settings, variable.path)) for variable in variables(type(settings))}


def env_example(services: Mapping[str, type[ProgramSettings]]) -> str:
    """The text of `.env.example` for these services (name of the service to its settings class).

    A setting that several services share stands once, under the names of those that read it. A test compares the
    committed file with this text, so a setting cannot come, go or change unseen.

    Raises:
        TypeError: a field has no description, or neither a default nor an example.
    """
    readers: dict[str, list[str]] = {}
    found: dict[str, Variable] = {}
    for service, settings in services.items():
        for variable in variables(settings):
            readers.setdefault(variable.name, []).append(service)
            found.setdefault(variable.name, variable)
    sections: dict[tuple[str, ...], list[str]] = {}
    for name, names in readers.items():
        sections.setdefault(tuple(names), []).append(name)
    lines = []
    for owners, members in sections.items():
        title = "every service" if len(owners) == len(services) else ", ".join(owners)
        lines += [f"## {title}", ""]
        for name in members:
            lines += [f"# {found[name].description}", _assignment(found[name]), ""]
    return "\n".join(lines)


def _assignment(variable: Variable) -> str:
    return f"# {variable.name}=" if variable.example is None else f"{variable.name}={variable.example}"


def _fields(fields: Mapping[str, FieldInfo], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    for name, field in fields.items():
        group = next((kind for kind in _alternatives(field.annotation) if _is_group(kind)), None)
        if group is None:
            yield (*above, name), field
        else:
            yield from _fields(group.model_fields, (*above, name))


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    """`X` for X itself, and X and None for `X | None`."""
    return (annotation, *get_args(annotation))


def _is_group(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _value(settings: BaseModel, path: Iterable[str]) -> object:
    value: object = settings
    for name in path:
        value = getattr(value, name, None)
    return value


def _complaints(details: ErrorDetails, settings: type[ProgramSettings]) -> Iterator[str]:
    """The lines for one error: one, or one per required field when a whole group is missing."""
    at = tuple(str(part) for part in details["loc"])
    problem = details["msg"].removeprefix("Value error, ")
    known = variables(settings)
    exact = next((variable for variable in known if variable.path == at[: len(variable.path)]), None)
    if exact is not None:
        yield f"{exact.name}: {problem}. {exact.remedy}"
    elif details["type"] == "missing":
        for variable in known:
            if variable.path[: len(at)] == at and variable.field.is_required():
                yield f"{variable.name}: {problem}. {variable.remedy}"
    elif details["type"] == "extra_forbidden":
        yield f"{'__'.join(at).upper()}: no setting has this name. Correct the name or remove it"
    else:
        group = [variable.name for variable in known if variable.path[: len(at)] == at]
        yield f"{'__'.join(at).upper() or 'settings'}: {problem}. Check {', '.join(group)}"
