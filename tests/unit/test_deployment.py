"""What is delivered for containers: consistent with the code, with itself, and with what its tools accept."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from restream import __version__
from restream.config.places import ROOT
from restream.config.settings import load_settings
from restream.domain.pull.entry import trouble_of
from restream.domain.server.identity import DEFAULT_SERVER
from restream.service.from_settings import failover_policy
from restream.service.pulling import path_entries

NODES = ROOT / "docker-compose.nodes.yml"
FILES = (ROOT / "docker-compose.yml", NODES)
ONCE = {"demo-rows", "tables", "nodes-tables"}
OURS = {"restream", "restream-2", "demo-cameras", "tables", "nodes-tables"}
PROMETHEUS = ROOT / "etc" / "prometheus"
DASHBOARDS = sorted((ROOT / "etc" / "grafana" / "dashboards").glob("*.json"))
# docs/metrics.md is the list; a histogram has three series.
SUFFIXES = ("", "_bucket", "_count", "_sum")


@cache
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8")))


@cache
def nodes_file() -> dict[str, Any]:
    """What docker-compose.nodes.yml adds and changes."""
    return dict(yaml.safe_load(NODES.read_text(encoding="utf-8")))


def merged(first: Any, second: Any) -> Any:
    """As compose merges two files: mappings by key, lists one after the other."""
    if isinstance(first, dict) and isinstance(second, dict):
        keys = [*first, *(key for key in second if key not in first)]
        return {key: merged(first.get(key), second.get(key)) for key in keys}
    if isinstance(first, list) and isinstance(second, list):
        return [*first, *second]
    return first if second is None else second


@cache
def services() -> dict[str, dict[str, Any]]:
    """Of both files."""
    return dict(merged(compose()["services"], nodes_file()["services"]))


@cache
def metric_names() -> frozenset[str]:
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    return frozenset(re.findall(r"^\| `([a-z0-9_]+)`", text, re.MULTILINE))


@cache
def example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def substituted(text: str) -> str:
    return re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", lambda found: example().get(found[1], found[2]), text)


def test_the_stack_is_whole() -> None:
    assert {"postgres", "redis", "mediamtx", "restream", "prometheus", "grafana", "influxdb"} <= set(services())


@pytest.mark.parametrize("name", services())
def test_every_service_is_pinned_restarted_and_its_log_bounded(name: str) -> None:
    service = services()[name]
    assert re.search(r":v?\d+\.\d+(\.\d+)?(-\w+)?$", substituted(service["image"]))
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}
    if name in ONCE:
        assert service["restart"] == "no"
    else:
        assert service["restart"] == "unless-stopped"
        assert service["image"].startswith("restream:") or service["healthcheck"]["test"][0] == "CMD"
    for needed, how in service.get("depends_on", {}).items():
        assert how == {"condition": "service_completed_successfully" if needed in ONCE else "service_healthy"}
        assert needed in services()
        # What runs on waits for its servers by itself.
        assert name in ONCE
    if "environment" in service:
        assert "TZ" in service["environment"]


def test_variables_and_the_example_agree() -> None:
    used = {name for path in FILES for name in re.findall(r"\$\{(\w+)", path.read_text(encoding="utf-8"))}
    commented = set(re.findall(r"^#(\w+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    assert used == set(example()) | commented - {"COMPOSE_FILE"}


def test_secrets_are_files_and_in_no_environment() -> None:
    secrets = compose()["secrets"]
    assert secrets == {name: {"file": f"./secrets/{name}"} for name in secrets}
    assert not [name for name in example() if re.search("PASSWORD|TOKEN", name)]
    for service in services().values():
        for name, value in service.get("environment", {}).items():
            assert not re.search("PASSWORD|TOKEN", name) or value.startswith("/run/secrets/")


def test_every_container_is_bounded() -> None:
    for name, service in services().items():
        assert service["pids_limit"] and service["mem_limit"]
        assert "ulimits" not in service
        if name in OURS:
            assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
            assert substituted(service["image"]) == f"restream:{__version__}"


def test_networks_are_apart() -> None:
    networks = {name: set(service["networks"]) for name, service in services().items()}
    assert compose()["networks"]["back"] == {"internal": True}
    assert {name for name, joined in networks.items() if "back" in joined} == {
        *("postgres", "redis", "restream", "restream-2", "tables", "nodes-tables", "demo-rows")
    }
    for name in ("postgres", "redis"):
        assert networks[name] == {"back"} and "ports" not in services()[name]
    for name in ("mediamtx", "mediamtx-2", "demo-cameras"):
        assert networks[name] == {"front"}


def test_configuration_is_mounted_by_directories() -> None:
    for service in services().values():
        for source in (volume.split(":")[0] for volume in service.get("volumes", ())):
            assert not source.startswith("./") or (ROOT / source).is_dir()


def test_publishing_needs_the_user_that_the_service_is() -> None:
    users = yaml.safe_load((ROOT / "etc/mediamtx/mediamtx.yml").read_text(encoding="utf-8"))["authInternalUsers"]
    may = {action["action"]: user for user in reversed(users) for action in user["permissions"] if not user["ips"]}
    assert may["publish"] == may["api"] == users[1] and may["read"]["user"] == "any"
    environment = services()["restream"]["environment"]
    assert environment["RESTREAM_MEDIAMTX__PUBLISH_USER"] == environment["RESTREAM_MEDIAMTX__API_USER"]
    assert users[1]["user"] == environment["RESTREAM_MEDIAMTX__API_USER"] and users[1]["pass"].startswith("sha256:")
    assert "MTX_AUTHINTERNALUSERS_1_PASS" in services()["mediamtx"]["entrypoint"][2]
    assert {"127.0.0.1", "::1"} == {ip for user in users if user not in may.values() for ip in user["ips"]}


@pytest.mark.parametrize("name", services())
def test_who_reads_a_secret_is_given_it(name: str) -> None:
    service = services()[name]
    files = re.findall(r"/run/secrets/(\w+)", json.dumps(service))
    if name == "grafana":
        path = ROOT / "etc/grafana/provisioning/datasources/restream.yml"
        files += re.findall(r"/run/secrets/(\w+)", path.read_text(encoding="utf-8"))
    assert set(files) == set(service.get("secrets", ()))
    assert set(files) <= set(compose()["secrets"])


@pytest.fixture
def run_secrets(tmp_path: Path) -> Path:
    """What a container has as /run/secrets."""
    for name in compose()["secrets"]:
        (tmp_path / name).write_text("change-me", encoding="utf-8")
    return tmp_path


def test_only_streams_are_open_to_others() -> None:
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert set(published) == {"mediamtx", "restream", "prometheus", "grafana", "influxdb", "mediamtx-2", "restream-2"}
    for name, ports in published.items():
        for port in map(substituted, ports):
            assert port.startswith("0.0.0.0:" if name.startswith("mediamtx") else "127.0.0.1:")


def test_named_volumes_are_declared_and_mounted_files_exist() -> None:
    for service in services().values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists()
            else:
                assert source in compose()["volumes"] | nodes_file()["volumes"]


def test_the_service_accepts_its_environment(monkeypatch: pytest.MonkeyPatch, run_secrets: Path) -> None:
    for name, value in compose()["services"]["restream"]["environment"].items():
        monkeypatch.setenv(name, substituted(value).replace("/run/secrets", str(run_secrets)))
    settings = load_settings()
    assert (settings.http.host, settings.http.port) == ("0.0.0.0", 8000)
    assert settings.metrics.port == 9898
    assert settings.mediamtx.api_url == "http://mediamtx:9997"
    assert settings.mediamtx.public.hls == "http://127.0.0.1:8888"
    assert settings.influx.bucket == "cameras"
    dsn = settings.database.dsn
    assert dsn is not None and dsn.get_secret_value() == "postgresql://restream:change-me@postgres:5432/restream"
    assert settings.http.token == settings.influx.token == settings.pull.token is not None
    # The path entries that mediamtx.yml has ready lead to the directory as it listens here.
    text = (ROOT / "etc" / "mediamtx" / "mediamtx.yml").read_text(encoding="utf-8")
    ready = yaml.safe_load("\n".join(re.findall(r'^  # ("~.+)$', text, re.MULTILINE)))
    items = [{"name": name, **entry} for name, entry in ready.items()]
    wanted = path_entries(settings)[DEFAULT_SERVER]
    assert len(items) == 2
    for path in ("cam1", "pull/gate"):
        assert trouble_of({"items": items}, path, wanted.source_of(path)) == ""
    assert wanted.to_write("cam1") in text
    assert settings.pull.host == "0.0.0.0"


def test_two_nodes_have_the_same_settings_but_who_they_are(monkeypatch: pytest.MonkeyPatch, run_secrets: Path) -> None:
    first, second = (services()[name]["environment"] for name in ("restream", "restream-2"))
    own = {"RESTREAM_NODE__NAME", "RESTREAM_NODES__URL", "RESTREAM_PULL__URL"}
    assert first.keys() == second.keys()
    assert {name for name in first if first[name] != second[name]} == own
    for key in ("secrets", "networks", "mem_limit", "pids_limit"):
        assert services()["restream"][key] == services()["restream-2"][key]
    names = set()
    for environment in (first, second):
        for name, value in environment.items():
            monkeypatch.setenv(name, substituted(value).replace("/run/secrets", str(run_secrets)))
        settings = load_settings()
        names.add(settings.node_name)
        assert settings.nodes.dsn == settings.database.dsn is not None
        # All servers are there for all nodes, and take one another's cameras.
        hosts = {server: urlsplit(section.api_url).hostname or "" for server, section in settings.servers.items()}
        assert list(hosts.values()) == ["mediamtx", "mediamtx-2"]
        assert failover_policy(settings).pool == settings.servers.keys()
        for server, section in settings.servers.items():
            published = {
                substituted(port).split(":", 1)[1].removesuffix("/udp") for port in services()[hosts[server]]["ports"]
            }
            asked = (section.public.rtsp, section.public.hls, section.public.webrtc, section.public.srt)
            for url, inside in zip(asked, (8554, 8888, 8889, 8890), strict=True):
                assert f"{urlsplit(url or '').port}:{inside}" in published
        assert {f"127.0.0.1:{urlsplit(settings.nodes.url or '').port}:8000"} <= {
            substituted(port) for port in services()[settings.node_name]["ports"]
        }
    assert names == {"restream", "restream-2"}
    assert services()["nodes-tables"]["environment"]["RESTREAM_NODES__DSN"] == first["RESTREAM_NODES__DSN"]


def test_no_port_and_no_volume_of_logs_belongs_to_two() -> None:
    ports = [substituted(port).rsplit(":", 1)[0] for each in services().values() for port in each.get("ports", ())]
    assert len(set(ports)) == len(ports)
    logs = [volume for each in services().values() for volume in each.get("volumes", ()) if volume.endswith("/log")]
    assert len(set(logs)) == len(logs) == 2
    # Browsers are told the port of the second server, too.
    second = services()["mediamtx-2"]
    ice = substituted(second["environment"]["MTX_WEBRTCLOCALUDPADDRESS"])
    assert any(substituted(port).endswith(f"{ice}{ice}/udp") for port in second["ports"])


def test_every_node_is_scraped() -> None:
    jobs = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    (job,) = (each for each in jobs if each["job_name"] == "restream")
    (first,) = job["static_configs"]
    ((pattern,),) = (each["files"] for each in job["file_sd_configs"])
    # With the second file alone is there what that pattern finds.
    (source,) = (
        each.split(":")[0]
        for each in nodes_file()["services"]["prometheus"]["volumes"]
        if each.split(":")[1] == pattern.removesuffix("/*.yml")
    )
    assert all(pattern.removesuffix("*.yml") not in each for each in compose()["services"]["prometheus"]["volumes"])
    found = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / source).glob("*.yml")]
    targets = [*first["targets"], *(target for groups in found for group in groups for target in group["targets"])]
    ports = {
        name: each["environment"].get("RESTREAM_METRICS__PORT")
        for name, each in services().items()
        if name in OURS and "environment" in each
    }
    assert sorted(targets) == sorted(f"{name}:{port}" for name, port in ports.items() if port)
    assert len(targets) == 2


def test_the_second_media_server_is_like_the_first() -> None:
    first, second = services()["mediamtx"], services()["mediamtx-2"]
    assert all(
        first[key] == second[key]
        for key in ("image", "entrypoint", "secrets", "volumes", "healthcheck", "logging", "security_opt")
    )
    assert first["environment"].items() <= second["environment"].items()


def test_the_image_has_what_it_copies_and_checks_what_is_served() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    sources = [word for line in re.findall(r"^COPY ([^-].+)$", text, re.MULTILINE) for word in line.split()[:-1]]
    assert sources
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    for source in sources:
        assert (ROOT / source).exists()
        assert f"!{source.partition('/')[0]}\n" in kept
    assert "/livez" in text
    assert "curl" not in text
    assert text.index("USER restream") < text.index("ENTRYPOINT")
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    locked = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    # Needed before 3.11.3, and so by Debian 12's Python: a lock made on a newer one lacks it.
    for name in ("async-timeout", *re.findall(r"^(\w[\w-]*)", requirements, re.MULTILINE)):
        assert re.search(rf"(?i)^{name}==[\d.]+ \\\n +--hash=sha256:", locked, re.MULTILINE)


def test_what_pictures_need_is_pinned_as_the_extra_says() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    locked = (ROOT / "etc/pictures.lock").read_text(encoding="utf-8")
    wanted = {requirement.partition(">")[0]: requirement for requirement in extras["pictures"]}
    found = dict(re.findall(r"^([\w-]+)==(\d+)[\d.]* \\\n +--hash=sha256:", locked, re.MULTILINE))
    assert found.keys() == wanted.keys()
    for name, requirement in wanted.items():
        least, most = map(int, re.findall(r"\d+", requirement))
        assert least <= int(found[name]) < most


def test_the_example_is_committed_and_the_secrets_are_not() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {".env", "secrets/"} <= set(ignored)
    assert ".env.example" not in ignored


def test_the_start_script_is_valid_shell() -> None:
    script = ROOT / "docker_compose_start.sh"
    subprocess.run(["bash", "-n", script], check=True)
    assert script.stat().st_mode & 0o111


@pytest.mark.parametrize("files", [[], [f"--file={path.name}" for path in FILES]], ids=["one node", "two nodes"])
def test_compose_accepts_the_file(files: list[str]) -> None:
    plugin = ["docker", "compose"]
    if (
        shutil.which("docker") is None
        or subprocess.run([*plugin, "version"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no docker with the compose plugin")
    arguments = (*files, "--env-file", ".env.example", "--profile", "demo", "config", "--quiet")
    result = subprocess.run([*plugin, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stderr


@pytest.mark.program("promtool")
@pytest.mark.parametrize(
    "arguments",
    [("check", "config", "prometheus.yml"), ("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")],
)
def test_promtool_accepts_it(arguments: tuple[str, ...]) -> None:
    result = subprocess.run(["promtool", *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def expressions(path: Path) -> list[str]:
    document = json.loads(path.read_text(encoding="utf-8"))
    variables = [variable["definition"] for variable in document["templating"]["list"]]
    return variables + [
        target["expr"] for panel in document["panels"] for target in panel["targets"] if "expr" in target
    ]


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_dashboards_ask_only_for_metrics_that_exist(path: Path) -> None:
    known = {name + suffix for name in metric_names() for suffix in SUFFIXES}
    asked = {
        name for text in expressions(path) for name in re.findall(r"\b(?:restream|camera_stream|stream_api)_\w+", text)
    }
    assert asked
    assert asked <= known


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_dashboards_use_provisioned_sources_and_do_not_overlap(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    sources = yaml.safe_load((ROOT / "etc/grafana/provisioning/datasources/restream.yml").read_text())["datasources"]
    taken: set[tuple[int, int]] = set()
    for panel in document["panels"]:
        assert panel["datasource"]["uid"] in {source["uid"] for source in sources}
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_alerts_ask_only_for_metrics_that_exist() -> None:
    known = {name + suffix for name in metric_names() for suffix in SUFFIXES}
    groups = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    text = " ".join(rule["expr"] for group in groups for rule in group["rules"])
    assert set(re.findall(r"\b(?:restream|stream_api)_\w+", text)) <= known
