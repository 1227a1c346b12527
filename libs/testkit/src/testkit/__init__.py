"""A pytest plugin: real Kafka and PostgreSQL, cloned databases, topics of a test's own, probes, and a proxy that breaks connections.

The fixtures live in `servers`, `topics`, `databases`, `own_servers` and `tasks`; tests import what they call themselves from here.
"""

from testkit.databases import DatabaseFactory
from testkit.own_servers import OwnKafka, OwnPostgres
from testkit.probe import probe
from testkit.proxy import Proxy
from testkit.topics import OwnTopics, TopicFactory

__all__ = ["DatabaseFactory", "OwnKafka", "OwnPostgres", "OwnTopics", "Proxy", "TopicFactory", "probe"]
