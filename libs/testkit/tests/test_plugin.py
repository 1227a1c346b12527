import pytest

pytestmark = pytest.mark.servers

pytest_plugins = ["pytester"]

ASYNC = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = session
asyncio_default_test_loop_scope = session
"""


def run(pytester: pytest.Pytester, code: str, *options: str) -> pytest.RunResult:
    pytester.makeini(ASYNC)
    pytester.makepyfile(code)
    return pytester.runpytest_subprocess("--strict-markers", "-o", "markers=servers", "-p", "no:cacheprovider", *options)


def test_a_task_left_over_fails_the_test_that_left_it_and_no_other(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import asyncio
        async def forgotten(): await asyncio.Event().wait()
        async def test_leaves(): test_leaves.task = asyncio.create_task(forgotten())
        async def test_is_alone(): assert len(asyncio.all_tasks()) == 1
        async def test_ends_by_itself(): asyncio.get_running_loop().create_task(asyncio.sleep(0.1))
        """,
    )
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["*tasks left over by this test*", "*forgotten*"])


def test_no_server_is_chosen_or_started_when_no_selected_test_needs_one(pytester: pytest.Pytester) -> None:
    code = """
    import asyncio
    def test_plain(): pass
    async def test_one(database): raise AssertionError("a server was started")
    def test_two(own_postgres): raise AssertionError("a server was started")
    def test_three(topics): raise AssertionError("a server was started")
    """
    result = run(pytester, code, "-m", "not servers")
    result.assert_outcomes(passed=1, deselected=3)
    assert "servers:" not in result.stdout.str()


def test_the_header_says_where_the_servers_come_from(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCOUNTFLOW_RUNG", "local")
    result = run(pytester, "async def test_one(postgres): assert await (await postgres.connect()).fetchval('SELECT 1') == 1")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["servers: Kafka * as a local process (as asked), PostgreSQL * as a local process (as asked)"])


def test_a_rung_that_cannot_be_had_stops_the_run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCOUNTFLOW_RUNG", "docker")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{pytester.path}/no-engine.sock")
    result = run(pytester, "def test_one(kafka): pass")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*ACCOUNTFLOW_RUNG is docker, but no Docker engine answers*"])
