"""A load test in a cluster: what its manifests say fits together, and they start what there is."""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from loadtests.stage.plan import Plan
from loadtests.swarm.repertoire import names, scenario
from loadtests.swarm.views.figures import PORT
from tests.chart.helm import ROOT, program, read, the
from tests.chart.network import Flow, Network, Place
from tests.chart.policies.table import POLICIES
from tests.chart.schemas import VERSIONS, complaints
from tests.chart.test_manifests import RESULTS, built
from tests.chart.workloads import of_kind, workloads

FOLDER: Final = ROOT / "k8s" / "overlays" / "loadtest"
HTTP, INTERNAL, LOCUST = 8000, 9000, 5557


def pod(name: str) -> Mapping[str, Any]:
    template: Mapping[str, Any] = the(built("loadtest"), "Job", name)["spec"]["template"]
    return template


def container(name: str) -> Mapping[str, Any]:
    (found,) = pod(name)["spec"]["containers"]
    return dict(found)


def place(kind: str, name: str) -> Place:
    found = the(built("loadtest"), kind, name)["spec"]["template"]
    return Place(found["metadata"]["labels"], "whatchat", "10.0.0.9")


def said() -> Mapping[str, str]:
    """The variables of a run."""
    (found,) = [
        each for each in of_kind(built("loadtest"), "ConfigMap") if "SCENARIO" in each["data"]
    ]
    data: Mapping[str, str] = found["data"]
    return data


def filled(argument: str) -> str:
    return re.sub(r"\$\((\w+)\)", lambda found: said()[found[1]], argument)


def argument(args: list[str], name: str) -> str:
    [value] = [each.partition("=")[2] for each in args if each.startswith(f"--{name}=")]
    return filled(value)


def test_workers_shards_and_pods_are_as_many_as_their_objects_say() -> None:
    objects = built("loadtest")
    workers = the(objects, "Job", "whatchat-load-worker")["spec"]
    assert workers["parallelism"] == workers["completions"] > 1
    (_, seed) = pod("whatchat-load")["spec"]["initContainers"]
    master = container("whatchat-load")["args"]
    assert argument(seed["args"], "shards") == argument(master, "workers")
    assert int(argument(master, "workers")) == workers["parallelism"]
    replicas = the(objects, "Deployment", "whatchat")["spec"]["replicas"]
    assert int(argument(master, "expect-pods")) == replicas


def test_even_the_longest_run_has_time() -> None:
    longest = max(map(scenario, names()), key=lambda one: one.hold_seconds)
    plan = Plan(scenario=longest, workers=4, settle_seconds=15, gates=(), out=Path())
    seeded_and_waited_for = 1_200
    for name in ("whatchat-load", "whatchat-load-worker"):
        given = the(built("loadtest"), "Job", name)["spec"]["activeDeadlineSeconds"]
        assert given >= plan.most_seconds + seeded_and_waited_for


def test_another_number_of_workers_or_pods_is_said_once(tmp_path: Path) -> None:
    for part in ("k8s", "dashboards"):
        shutil.copytree(ROOT / part, tmp_path / part)
    path = tmp_path / FOLDER.relative_to(ROOT) / "kustomization.yaml"
    text = path.read_text()
    assert text.count("value: 4\n") == text.count("count: 4\n") == 1
    path.write_text(text.replace("value: 4\n", "value: 7\n").replace("count: 4\n", "count: 3\n"))
    done = subprocess.run(
        [program("kubectl"), "kustomize", path.parent], check=True, capture_output=True, text=True
    )
    objects = tuple(read(done.stdout))
    spec = the(objects, "Job", "whatchat-load")["spec"]["template"]["spec"]
    told = [*spec["initContainers"][1]["args"], *spec["containers"][0]["args"]]
    counts = {each for each in told if each[-2:] in ("=7", "=3")}
    assert counts == {"--shards=7", "--workers=7", "--expect-pods=3"}
    assert the(objects, "Job", "whatchat-load-worker")["spec"]["completions"] == 7


@pytest.mark.parametrize("module", ["loadtests.seed", "loadtests.job", "locust", "http.server"])
def test_pods_start_what_the_image_has_with_options_that_there_are(module: str) -> None:
    spec = [pod(name)["spec"] for name in ("whatchat-load", "whatchat-load-worker")]
    spec.append(the(built(RESULTS), "Pod", "whatchat-load-results")["spec"])
    parts = [each for one in spec for each in [*one.get("initContainers", []), *one["containers"]]]
    [args] = [each["args"] for each in parts if each["args"][0] == module]
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    options = {each.partition("=")[0] for each in args if each.startswith("--")}
    assert options <= set(re.findall(r"--[a-z-]+", done.stdout))


def test_the_scenario_is_there_and_so_is_its_locustfile() -> None:
    assert said()["SCENARIO"] in names()
    args = container("whatchat-load-worker")["args"]
    assert (ROOT / argument(args, "locustfile").removeprefix("/opt/load/")).is_file()


def test_names_lead_to_services() -> None:
    services = {
        each["metadata"]["name"]: each["spec"] for each in of_kind(built("loadtest"), "Service")
    }
    worker, master = (container(name)["args"] for name in ("whatchat-load-worker", "whatchat-load"))
    assert argument(worker, "master-host") in services
    for name, port in (("host", 80), ("pods", INTERNAL)):
        url = urlsplit(argument(master, name))
        assert (url.port or 80) == port
        assert port in {each["port"] for each in services[url.hostname or ""]["ports"]}


def test_policies_hold_for_results_as_well() -> None:
    objects = (*built("loadtest"), *built(RESULTS))
    assert {
        name: said for name, policy in POLICIES.items() if (said := list(policy(objects)))
    } == {}
    [shown] = built(RESULTS)
    assert [complaint for version in VERSIONS for complaint in complaints(shown, version)] == []


def test_results_outlive_their_run() -> None:
    claims = [
        volume["persistentVolumeClaim"]["claimName"]
        for workload in workloads((*built("loadtest"), *built(RESULTS)))
        for volume in workload.pod.get("volumes", [])
        if "persistentVolumeClaim" in volume
    ]
    [claim] = of_kind(built("loadtest"), "PersistentVolumeClaim")
    assert claims == [claim["metadata"]["name"]] * 2
    mounts = {
        each["name"]: each["mountPath"] for each in container("whatchat-load")["volumeMounts"]
    }
    assert argument(container("whatchat-load")["args"], "out").startswith(f"{mounts['results']}/")


def test_the_load_reaches_what_it_is_to_and_nobody_else_its_master() -> None:
    network = Network(built("loadtest"))
    server = place("Deployment", "whatchat")
    master, worker = (place("Job", name) for name in ("whatchat-load", "whatchat-load-worker"))
    stranger = Place({"app": "else"}, "whatchat")
    prometheus = Place({"app": "prometheus"}, "monitoring")
    for source, target, port, lets in (
        (worker, server, HTTP, True),
        (worker, master, LOCUST, True),
        (master, server, HTTP, True),
        (master, server, INTERNAL, True),
        (prometheus, master, PORT, True),
        (stranger, server, INTERNAL, False),
        (stranger, master, LOCUST, False),
        (stranger, master, PORT, False),
        (prometheus, worker, PORT, False),
    ):
        assert network.lets(Flow(source, target, port)) is lets, (source, target, port)


def test_prometheus_finds_the_exporter_by_a_job_that_no_alert_misses() -> None:
    [endpoint] = the(built("loadtest"), "PodMonitor", "whatchat-load")["spec"][
        "podMetricsEndpoints"
    ]
    ports = {each["name"]: each["containerPort"] for each in container("whatchat-load")["ports"]}
    assert ports[endpoint["port"]] == PORT
    [job] = [
        each["replacement"] for each in endpoint["relabelings"] if each["targetLabel"] == "job"
    ]
    rules = (ROOT / "dashboards" / "rules" / "pods.yaml").read_text()
    assert 'up{job=~".*whatchat.*"}' in rules
    assert "whatchat" not in job
