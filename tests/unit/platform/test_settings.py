"""A broken setting is one clear line that names the variable and never its value."""

from pathlib import Path

import pytest

from shared.platform.settings import BadSettings, Settings

GOOD = {"DATABASE_URL": "postgresql://someone:secret@host/db", "KAFKA_BOOTSTRAP_SERVERS": "kafka:9092"}


def test_defaults_and_environment() -> None:
    settings = Settings.from_env({**GOOD, "HTTP_PORT": "9001", "UNRELATED": "x"})
    assert settings.http_port == 9001
    assert settings.log_level == "INFO"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"HTTP_PORT": "many"}, "HTTP_PORT"),
        ({"HTTP_PORT": "70000"}, "HTTP_PORT"),
        ({"DATABASE_URL": "mysql://someone:hunter2@host"}, "DATABASE_URL"),
        ({"REPLICA_NAME": "a b"}, "REPLICA_NAME"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL"),
        ({"LINK_SECRET": "short"}, "LINK_SECRET"),
        (
            {"LINK_SECRET": "a-secret-that-is-long-enough, short"},
            "LINK_SECRET: Each secret needs at least 16 characters; several are separated by commas.",
        ),
        ({"LINK_SECRET": ",,,,,,,,,,,,,,,,,"}, "LINK_SECRET: There is no secret to sign links with."),
    ],
)
def test_a_bad_value_names_the_variable_and_hides_the_value(change: dict[str, str], says: str) -> None:
    with pytest.raises(BadSettings) as caught:
        Settings.from_env({**GOOD, **change})
    message = str(caught.value)
    assert says in message
    assert "\n" not in message
    assert "hunter2" not in message
    assert "short" not in message.partition("LINK_SECRET")[0]


def test_everything_missing_is_still_one_line() -> None:
    with pytest.raises(BadSettings) as caught:
        Settings.from_env({})
    assert "DATABASE_URL" in str(caught.value)
    assert "KAFKA_BOOTSTRAP_SERVERS" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://from/file\n")
    environ = {"KAFKA_BOOTSTRAP_SERVERS": "k:1", "DATABASE_URL_FILE": str(tmp_path / "url")}
    assert Settings.from_env(environ).database_url == "postgresql://from/file"
    with pytest.raises(BadSettings, match="DATABASE_URL_FILE"):
        Settings.from_env({"KAFKA_BOOTSTRAP_SERVERS": "k:1", "DATABASE_URL_FILE": str(tmp_path / "none")})
