"""Dockerfile, docker-compose.yml, the proxy's configuration and deploy/kubernetes, as far as no engine is needed.

What they run is run in tests/cluster.
"""

import json
import re
import shlex
import shutil
import subprocess
from importlib.resources import files

import kubernetes_validate
import pytest
import yaml
from jsonschema import Draft202012Validator

from supportsite.env import Environment
from tests import deployment
from tests.deployment import COMPOSE, ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
SERVICES = COMPOSE["services"]
OURS = ("migrate", "web", "worker", "beat")
ENGINES = ("postgres", "valkey")
KUBERNETES = "1.31"
VALUES = {
    "SECRET_KEY": "x" * 32,
    "WEBHOOK_SECRET_KEY": "x" * 32,
    "ALLOWED_HOSTS": "support.shop.example",
    "POSTGRES_PASSWORD": "x",
    "TLS_CERTIFICATE": "./certificate.pem",
    "TLS_KEY": "./key.pem",
}


# --- docker-compose.yml ---


def test_compose_follows_its_specification():
    schema = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    errors = Draft202012Validator(json.loads(schema.read_text())).iter_errors(COMPOSE)
    assert [(list(error.path), error.message) for error in errors] == []


def test_compose_is_understood_by_docker_where_it_is_there():
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "compose", "version"], capture_output=True).returncode:
        return  # the schema above is what is checked everywhere
    done = subprocess.run(
        [docker, "compose", "config", "--quiet"], cwd=ROOT, env=VALUES, capture_output=True
    )
    assert done.returncode == 0, done.stderr


def test_compose_has_each_part_of_the_site():
    assert set(SERVICES) == {"proxy", *OURS, *ENGINES}


@pytest.mark.parametrize("name", OURS)
def test_each_part_waits_for_what_it_needs(name):
    needed = set(SERVICES[name]["depends_on"])
    assert needed == set(ENGINES) | (set() if name == "migrate" else {"migrate"})


@pytest.mark.parametrize("name", OURS)
def test_each_part_gets_variables_that_the_site_knows(name):
    variables = set(SERVICES[name]["environment"])
    assert variables <= set(Environment.model_fields)
    assert variables >= {"DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL"}


@pytest.mark.parametrize("name", SERVICES)
def test_each_part_is_confined_and_limited(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}
    assert service.get("user", "") != "root"
    assert not service.get("privileged")


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "migrate"])
def test_each_part_that_stays_is_asked_how_it_is(name):
    own = SERVICES[name].get("healthcheck")
    asked = own["test"] if own else re.search(r"^HEALTHCHECK .*?CMD (.*)$", DOCKERFILE, re.M | re.S)
    assert asked


def test_the_engines_are_reached_by_the_site_alone():
    assert COMPOSE["networks"]["engines"]["internal"] is True
    for name in ENGINES:
        assert SERVICES[name]["networks"] == ["engines"]
        assert "ports" not in SERVICES[name]
    assert [name for name in SERVICES if "ports" in SERVICES[name]] == ["proxy"]


def test_compose_has_no_password_of_its_own():
    text = (ROOT / "docker-compose.yml").read_text()
    for line in re.findall(r"^.*(?:PASSWORD|SECRET).*$", text, re.M):
        assert "${" in line or line.lstrip().startswith("#"), line


def test_compose_asks_for_nothing_that_is_not_said_to_be_set():
    text = (ROOT / "docker-compose.yml").read_text()
    assert set(re.findall(r"\$\{(\w+):\?", text)) == set(VALUES)
    page = (ROOT / "docs/how-to/deploy.md").read_text()
    assert [name for name in VALUES if f"`{name}`" not in page] == []


# --- the image ---


def test_image_does_not_run_as_root():
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.M) == ["10001"]


@pytest.mark.parametrize("name", OURS)
def test_image_and_compose_start_modules_that_exist(name):
    command = SERVICES[name]["command"]
    if command[1] == "-m":
        assert (ROOT / (command[2].replace(".", "/") + ".py")).exists()
    else:
        assert command[1] == "manage.py"
    assert yaml.safe_load(re.findall(r"^CMD (.*)$", DOCKERFILE, re.M)[-1])[2] == "supportsite.web"


def test_build_takes_the_pinned_requirements_only():
    build = DOCKERFILE.rpartition("\nFROM")[0]
    installs = [line for line in build.splitlines() if " install " in line]
    assert len(installs) == 2
    assert all("--require-hashes" in shlex.split(line.rstrip("\\")) for line in installs)


# --- deploy/kubernetes ---

MANIFESTS = deployment.assemble()
BY_KIND = {
    kind: [m for m in MANIFESTS if m["kind"] == kind] for kind in {m["kind"] for m in MANIFESTS}
}
PODS = {
    manifest["metadata"]["name"]: manifest["spec"]["template"]["spec"]
    for manifest in MANIFESTS
    if manifest["kind"] in ("Deployment", "Job")
}


@pytest.mark.parametrize(
    "manifest", MANIFESTS, ids=lambda m: f"{m['kind']}-{m['metadata']['name']}"
)
def test_each_manifest_follows_its_schema(manifest):
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def test_kustomize_assembles_the_overlay_where_it_is_there():
    kubectl = shutil.which("kubectl")
    if not kubectl:
        return  # what is validated above was then assembled by tests/deployment.py
    done = subprocess.run(
        [kubectl, "kustomize", deployment.OVERLAY], capture_output=True, text=True, check=True
    )
    assembled = list(yaml.safe_load_all(done.stdout))
    for manifest in assembled:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    names = {(m["kind"], m["metadata"]["name"]) for m in MANIFESTS}
    assert {(m["kind"], m["metadata"]["name"]) for m in assembled} == names


def test_kubernetes_has_each_part_of_the_site():
    assert set(PODS) == set(OURS)
    assert set(BY_KIND) >= {
        "Namespace",
        "ConfigMap",
        "Secret",
        "Service",
        "Ingress",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "NetworkPolicy",
    }


@pytest.mark.parametrize("name", OURS)
def test_pods_run_what_compose_runs(name):
    [container] = PODS[name]["containers"]
    assert container["command"] == SERVICES[name]["command"]


@pytest.mark.parametrize("name", OURS)
def test_pods_are_confined_and_limited(name):
    pod = PODS[name]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"].keys() == {"requests", "limits"}


def test_variables_of_pods_are_known_to_the_site():
    [config], [secret] = BY_KIND["ConfigMap"], BY_KIND["Secret"]
    variables = {*config["data"], *secret["stringData"]}
    assert variables <= set(Environment.model_fields)
    assert variables >= {"DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL"}


def test_the_example_secret_is_refused_by_the_site():
    [secret] = BY_KIND["Secret"]
    with pytest.raises(ValueError, match="at least 32 characters"):
        Environment(**secret["stringData"])


def test_what_stops_is_given_the_time_that_the_site_takes():
    [config] = BY_KIND["ConfigMap"]
    grace = float(config["data"]["STOP_GRACE_SECONDS"])
    [web] = PODS["web"]["containers"]
    before = float(web["lifecycle"]["preStop"]["exec"]["command"][1])
    assert PODS["web"]["terminationGracePeriodSeconds"] >= before + grace + 10
    assert PODS["worker"]["terminationGracePeriodSeconds"] >= grace + 10
    for name in ("web", "worker"):
        assert float(SERVICES[name]["stop_grace_period"].rstrip("s")) >= grace + 10


def test_probes_ask_the_pages_that_are_for_them():
    [web] = PODS["web"]["containers"]
    assert web["livenessProbe"]["httpGet"]["path"] == "/health/live"
    assert web["readinessProbe"]["httpGet"]["path"] == "/health/ready"
