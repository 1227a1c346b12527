from contracts import topics as contracts
from local_stack.kafka import admin
from testkit import OwnTopics, TopicFactory, probe

seen: list[str] = []


async def topic_names(kafka: str) -> set[str]:
    async with admin(kafka) as client:
        return set(await client.list_topics())


async def test_every_topic_of_the_contracts_exists_under_the_prefix(topics: OwnTopics) -> None:
    names = {topics(topic.name) for topic in contracts.load()}
    assert len(names) == len(contracts.load()) > 0
    assert names <= await topic_names(topics.bootstrap_servers)
    seen.extend(names)


async def test_and_is_gone_when_the_test_has_ended(kafka: str) -> None:
    assert seen

    async def gone() -> bool:
        return await topic_names(kafka) & set(seen) == set()

    await probe(gone, within=10)


async def test_single_topics_have_the_partitions_and_settings_asked_for(topic: TopicFactory, kafka: str) -> None:
    name = await topic("small", partitions=3, max_message_bytes="2000")
    async with admin(kafka) as client:
        (described,) = await client.describe_topics([name])
    assert len(described["partitions"]) == 3
    assert await topic("small") != name
