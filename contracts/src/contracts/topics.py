"""The topics as declared in ``contracts/topics/*.yaml``: what a topic carries, for whom, and how it is created."""

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

FOLDER = Path(__file__).parents[2] / "topics"


class Topic(BaseModel):
    """One topic. ``retention_ms`` -1 keeps for good."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    description: str
    owner: str
    producers: list[str]
    consumers: list[str]
    key: str
    partitions: int = Field(gt=0)
    retention: str = Field(pattern=r"^(for good|\d+ days)$")
    cleanup: Literal["delete", "compact"] = "delete"
    max_message_bytes: int = Field(1_048_588, gt=0)
    versions: dict[str, list[int]] = Field(description="message name to the major versions on the topic")
    carries: Literal["messages", "dead letters"] = "messages"

    @property
    def retention_ms(self) -> int:
        """As Kafka's ``retention.ms``."""
        return -1 if self.retention == "for good" else int(self.retention.split()[0]) * 86_400_000

    @property
    def config(self) -> dict[str, str]:
        """Kafka's topic configuration."""
        return {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(self.max_message_bytes),
        }


def load(folder: Path = FOLDER) -> tuple[Topic, ...]:
    """All topics, by name. The file's name is the topic's."""
    return tuple(
        Topic.model_validate({"name": path.stem, **yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)})
        for path in sorted(folder.glob("*.yaml"))
    )
