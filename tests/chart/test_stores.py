"""The trial MongoDB and Redis: by their stable names, as their official images need it."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from redis import Redis, exceptions
from redis.backoff import ConstantBackoff, NoBackoff
from redis.retry import Retry

from tests.chart.helm import Object, render, secret, the
from tests.e2e.node_process import free_port


def pod_of(objects: list[Object], name: str) -> Any:
    return the(objects, "StatefulSet", name)["spec"]["template"]["spec"]


def test_mongodb_is_found_by_the_name_of_its_pod() -> None:
    objects = render(release="a-chat", namespace="rooms")
    made = the(objects, "StatefulSet", "a-chat-whatchat-mongodb")
    service = the(objects, "Service", made["spec"]["serviceName"])
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"] is True
    assert service["spec"]["selector"] == made["spec"]["selector"]["matchLabels"]
    host = (
        f"{made['metadata']['name']}-0.{service['metadata']['name']}.rooms.svc.cluster.local:27017"
    )
    url = secret(objects, "a-chat-whatchat-mongodb")["url"]
    assert url.partition("@")[2] == f"{host}/whatchat?authSource=admin&replicaSet=rs0"
    server = the(objects, "Deployment", "a-chat-whatchat")["spec"]["template"]["spec"]
    assert server["initContainers"][0]["args"] == [host]


def test_mongodbs_key_is_its_owners_alone_and_its_password_in_a_file() -> None:
    [container] = pod_of(render(), "whatchat-mongodb")["containers"]
    assert container["command"][:2] == ["bash", "-ec"]
    script = container["command"][2]
    assert script.startswith("install -m 0400 /run/secrets/mongodb/key /tmp/key;")
    assert "--keyFile /tmp/key" in script
    assert "--replSet rs0" in script
    variables = {each["name"]: each["value"] for each in container["env"]}
    assert variables["MONGO_INITDB_ROOT_PASSWORD_FILE"] == "/run/secrets/mongodb/password"


def test_what_the_images_write_to_is_there() -> None:
    objects = render()
    for name, paths in {
        "whatchat-mongodb": {"/data/db", "/data/configdb", "/tmp"},
        "whatchat-redis": {"/data"},
    }.items():
        [container] = pod_of(objects, name)["containers"]
        written = {
            each["mountPath"] for each in container["volumeMounts"] if "readOnly" not in each
        }
        assert written == paths


def test_mongodb_keeps_what_it_holds_unless_told_not_to() -> None:
    kept = the(render(), "StatefulSet", "whatchat-mongodb")["spec"]
    [claim] = kept["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "data"
    assert claim["spec"]["resources"]["requests"]["storage"] == "8Gi"
    assert "storageClassName" not in claim["spec"]
    values = {"mongodb": {"persistence": {"enabled": False}}}
    made = the(render(values), "StatefulSet", "whatchat-mongodb")["spec"]
    assert "volumeClaimTemplates" not in made
    volumes = {each["name"]: each for each in made["template"]["spec"]["volumes"]}
    assert "emptyDir" in volumes["data"]


def test_redis_keeps_nothing_and_throws_nothing_away() -> None:
    objects = render()
    [container] = pod_of(objects, "whatchat-redis")["containers"]
    arguments = container["args"]
    given = dict(zip(arguments[1::2], arguments[2::2], strict=True))
    assert arguments[0] == "/run/secrets/redis/password.conf"
    assert given["--save"] == ""
    assert given["--appendonly"] == "no"
    assert given["--maxmemory-policy"] == "noeviction"
    assert "requirepass" not in str(container)


def test_redis_takes_its_arguments_and_wants_its_password(tmp_path: Path) -> None:
    objects = render()
    held = secret(objects, "whatchat-redis")
    (tmp_path / "password.conf").write_text(held["password.conf"])
    [container] = pod_of(objects, "whatchat-redis")["containers"]
    port = free_port()
    arguments = [tmp_path / "password.conf", *container["args"][1:], "--port", str(port)]
    server = subprocess.Popen(["redis-server", *arguments], cwd=tmp_path, stdout=subprocess.DEVNULL)
    retry = Retry(ConstantBackoff(0.05), 200)
    try:
        url = held["url"].replace("whatchat-redis.chat.svc.cluster.local:6379", f"127.0.0.1:{port}")
        with Redis.from_url(
            url, retry=retry, retry_on_error=[exceptions.ConnectionError]
        ) as client:
            told = client.config_get("maxmemory", "maxmemory-policy", "save", "appendonly")
        assert told == {
            "maxmemory": str(192 * 1024 * 1024),
            "maxmemory-policy": "noeviction",
            "save": "",
            "appendonly": "no",
        }
        with (
            Redis(port=port, retry=Retry(NoBackoff(), 0)) as stranger,
            pytest.raises(exceptions.AuthenticationError),
        ):
            stranger.ping()
    finally:
        server.terminate()
        assert server.wait(10) == 0


def test_a_secret_of_ones_own_has_the_trial_stores_passwords() -> None:
    values = {
        "mongodb": {"existingSecret": "my-mongodb"},
        "redis": {"existingSecret": "my-redis"},
    }
    objects = render(values)
    secrets = [each["metadata"]["name"] for each in objects if each["kind"] == "Secret"]
    assert secrets == ["whatchat"]
    for name, own in (("whatchat-mongodb", "my-mongodb"), ("whatchat-redis", "my-redis")):
        volumes = {each["name"]: each for each in pod_of(objects, name)["volumes"]}
        assert volumes["secret"]["secret"]["secretName"] == own
    spec = the(objects, "Deployment", "whatchat")["spec"]["template"]["spec"]
    variables = {each["name"]: each for each in spec["containers"][0]["env"]}
    for name, own in (("WHATCHAT_STORE_URL", "my-mongodb"), ("WHATCHAT_REDIS_URL", "my-redis")):
        assert variables[name]["valueFrom"]["secretKeyRef"] == {"name": own, "key": "url"}


def test_nothing_is_left_of_them_where_others_are_used() -> None:
    values = {
        "mongodb": {"enabled": False, "url": "mongodb+srv://db.example.org/whatchat"},
        "redis": {"enabled": False, "url": "redis+sentinel://a:26379,b:26379/chat/0"},
    }
    names = {each["metadata"]["name"] for each in render(values)}
    assert not [name for name in names if "mongodb" in name or "redis" in name]
