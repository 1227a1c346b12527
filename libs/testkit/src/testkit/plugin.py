"""What pytest loads: every fixture and hook of the testkit."""

from testkit.collecting import pytest_collection_finish, pytest_collection_modifyitems
from testkit.databases import database, database_templates
from testkit.own_servers import module_kafka, module_postgres, own_kafka, own_postgres, protected_kafka
from testkit.servers import (
    kafka,
    kafka_administrator,
    postgres,
    pytest_configure_node,
    pytest_itemcollected,
    pytest_report_collectionfinish,
    pytest_report_header,
    pytest_unconfigure,
    run_folder,
    run_servers,
)
from testkit.tasks import no_task_left_over, pytest_asyncio_loop_factories, tasks_end_with_their_test
from testkit.topics import declared_topics, topic, topics
from testkit.tracing import spans

__all__ = [
    "database",
    "database_templates",
    "declared_topics",
    "kafka",
    "kafka_administrator",
    "module_kafka",
    "module_postgres",
    "no_task_left_over",
    "own_kafka",
    "own_postgres",
    "postgres",
    "protected_kafka",
    "pytest_asyncio_loop_factories",
    "pytest_collection_finish",
    "pytest_collection_modifyitems",
    "pytest_configure_node",
    "pytest_itemcollected",
    "pytest_report_collectionfinish",
    "pytest_report_header",
    "pytest_unconfigure",
    "run_folder",
    "run_servers",
    "spans",
    "tasks_end_with_their_test",
    "topic",
    "topics",
]
