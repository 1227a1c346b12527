"""All messages by wire type."""

from types import ModuleType

from contracts import a07, accounting, capital_assets, company, org, results, sync, visma
from contracts.message import Message


def _messages(module: ModuleType) -> list[type[Message]]:
    found = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, Message)]
    return [message for message in found if message.__module__ == module.__name__ and "TYPE" in vars(message)]


_MODULES = (org, visma, company, sync, accounting, capital_assets, a07, results)

MESSAGES: dict[str, type[Message]] = {message.TYPE: message for module in _MODULES for message in _messages(module)}
