"""etc/kubernetes: what Kubernetes accepts (by its published schemas), and what the service needs of it."""

from __future__ import annotations

import os
import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
import yaml

from restream import __version__
from restream.cli import build_parser
from restream.config.places import ROOT
from restream.config.settings import Settings, load_settings
from restream.service import service

DIRECTORY = ROOT / "etc" / "kubernetes"
OLDEST, NEWEST = "1.31", kubernetes_validate.latest_version()
NOT_APPLIED = {"kustomization.yaml", "secret.example.yaml"}
# What a pod of the Deployment may be called at most.
LONGEST_POD_NAME = "restream-" + "f" * 10 + "-" + "x" * 43


@cache
def document(name: str) -> dict[str, Any]:
    (found,) = yaml.safe_load_all((DIRECTORY / f"{name}.yaml").read_text(encoding="utf-8"))
    return dict(found)


def resources() -> list[Path]:
    return sorted(path for path in DIRECTORY.iterdir() if path.name != "kustomization.yaml")


def pod() -> dict[str, Any]:
    return dict(document("deployment")["spec"]["template"]["spec"])


def container() -> dict[str, Any]:
    (found,) = pod()["containers"]
    return dict(found)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """As a pod has them."""
    for name in [name for name in os.environ if name.startswith(("RESTREAM_", "PG_"))]:
        monkeypatch.delenv(name)
    given = {**document("configmap")["data"], **document("secret.example")["stringData"]}
    for name, value in {**given, "RESTREAM_NODE__NAME": LONGEST_POD_NAME}.items():
        monkeypatch.setenv(name, value)
    return load_settings()


# -- what Kubernetes accepts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("path", resources(), ids=lambda path: path.stem)
def test_each_resource_is_of_its_schema(path: Path, version: str) -> None:
    kubernetes_validate.validate(document(path.stem), version, strict=True)


def test_a_key_that_there_is_not_is_noticed() -> None:
    wrong = document("deployment") | {"spec": document("deployment")["spec"] | {"replica": 3}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, NEWEST, strict=True)


def test_kustomize_applies_all_but_the_example_of_the_secret() -> None:
    listed = document("kustomization")["resources"]
    assert sorted(listed) == sorted({path.name for path in DIRECTORY.iterdir()} - NOT_APPLIED)
    assert document("kustomization")["namespace"] == document("namespace")["metadata"]["name"]
    (image,) = document("kustomization")["images"]
    assert container()["image"] == f"{image['name']}:{image['newTag']}" == f"restream:{__version__}"


def test_every_selector_finds_the_pods() -> None:
    labels = document("deployment")["spec"]["template"]["metadata"]["labels"]
    selectors = [
        document("deployment")["spec"]["selector"]["matchLabels"],
        document("service")["spec"]["selector"],
        document("poddisruptionbudget")["spec"]["selector"]["matchLabels"],
        document("networkpolicy")["spec"]["podSelector"]["matchLabels"],
        *(each["labelSelector"]["matchLabels"] for each in pod()["topologySpreadConstraints"]),
    ]
    assert all(selector and selector.items() <= labels.items() for selector in selectors)


def test_ports_that_are_named_are_there_and_are_the_settings(settings: Settings) -> None:
    ports = {each["name"]: each["containerPort"] for each in container()["ports"]}
    assert ports == {"http": settings.http.port, "metrics": settings.metrics.port}
    named = {each["targetPort"] for each in document("service")["spec"]["ports"]}
    named |= {container()[probe]["httpGet"]["port"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    for rule in document("networkpolicy")["spec"]["ingress"]:
        named |= {each["port"] for each in rule["ports"] if isinstance(each["port"], str)}
    assert named == ports.keys()


# -- what the service needs --------------------------------------------------------------------------------------------


def test_a_pod_is_a_node_by_its_own_name(settings: Settings) -> None:
    (name,) = container()["env"]
    assert name == {
        "name": "RESTREAM_NODE__NAME",
        "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}},
    }
    assert len(LONGEST_POD_NAME) == 63
    assert settings.node_name == LONGEST_POD_NAME
    assert settings.nodes.dsn is not None and settings.database.dsn is not None
    assert [each for source in container()["envFrom"] for each in source.values()] == [{"name": "restream"}] * 2
    assert document("configmap")["metadata"]["name"] == document("secret.example")["metadata"]["name"] == "restream"
    assert (settings.http.host, settings.json_file.path) == ("0.0.0.0", None)


def test_a_secret_is_in_no_other_file() -> None:
    for name, value in document("secret.example")["stringData"].items():
        assert "change-me" in value
        assert name not in document("configmap")["data"]
    assert not re.search(r"TOKEN|PASSWORD|DSN", "".join(document("configmap")["data"]))


def test_nothing_is_allowed_that_is_not_needed() -> None:
    assert pod()["automountServiceAccountToken"] is False
    # Variables like RESTREAM_PORT, of a Service of this name, are none of ours.
    assert pod()["enableServiceLinks"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC", "serviceAccountName"} & pod().keys()
    context = pod()["securityContext"]
    assert context["runAsNonRoot"] is True and context["seccompProfile"] == {"type": "RuntimeDefault"}
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f"--gid {context['runAsGroup']} restream" in image and f"--uid {context['runAsUser']} " in image
    assert container()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {each["mountPath"] for each in container()["volumeMounts"]} == {"/opt/restream/log", "/tmp"}
    assert {each["name"] for each in pod()["volumes"]} == {each["name"] for each in container()["volumeMounts"]}
    assert all(each["emptyDir"]["sizeLimit"] for each in pod()["volumes"])
    assert {"cpu", "memory"} == container()["resources"]["requests"].keys()
    assert {"memory"} == container()["resources"]["limits"].keys()


def test_cameras_move_before_a_pod_ends(settings: Settings) -> None:
    shell, flag, script = container()["lifecycle"]["preStop"]["exec"]["command"]
    assert (shell, flag) == ("sh", "-c")
    words = shlex.split(script)
    assert words[:2] == ["exec", "python"]
    assert f'ENTRYPOINT ["python", "{words[2]}"]' in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    options = build_parser().parse_args(words[3:])
    assert (options.command, options.node, options.undo) == ("drain", "$RESTREAM_NODE__NAME", False)
    # Then the service ends what it still has, and gives it back.
    ending_s = settings.ffmpeg.stop_grace_s + service._DRAIN_MARGIN_S + 2 * settings.nodes.ttl_s
    assert 60 <= options.wait <= pod()["terminationGracePeriodSeconds"] - ending_s


def test_one_pod_at_a_time_and_never_fewer() -> None:
    spec = document("deployment")["spec"]
    assert spec["replicas"] >= 2
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert spec["minReadySeconds"] >= 30
    assert document("poddisruptionbudget")["spec"]["maxUnavailable"] == 1


@pytest.mark.parametrize(
    ("probe", "path"), [("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")]
)
def test_probes(probe: str, path: str) -> None:
    asked = container()[probe]
    assert asked["httpGet"] == {"path": path, "port": "http"}
    assert asked["timeoutSeconds"] > 1


def test_what_the_settings_name_may_be_reached(settings: Settings) -> None:
    policy = document("networkpolicy")["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    allowed = {(each["protocol"], each["port"]) for rule in policy["egress"] for each in rule.get("ports", ())}
    urls = [("TCP", settings.mediamtx.api_url), ("TCP", settings.mediamtx.rtsp_url), ("UDP", settings.mediamtx.srt_url)]
    urls += [("TCP", each.get_secret_value()) for each in (settings.database.dsn, settings.redis.url) if each]
    assert allowed == {(protocol, urlsplit(url).port) for protocol, url in urls} | {("UDP", 53), ("TCP", 53)}
    # Only to cameras any port is open, and nobody may come in from everywhere.
    (open_to,) = (rule["to"] for rule in policy["egress"] if "ports" not in rule)
    assert [next(iter(each)) for each in open_to] == ["ipBlock"]
    assert all(rule["from"] and rule["ports"] for rule in policy["ingress"])
