"""The configuration: what wins over what, and one clear line for every mistake."""

import os
from pathlib import Path

import pytest
import yaml

from restream.config.places import ROOT
from restream.config.settings import ConfigError, Settings, load_camera_types, load_settings
from restream.domain.camera.options import RtspTransport, Transport
from restream.domain.camera.secret import Secret
from restream.domain.ffmpeg.plan import FfmpegSettings
from restream.domain.fleet.fencing import Fence
from restream.domain.life.backoff import RestartPolicy
from restream.domain.server.identity import DEFAULT_SERVER
from restream.domain.server.target import Target

FILE, ARGUMENT, ENVIRONMENT = (f"postgresql://u:sEcret@{host}/db" for host in ("file", "argument", "environment"))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("RESTREAM_") or name == "PG_DSN":
            monkeypatch.delenv(name)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "restream.yml"
    path.write_text("{}", encoding="utf-8")
    return path


def load(config: Path, document: object = None, **keywords: str) -> Settings:
    if document is not None:
        text = document if isinstance(document, str) else yaml.safe_dump(document)
        config.write_text(text, encoding="utf-8")
    return load_settings(config, **keywords)  # type: ignore[arg-type]


def dsn(settings: Settings) -> str | None:
    return settings.database.dsn.get_secret_value() if settings.database.dsn else None


def problem(config: Path, document: object = None, **keywords: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(config, document, **keywords)
    assert "\n" not in str(caught.value)
    assert "sEcret" not in str(caught.value)
    return str(caught.value)


# -- where the database is ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("in_file", "argument", "environment", "expected"),
    [
        (None, None, None, None),
        (FILE, None, None, FILE),
        (FILE, ARGUMENT, None, ARGUMENT),
        (FILE, ARGUMENT, ENVIRONMENT, ENVIRONMENT),
        (None, ARGUMENT, ENVIRONMENT, ENVIRONMENT),
        (None, ARGUMENT, "", ARGUMENT),
        (FILE, None, "", FILE),
        (FILE, None, ENVIRONMENT, ENVIRONMENT),
    ],
)
def test_which_dsn_wins(
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    in_file: str | None,
    argument: str | None,
    environment: str | None,
    expected: str | None,
) -> None:
    if environment is not None:
        monkeypatch.setenv("PG_DSN", environment)
    keywords = {"pg_dsn": argument} if argument else {}
    assert dsn(load(config, {"database": {"dsn": in_file}}, **keywords)) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RESTREAM_DATABASE__DSN", FILE),
        ("restream_database__dsn", FILE),
        ("RESTREAM_DATABASE", f'{{"dsn": "{FILE}"}}'),
    ],
)
def test_pg_dsn_wins_over_every_other_variable(
    config: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert dsn(load(config)) == FILE
    monkeypatch.setenv("PG_DSN", ENVIRONMENT)
    assert dsn(load(config)) == ENVIRONMENT
    assert os.environ[name] == value


def test_the_other_keys_of_the_section_stay(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PG_DSN", ENVIRONMENT)
    monkeypatch.setenv("RESTREAM_DATABASE__POLL_S", "3")
    settings = load(config, {"database": {"notify_channel": "rows", "poll_s": 30}})
    assert (settings.database.notify_channel, settings.database.poll_s) == ("rows", 3)


@pytest.mark.parametrize("bad", ["mysql://u:sEcret@h/db", "sEcret", "postgresql://u:sEcret@h:port/db", "host=x"])
def test_a_bad_dsn_names_where_it_came_from_and_not_its_value(
    config: Path, monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    assert problem(config, {"database": {"dsn": bad}}).startswith("database.dsn: expected postgresql://")
    assert problem(config, {}, pg_dsn=bad).startswith("--pg_dsn: expected postgresql://")
    monkeypatch.setenv("PG_DSN", bad)
    assert problem(config, {}).startswith("PG_DSN: expected postgresql://")


# -- the environment ---------------------------------------------------------------------------------------------------


def test_the_environment_wins_over_the_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESTREAM_HTTP__PORT", "9000")
    monkeypatch.setenv("RESTREAM_MEDIAMTX__PUBLIC__HLS", "https://video.example.com")
    monkeypatch.setenv("RESTREAM_VISIONAIRE__HOSTS", '["http://a:4004", "http://b:4004"]')
    settings = load(config, {"http": {"port": 8001, "cors_origins": ["https://x"]}})
    assert (settings.http.port, settings.http.cors_origins) == (9000, ["https://x"])
    assert settings.mediamtx.public.hls == "https://video.example.com"
    assert settings.visionaire.hosts == ["http://a:4004", "http://b:4004"]


def test_an_empty_variable_means_null(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REDIS__URL", "JSON_FILE__PATH", "METRICS__PORT", "HTTP__TOKEN", "MEDIAMTX__PUBLISH_USER"):
        monkeypatch.setenv(f"RESTREAM_{name}", "")
    settings = load(config, {"mediamtx": {"publish_user": "somebody"}, "http": {"token": "sEcret"}})
    assert settings.redis.url is None
    assert settings.json_file.path is None
    assert settings.metrics.port is None
    assert settings.http.token is None
    assert settings.mediamtx.publish_user is None


def test_null_in_the_file(config: Path) -> None:
    settings = load(config, "redis: {url: null}\nadmission: {max_starting_per_host: null, max_starting:}\n")
    assert settings.redis.url is None
    assert settings.admission.max_starting_per_host is None
    cores = os.cpu_count() or 1
    limits = settings.start_limits()
    assert (limits.first, limits.most, limits.most_per_host) == (4 * cores, 32 * cores, 32 * cores)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("RESTREAM_HTPP__PORT", "1", "RESTREAM_HTPP__PORT: there is no section 'htpp'"),
        ("RESTREAM_HTTP__PROT", "1", "http.prot: unknown key"),
        ("RESTREAM_HTTP__PORT", "many", "http.port: "),
        ("RESTREAM_HTTP__PORT", "", "http.port: "),
        ("RESTREAM_HTTP__PORT", "70000", "http.port: "),
        ("RESTREAM_VISIONAIRE__HOSTS", "http://a:4004", "RESTREAM_VISIONAIRE__"),
        ("RESTREAM_HTTP", "nonsense", "RESTREAM_HTTP__"),
    ],
)
def test_mistakes_in_the_environment(
    config: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(name, value)
    assert problem(config).startswith(expected)


@pytest.mark.parametrize(
    ("host", "node"),
    [("site-a.example", "site-a.example"), ("a b:ä\udcff", "a-b---"), ("x" * 70, "x" * 64), ("", "node")],
)
def test_a_node_is_called_like_its_host(config: Path, monkeypatch: pytest.MonkeyPatch, host: str, node: str) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: host)
    assert load(config).node_name == node
    assert load(config, {"node": {"name": "Site_B.2"}}).node_name == "Site_B.2"
    monkeypatch.setenv("RESTREAM_NODE__NAME", "")
    assert load(config).node_name == node


# -- mistakes in the file ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"htpp": {}}, "htpp: unknown key"),
        ({"http": {"prot": 1}}, "http.prot: unknown key"),
        ({"http": 5}, "http: expected a mapping of keys"),
        ({"http": {"port": "many"}}, "http.port: "),
        ({"http": {"auth": "basic"}}, "http.auth: "),
        ({"restart": {"jitter": 2}}, "restart.jitter: "),
        ({"node": {"name": ""}}, "node.name: expected 1 to 64 letters, digits, _ . -"),
        ({"node": {"name": "site:a"}}, "node.name: expected 1 to 64 letters"),
        ({"node": {"name": "a\n"}}, "node.name: expected 1 to 64 letters"),
        ({"node": {"name": "x" * 65}}, "node.name: expected 1 to 64 letters"),
        ({"restart": {"base_s": 500}}, "restart: max_s must not be smaller than base_s"),
        ({"database": {"poll_s": 0}}, "database.poll_s: "),
        ({"database": {"columns": {"psw": "x"}}}, "database.columns: unknown column 'psw'"),
        ({"database": {"notify_channel": "a; DROP TABLE x"}}, "database.notify_channel: "),
        ({"cameras": {"path_template": "cam"}}, "cameras.path_template: must contain {id}"),
        ({"cameras": {"path_template": "a b{id}"}}, "cameras.path_template: "),
        ({"ffmpeg": {"source": "file"}}, "ffmpeg.source: "),
        ({"mediamtx": {"publish": "hls"}}, "mediamtx.publish: "),
        ({"mediamtx": {"rtsp_url": "http://h"}}, "mediamtx.rtsp_url: expected rtsp://host:port"),
        ({"mediamtx": {"rtsp_url": "rtsp://u:sEcret@h"}}, "mediamtx.rtsp_url: credentials do not belong"),
        ({"mediamtx": {"api_url": "http://h:port"}}, "mediamtx.api_url: expected http://host:port"),
        (
            {"mediamtx": {"publish": "srt", "publish_user": "u", "publish_password": "sEcret:x"}},
            "mediamtx: publish_user and publish_password cannot contain ':'",
        ),
        ({"admission": {"max_starting": 0}}, "admission.max_starting: "),
        ("[]", "{config}: expected a mapping of sections"),
        ("a: [", "{config}: is not valid YAML (line 1)"),
        ("a: b: c", "{config}: is not valid YAML (line 1)"),
    ],
)
def test_mistakes(config: Path, document: object, expected: str) -> None:
    assert problem(config, document).startswith(expected.replace("{config}", str(config)))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_settings(tmp_path / "missing.yml")


def test_an_empty_file_is_all_defaults(config: Path) -> None:
    assert load(config, "# nothing\n").model_dump() == Settings().model_dump()


def test_the_commented_file_repeats_the_defaults() -> None:
    assert load_settings(ROOT / "etc" / "restream.yml").model_dump() == Settings().model_dump()


# -- who may look ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "media.example.com", "127.example.com", "localhost.x"])
def test_serving_others_needs_a_token_or_a_decision(config: Path, host: str) -> None:
    assert problem(config, {"http": {"host": host}}).startswith(f"http: host {host} is not loopback: set http.token")
    assert "http.token" in problem(config, {"http": {"host": host, "token": ""}})
    assert load(config, {"http": {"host": host, "token": "sEcret"}}).http.host == host
    assert load(config, {"http": {"host": host, "auth": "none"}}).http.host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_no_token(config: Path, host: str) -> None:
    assert load(config, {"http": {"host": host}}).http.token is None


# -- what the parts get ------------------------------------------------------------------------------------------------


def test_defaults_reach_the_parts(config: Path) -> None:
    settings = load(config)
    assert settings.ffmpeg_settings() == FfmpegSettings()
    assert settings.targets() == {DEFAULT_SERVER: Target()}
    assert settings.restart_policy() == RestartPolicy()
    assert settings.secrets() == ()


def test_settings_reach_the_parts(config: Path) -> None:
    settings = load(
        config,
        {
            "ffmpeg": {"binary": "/opt/ffmpeg", "source": "argv", "stall_timeout_s": 20},
            "mediamtx": {"publish": "srt", "publish_user": "u", "publish_password": "sEcret"},
            "cameras": {"rtsp_transport": "udp"},
        },
    )
    assert settings.ffmpeg_settings() == FfmpegSettings(
        "/opt/ffmpeg", stall_timeout_s=20, hide_source=False, rtsp_transport=RtspTransport.UDP
    )
    target = Target(publish=Transport.SRT, user="u", password=Secret("sEcret"))
    assert settings.targets() == {DEFAULT_SERVER: target}


def test_secrets_for_masking_and_no_secret_in_print(config: Path) -> None:
    settings = load(
        config,
        {
            "database": {"dsn": "postgresql://u:sEcret1@h/db"},
            "mediamtx": {"api_password": "sEcret2", "publish_password": "sEcret3"},
            "redis": {"url": "redis://:sEcret4@h/0"},
            "http": {"token": "sEcret5"},
            "influx": {"token": "sEcret6"},
            "nodes": {"dsn": "postgresql://u:sEcret7@h/db"},
        },
    )
    assert sorted(settings.secrets()) == [f"sEcret{number}" for number in range(1, 8)]
    assert "sEcret" not in repr(settings)
    assert "sEcret" not in str(settings)


def test_camera_types(config: Path, tmp_path: Path) -> None:
    assert "HIKVISION" in load_camera_types(load(config)).names
    types = tmp_path / "types.yml"
    types.write_text("types: {AXIS: '{link}/{chanel}'}\ndefault: '{link}'\n", encoding="utf-8")
    settings = load(config, {"cameras": {"types_file": str(types)}})
    with pytest.raises(ConfigError, match=r"types\.AXIS: unknown field"):
        load_camera_types(settings)


def test_a_key_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "restream.yml"
    path.write_text("1: 2\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="expected a mapping of sections"):
        load_settings(path)


def test_a_key_that_has_more_than_one_line_is_told_in_one(config: Path) -> None:
    assert problem(config, {"http": {"port\n\x1b[31m": 1}}) == "http.port [31m: unknown key"


def test_a_bad_redis_url_is_one_line_without_its_password(tmp_path: Path) -> None:
    path = tmp_path / "restream.yml"
    path.write_text('redis: {url: "redis://:pa[s3cret]x@h:1/0"}\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"redis\.url") as caught:
        load_settings(path)
    assert "s3cret" not in str(caught.value)


def test_a_dsn_may_name_several_hosts_for_fail_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PG_DSN", "postgresql://u:p@h1:5432,h2:5433/db")
    assert load_settings().database.dsn is not None


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({"ttl_s": 5.9}, "nodes: ttl_s must be at least 6, twice heartbeat_s"),
        ({"heartbeat_s": 5}, "nodes: ttl_s must be at least 10, twice heartbeat_s"),
        ({"fence": "none"}, "nodes.fence: "),
        ({"dsn": "mysql://u:sEcret@h/db"}, "nodes.dsn: expected postgresql://"),
    ],
)
def test_leases_that_cannot_be_kept_are_refused(config: Path, section: dict[str, object], expected: str) -> None:
    assert problem(config, {"nodes": section}).startswith(expected)


@pytest.mark.parametrize("ttl_s", [6, 7])
def test_a_lease_that_ends_before_its_publishers_is_refused(config: Path, ttl_s: float) -> None:
    """All of them end a grace before it is over: with 7 that is at the next heartbeat, with less before any start."""
    nodes = {"dsn": ARGUMENT, "fence": "time", "ttl_s": ttl_s}
    said = problem(config, {"nodes": nodes})
    assert said.startswith("nodes: with fence: time ttl_s must be more than 7: ")
    assert load(config, {"nodes": {**nodes, "ttl_s": 7.5}}).nodes.ttl_s == 7.5
    # Nobody has a lease, or what ends has nothing to do with it.
    assert load(config, {"nodes": {**nodes, "dsn": None}}).nodes.ttl_s == ttl_s
    assert load(config, {"nodes": {**nodes, "fence": "server"}}).nodes.ttl_s == ttl_s
    assert load(config, {"nodes": nodes, "ffmpeg": {"stop_grace_s": 0.5}}).nodes.ttl_s == ttl_s


def test_a_lease_of_two_heartbeats_is_the_shortest(config: Path) -> None:
    section = load(config, {"nodes": {"ttl_s": 6, "fence": "time"}}).nodes
    assert (section.dsn, section.heartbeat_s, section.ttl_s, section.fence) == (None, 3, 6, Fence.TIME)


def test_the_unit_survives_a_killed_ffmpeg_and_does_not_loop_on_usage_errors() -> None:
    unit = (ROOT / "restream.service").read_text(encoding="utf-8")
    assert "OOMPolicy=continue" in unit
    assert "RestartPreventExitStatus=2 3" in unit
