"""The settings of the command: the part of every service's that is about Kafka."""

from servicekit.settings import KafkaSettings, ProgramSettings


class ProvisioningSettings(ProgramSettings):
    """The user is the cluster's administrator."""

    kafka: KafkaSettings
