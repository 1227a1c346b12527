import subprocess
import sys

import pytest
from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError

from servicekit.configuration import describe, env_example, load
from servicekit.settings import PostgresSettings, ServiceSettings, SettingsGroup

S3CRET = "s3cr3t-V4lue"
RIGHT = {
    "KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9092,[::1]:9093",
    "POSTGRES__DSN": f"postgresql://org:{S3CRET}@db:5432/org",
}


class VismaSettings(SettingsGroup):
    client_secret: SecretStr = Field(description="secret of our client in Visma Connect", examples=["local-only"])
    pages_at_once: int = Field(4, ge=1, description="pages fetched side by side")


class WorkerSettings(ServiceSettings):
    visma: VismaSettings | None = Field(None, description="access to Business NXT")


def test_reads_groups_from_the_environment(environment):
    environment(**RIGHT, LOG__LEVEL="DEBUG", HEALTH__PORT="8080")
    settings = load(ServiceSettings)
    assert settings.kafka.bootstrap_servers == "127.0.0.1:9092,[::1]:9093"
    assert (settings.log.level, settings.health.port, settings.health.host) == ("DEBUG", 8080, "127.0.0.1")


def test_settings_cannot_be_changed(environment):
    environment(**RIGHT)
    settings = load(ServiceSettings)
    with pytest.raises(ValidationError):
        settings.kafka.topic_prefix = "x"


def test_empty_variable_counts_as_unset(environment):
    environment(**RIGHT, KAFKA__SASL_USERNAME="", LOG__LEVEL="")
    assert load(ServiceSettings).log.level == "INFO"


def test_secret_comes_from_a_file_and_environment_wins(environment, tmp_path):
    (tmp_path / "postgres__dsn").write_text("postgresql://file@db/org\n")
    (tmp_path / "KAFKA__SASL_USERNAME").write_text("from-file")
    environment(KAFKA__BOOTSTRAP_SERVERS="k:9092", KAFKA__SASL_USERNAME="from-environment", SECRETS_DIR=str(tmp_path))
    settings = load(ServiceSettings)
    assert settings.postgres.dsn.get_secret_value() == "postgresql://file@db/org"
    assert settings.kafka.sasl_username == "from-environment"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"KAFKA__BOOTSTRAP_SERVERS": "no-port"}, ["KAFKA__BOOTSTRAP_SERVERS: ", "=127.0.0.1:9092"]),
        ({"HEALTH__PORT": "many"}, ["HEALTH__PORT: Input should be a valid integer"]),
        ({"LOG__FORMAT": "xml"}, ["LOG__FORMAT: Input should be 'auto', 'json' or 'terminal'"]),
        ({"KAFKA__BOOTSTRP": "x"}, ["KAFKA__BOOTSTRP: no setting has this name"]),
        ({"KAFKA__SECURITY_PROTOCOL": "SASL_SSL"}, ["KAFKA: ", "sasl_username and sasl_password", "KAFKA__SASL_PASSWORD"]),
        ({"KAFKA__CA_FILE": "/nowhere.pem"}, ["KAFKA__CA_FILE: Path does not point to a file"]),
        ({"POSTGRES__POOL_MIN": "20"}, ["POSTGRES: pool_min 20 is above pool_max 10"]),
        ({"POSTGRES__DSN": f"mysql://x:{S3CRET}@db"}, ["POSTGRES__DSN: must have the form", "the file postgres__dsn"]),
        ({"POSTGRES__DSN": f"postgresql://x:{S3CRET}/y@db"}, ["POSTGRES__DSN: must have the form"]),
        ({"KAFKA": "{broken"}, ['"kafka"']),
        ({"SECRETS_DIR": "/nowhere"}, ['directory "/nowhere" does not exist']),
    ],
)
def test_wrong_setting_ends_the_program_with_one_line(environment, capsys, wrong, said):
    environment(**RIGHT | wrong)
    with pytest.raises(SystemExit) as end:
        load(ServiceSettings)
    lines = capsys.readouterr().err.splitlines()
    assert end.value.code == 2
    assert len(lines) == 1
    assert all(part in lines[0] for part in said), lines[0]
    assert S3CRET not in lines[0]


@pytest.mark.servers
def test_program_without_settings_names_every_missing_one():
    program = "from servicekit import configuration, settings; configuration.load(settings.ServiceSettings)"
    result = subprocess.run([sys.executable, "-c", program], env={}, capture_output=True, text=True, check=False)
    names = [line.partition(":")[0] for line in result.stderr.splitlines()]
    assert (result.returncode, names) == (2, ["KAFKA__BOOTSTRAP_SERVERS", "POSTGRES__DSN"])


def test_description_shows_values_and_hides_secrets(environment):
    environment(**RIGHT, VISMA__CLIENT_SECRET=S3CRET)
    description = describe(load(WorkerSettings))
    assert description["KAFKA__BOOTSTRAP_SERVERS"] == "127.0.0.1:9092,[::1]:9093"
    assert description["VISMA__CLIENT_SECRET"] == "**********"
    assert S3CRET not in repr(description)


def test_description_of_an_absent_group(environment):
    environment(**RIGHT)
    assert describe(load(WorkerSettings))["VISMA__CLIENT_SECRET"] is None


def test_example_file_can_be_loaded(environment, tmp_path):
    example = tmp_path / ".env.example"
    example.write_text(env_example({"sync-worker": WorkerSettings}))
    environment(**{name: value for name, value in dotenv_values(example).items() if value is not None})
    settings = load(WorkerSettings)
    assert settings.visma is not None
    assert settings.visma.client_secret.get_secret_value() == "local-only"


def test_example_file_tells_shared_settings_from_own_ones():
    text = env_example({"org-service": ServiceSettings, "sync-worker": WorkerSettings})
    shared, own = text.split("## sync-worker")
    assert shared.startswith("## every service")
    assert shared.count("KAFKA__BOOTSTRAP_SERVERS=") == 1
    assert "# pages fetched side by side\nVISMA__PAGES_AT_ONCE=4" in own
    assert "# KAFKA__SASL_PASSWORD=" in shared


@pytest.mark.parametrize(
    ("field", "complaint"),
    [(Field("x"), "OWN has no description"), (Field(description="d"), "OWN has neither a default nor an example")],
)
def test_undocumented_setting_is_refused(field, complaint):
    class Own(ServiceSettings):
        own: str = field

    with pytest.raises(TypeError, match=complaint):
        env_example({"x": Own})


@pytest.mark.parametrize(
    ("dsn", "place"),
    [
        (f"postgresql://org:{S3CRET}@db:5432/org", "db:5432/org"),
        ("postgresql://postgres:@/postgres?host=/tmp/pg", "/tmp/pg/postgres"),  # noqa: S108
        ("postgresql:///org", "127.0.0.1/org"),
        (f"postgresql://org:{S3CRET}@[::1]:5432/org", "[::1]:5432/org"),
    ],
)
def test_place_of_the_server_is_fit_to_be_shown(dsn, place):
    assert PostgresSettings(dsn=SecretStr(dsn)).place == place
