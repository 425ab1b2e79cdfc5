"""The chart: Helm lints and renders it, Kubernetes' schemas take what it says, wrong values are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_docs import parse

from memory_pipeline import __version__
from memory_pipeline.server.options import LOOPBACK_NAMES
from memory_pipeline.settings import Settings, variable_of

CHART = Path(__file__).resolve().parents[2] / "deploy" / "helm" / "memory-pipeline"
LEAST = {"database": {"existingSecret": "database"}, "tokens": {"existingSecret": "tokens"}}
MOST = {
    **LEAST,
    "imagePullSecrets": [{"name": "pull"}],
    "anthropic": {"existingSecret": "claude"},
    "alerts": {"existingSecret": "alerts"},
    "settings": {
        "min_units": 7,
        "control_share": 0.1,
        "discovery_max_tokens": 4_000_000,
        "discovery_streaming": False,
        "update_interval": "0 6 * * 1-5",
    },
    "persistence": {"accessMode": "ReadWriteMany", "storageClass": "shared"},
    "server": {"workers": 2, "allowedHosts": ["memory.internal"]},
    "webserver": {"readOnly": True},
    "ingress": {
        "enabled": True,
        "host": "memory.example.org",
        "tlsSecret": "tls",
        "className": "nginx",
        "annotations": {"example.org/a": "b"},
    },
    "networkPolicy": {
        "internet": True,
        "operators": [{"podSelector": {"matchLabels": {"role": "operator"}}}],
        "database": [{"ipBlock": {"cidr": "10.1.0.0/16"}}],
    },
    "nodeSelector": {"disk": "fast"},
    "tolerations": [{"key": "memory", "operator": "Exists"}],
}
BARE = {
    **LEAST,
    "persistence": {"existingClaim": "kept"},
    "backups": {"enabled": False},
    "webserver": {"enabled": False},
    "networkPolicy": {"enabled": False},
}
REFUSED = {
    "/database/existingSecret": {"tokens": LEAST["tokens"]},
    "'setings' not allowed": {**LEAST, "setings": {}},
    "'min_unit' not allowed": {**LEAST, "settings": {"min_unit": 7}},
    "'database_url' not allowed": {**LEAST, "settings": {"database_url": "postgresql://u:p@host/d"}},
    "/settings/min_units": {**LEAST, "settings": {"min_units": 1}},
    "/ingress/tlsSecret": {**LEAST, "ingress": {"enabled": True, "host": "memory.example.org"}},
    "/persistence/accessMode": {**LEAST, "persistence": {"accessMode": "ReadWriteTwice"}},
    "'memroy' not allowed": {**LEAST, "daemon": {"resources": {"limits": {"memroy": "1Gi"}}}},
}


@pytest.fixture(scope="module")
def found(rendered):
    """Return what came of the values above, all rendered by one process."""
    names = ["least", "most", "bare", *REFUSED]
    return dict(zip(names, rendered(LEAST, MOST, BARE, *REFUSED.values()), strict=True))


def containers(result):
    """Return the one container of each Deployment, with its pod, by component."""
    return {
        one["metadata"]["labels"]["app.kubernetes.io/component"]: (
            one["spec"]["template"]["spec"],
            one["spec"]["template"]["spec"]["containers"][0],
        )
        for one in result["manifests"]
        if one["kind"] == "Deployment"
    }


def kinds(result):
    return sorted(one["kind"] for one in result["manifests"])


@pytest.mark.parametrize("name", ["least", "most", "bare"])
def test_it_renders_without_complaint_and_kubernetes_takes_it(found, name):
    assert found[name]["refused"] is None
    assert found[name]["lint"] == []


@pytest.mark.parametrize("problem", REFUSED)
def test_wrong_values_are_refused_by_their_name(found, problem):
    assert problem in found[problem]["refused"]


def test_what_is_turned_off_is_not_there(found):
    assert {"server", "code", "daemon"} == set(containers(found["bare"]))
    assert {"server", "code", "daemon", "webserver"} == set(containers(found["least"]))
    assert {"Ingress", "NetworkPolicy", "PersistentVolumeClaim"} & set(kinds(found["bare"])) == set()
    assert kinds(found["most"]).count("PersistentVolumeClaim") == 2
    assert "Ingress" in kinds(found["most"])


@pytest.mark.parametrize("name", ["least", "most", "bare"])
def test_pods_are_nobody_in_particular_and_write_to_volumes_alone(found, name):
    for pod, container in containers(found[name]).values():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        mounted = {one["mountPath"]: one["name"] for one in container["volumeMounts"]}
        assert {"/var/lib/memory-pipeline", "/tmp"} <= set(mounted)  # noqa: S108 - the folder of the pod
        assert set(mounted.values()) == {one["name"] for one in pod["volumes"]}


@pytest.mark.parametrize("name", ["least", "most", "bare"])
def test_commands_exist_and_variables_are_settings(found, name, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("")
    settings = {variable_of(field) for field in Settings.model_fields}
    for _, container in containers(found[name]).values():
        mounted = "/run/secrets/memory-pipeline/tokens"
        parse([one.replace(mounted, str(tokens)) for one in container["args"]])
        assert {one["name"] for one in container["env"]} <= settings


def test_values_of_settings_arrive_as_they_were_written(found, monkeypatch):
    _, container = containers(found["most"])["code"]
    given = {one["name"]: one["value"] for one in container["env"] if "value" in one}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert {name: getattr(settings, name) for name in MOST["settings"]} == MOST["settings"]


def test_no_secret_is_in_a_manifest(found):
    for _, container in containers(found["most"]).values():
        secret = {one["name"] for one in container["env"] if "valueFrom" in one}
        assert secret == {"MEMORY_DATABASE_URL", "ANTHROPIC_API_KEY", "MEMORY_ALERT_URLS"}
    assert "Secret" not in kinds(found["most"])


def test_probes_ask_under_a_name_that_the_server_knows(found):
    _, container = containers(found["least"])["server"]
    paths = {}
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = container[kind]["httpGet"]
        assert asked["httpHeaders"][0]["name"] == "Host"
        assert asked["httpHeaders"][0]["value"] in LOOPBACK_NAMES
        paths[kind] = asked["path"]
    assert paths["livenessProbe"] == "/healthz"
    assert paths["readinessProbe"] == "/readyz"


def test_services_lead_to_ports_of_pods(found):
    pods = [
        (one["spec"]["template"]["metadata"]["labels"], one["spec"]["template"]["spec"]["containers"][0])
        for one in found["most"]["manifests"]
        if one["kind"] == "Deployment"
    ]
    services = [one["spec"] for one in found["most"]["manifests"] if one["kind"] == "Service"]
    assert len(services) == 3
    for service in services:
        chosen = [container for labels, container in pods if service["selector"].items() <= labels.items()]
        assert len(chosen) == 1
        assert service["ports"][0]["targetPort"] in {port["name"] for port in chosen[0]["ports"]}


def test_the_daemon_asks_the_code_server_that_is_there(found):
    _, container = containers(found["least"])["daemon"]
    host, _, port = container["args"][-1].removeprefix("--code-server=").rpartition(":")
    service = next(
        one
        for one in found["least"]["manifests"]
        if (one["kind"], one["metadata"]["name"]) == ("Service", host)
    )
    assert service["spec"]["ports"][0]["port"] == int(port)


def test_the_server_may_be_asked_by_the_names_of_its_service_and_ingress(found):
    _, container = containers(found["most"])["server"]
    names = {one.partition("=")[2] for one in container["args"] if one.startswith("--allowed-host=")}
    service = "demo-memory-pipeline"
    assert {service, f"{service}.prod.svc", "memory.example.org", "memory.internal"} <= names


def test_dagster_is_closed_unless_operators_are_named(found):
    def policies(name):
        return {
            one["metadata"]["name"]: one["spec"]
            for one in found[name]["manifests"]
            if one["kind"] == "NetworkPolicy"
        }

    assert "ingress" not in policies("least")["demo-memory-pipeline"]
    assert "demo-memory-pipeline-webserver" not in policies("least")
    opened = policies("most")["demo-memory-pipeline-webserver"]
    assert opened["ingress"][0]["from"] == MOST["networkPolicy"]["operators"]


def test_a_volume_of_one_node_keeps_the_pods_on_it(found):
    assert all("affinity" in pod for pod, _ in containers(found["least"]).values())
    assert not any("affinity" in pod for pod, _ in containers(found["most"]).values())


def test_the_schema_knows_every_setting_that_has_no_value_of_its_own():
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    elsewhere = {"home", "database_url", "anthropic_api_key", "alert_urls", "backup_folder"}
    assert set(schema["properties"]["settings"]["properties"]) == set(Settings.model_fields) - elsewhere


def test_the_chart_names_the_version_of_the_program():
    assert f"appVersion: {__version__}\n" in (CHART / "Chart.yaml").read_text(encoding="utf-8")
