"""Settings come from the environment once, checked, and say what to do when they are wrong."""

from pathlib import Path
from zoneinfo import ZoneInfo

import platformdirs
import pytest

from backbone.settings import SETTINGS, Settings, SettingsError


def read(**given: str) -> Settings:
    return Settings.from_environment({f"BACKBONE_{name}": text for name, text in given.items()})


def refused(**given: str) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        read(**given)
    return caught.value


def test_everything_has_a_default_that_works() -> None:
    found = read()
    assert found.store_url is None
    assert found.views_url is None
    assert found.kafka is None
    assert (found.http_host, found.http_port) == ("127.0.0.1", 8080)
    assert (found.partitions, found.phone_region, found.zone) == (12, "BE", None)
    assert (found.append_queue_max, found.batch_events_max) == (10_000, 10_000)
    assert (found.batch_bytes_max, found.wait_seconds_max) == (16 * 1024 * 1024, 10)


def test_every_setting_is_listed_with_its_default_and_help() -> None:
    assert {setting.name.lower() for setting in SETTINGS} == set(Settings.__dataclass_fields__)
    assert all(setting.default and setting.help.endswith(".") for setting in SETTINGS)


def test_root_keeps_its_data_under_var_lib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert read().data_dir == Path("/var/lib/backbone")
    assert read().ring_dir == Path("/var/lib/backbone-ring")


def test_a_user_keeps_the_data_in_the_users_own_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert read().data_dir == Path(platformdirs.user_data_dir("backbone", appauthor=False))


def test_the_ring_lies_beside_the_data(tmp_path: Path) -> None:
    found = read(DATA_DIR=str(tmp_path / "my data"))
    assert found.ring_dir == tmp_path / "my data-ring"


@pytest.mark.parametrize("inside", ["data", "data/ring", "data/../data/ring", "link/ring"])
def test_a_ring_inside_the_data_is_refused(tmp_path: Path, inside: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    error = refused(DATA_DIR=str(tmp_path / "data"), RING_DIR=str(tmp_path / inside))
    assert error.variable == "BACKBONE_RING_DIR"
    assert "outside DATA_DIR" in str(error)


def test_a_url_gets_the_driver_that_the_program_uses() -> None:
    found = read(STORE_URL="postgresql://me:se%40cret@db.example/store?sslmode=require")
    expected = "postgresql+psycopg://me:se%40cret@db.example/store?sslmode=require"
    assert found.store_url == expected


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me:hunter2@db/store",
        "postgresql+asyncpg://me:hunter2@db/store",
        "postgresql://me:hunter2@db",
        "postgresql://me:hunter2@db:port/store",
        "hunter2",
    ],
)
@pytest.mark.parametrize("name", ["STORE_URL", "VIEWS_URL"])
def test_a_bad_url_is_refused_without_showing_it(name: str, url: str) -> None:
    error = refused(**{name: url})
    assert error.variable == f"BACKBONE_{name}"
    assert "postgresql://user:password@host/database" in str(error)
    assert "hunter2" not in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None


def test_printing_the_settings_shows_no_password() -> None:
    found = read(STORE_URL="postgresql://me:hunter2@db/store", VIEWS_URL="postgresql://a:b3@db/v")
    assert "hunter2" not in repr(found)
    assert "b3" not in repr(found)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_the_server_may_listen_on_loopback(host: str) -> None:
    assert read(HTTP_HOST=host).http_host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "db.example"])
def test_until_access_keys_exist_the_server_listens_nowhere_else(host: str) -> None:
    assert "until access keys exist" in str(refused(HTTP_HOST=host))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HTTP_PORT", "65536"),
        ("HTTP_PORT", "http"),
        ("PARTITIONS", "0"),
        ("PARTITIONS", "1025"),
        ("PARTITIONS", "1.5"),
        ("APPEND_QUEUE_MAX", "-1"),
        ("BATCH_EVENTS_MAX", "١٢"),
        ("BATCH_BYTES_MAX", "9" * 5000),
        ("WAIT_SECONDS_MAX", "nan"),
        ("WAIT_SECONDS_MAX", "inf"),
        ("WAIT_SECONDS_MAX", "-1"),
        ("PHONE_REGION", "Belgium"),
        ("ZONE", "Brussels"),
        ("ZONE", "Europe"),
        ("ZONE", "../../etc/passwd"),
    ],
)
def test_a_bad_value_is_refused_by_its_variable(name: str, text: str) -> None:
    error = refused(**{name: text})
    assert error.variable == f"BACKBONE_{name}"
    assert str(error).startswith(f"BACKBONE_{name}: ")


def test_good_values_are_read() -> None:
    found = read(PARTITIONS="48", PHONE_REGION="nl", ZONE="Europe/Brussels", WAIT_SECONDS_MAX="2.5")
    assert (found.partitions, found.phone_region) == (48, "NL")
    assert found.zone == ZoneInfo("Europe/Brussels")
    assert found.wait_seconds_max == 2.5


def test_an_empty_value_counts_as_absent() -> None:
    assert read(STORE_URL="", PARTITIONS=" ") == read()


def test_a_misspelt_name_is_refused_with_the_right_one() -> None:
    error = refused(PARTITION="12")
    assert "BACKBONE_PARTITIONS" in str(error)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    error = refused(QWXZ="1")
    assert error.variable == "BACKBONE_QWXZ"
    assert all(setting.variable in str(error) for setting in SETTINGS)


def test_names_of_the_tests_and_of_others_are_left_alone() -> None:
    others = {"BACKBONE_TEST_POSTGRES": "postgresql://x/y", "PATH": "/bin", "BACKBONES": "1"}
    assert Settings.from_environment(others) == read()


def test_kafka_is_one_address_or_several() -> None:
    assert read(KAFKA="kafka:9092").kafka == ("kafka:9092",)
    assert read(KAFKA="a:1, [::1]:65535").kafka == ("a:1", "[::1]:65535")


@pytest.mark.parametrize(
    "text", ["kafka", "kafka:", ":9092", "kafka:0", "kafka:x", "a:1,", "u@a:1"]
)
def test_what_is_no_address_is_refused_and_not_repeated(text: str) -> None:
    error = refused(KAFKA=text)
    assert "host:port" in str(error)
    assert text not in str(error)
