"""Values that the chart refuses, and how it says so: one row for each ``fail`` of its templates."""

from collections.abc import Mapping
from typing import Any, Final

REFUSALS: Final[tuple[tuple[Mapping[str, Any], str], ...]] = (
    (
        {"config": {"corsOrigins": ["*"]}},
        "config.corsOrigins: production does not accept *, by which every page could use a",
    ),
    (
        {"config": {"oidc": {"issuer": "https://login.example.org"}}},
        "config.oidc.audience: needed with config.oidc.issuer, whose tokens for anything else",
    ),
    (
        {"config": {"oidc": {"audience": "chat"}}},
        "config.oidc.issuer: without it the rest of config.oidc says nothing",
    ),
    (
        {"config": {"oidc": {"issuer": "http://login.example.org", "audience": "chat"}}},
        "config.oidc: the issuer's keys must come by https://, or whoever is on the way could",
    ),
    (
        {
            "config": {"audit": {"headsFile": "/var/heads/heads.jsonl"}},
            "server": {"extraVolumeMounts": [{"name": "heads", "mountPath": "/var/head"}]},
        },
        "config.audit.headsFile: it must be on a volume of server.extraVolumeMounts, as a pod's",
    ),
    (
        {"ingress": {"enabled": True}, "config": {"trustedProxies": []}},
        "config.trustedProxies: behind an ingress it must name the controller's networks, or all",
    ),
    (
        {"secrets": {"otlpHeaders": "api-key=abc"}},
        "config.tracing.endpoint: without it secrets.otlpHeaders are sent to nobody",
    ),
    (
        {"secrets": {"existingSecret": "chat", "adminToken": "a-token-of-enough-characters"}},
        "secrets.existingSecret: it holds every secret, so that none may be given beside it",
    ),
    (
        {"secrets": {"jwtKeysSecret": "keys", "jwtSecret": "a-secret-of-at-least-32-characters"}},
        "secrets.jwtKeysSecret: tokens are signed by these keys or by secrets.jwtSecret, not by",
    ),
    (
        {"mongodb": {"url": "mongodb://db/whatchat"}},
        "mongodb.url: the trial node is in its place; set mongodb.enabled to false to use yours",
    ),
    (
        {"mongodb": {"enabled": False}},
        "mongodb.url: pods keep nothing themselves, so that they need it where mongodb.enabled is",
    ),
    (
        {
            "mongodb": {"enabled": False, "url": "mongodb://db/whatchat"},
            "secrets": {"existingSecret": "chat"},
        },
        "mongodb.url: secrets.existingSecret holds it, as store-url",
    ),
    (
        {"redis": {"url": "redis://cache:6379"}},
        "redis.url: the trial node is in its place; set redis.enabled to false to use yours",
    ),
    (
        {"redis": {"enabled": False}},
        "redis.url: pods reach each other and workers by it, so that they need it where",
    ),
    (
        {
            "redis": {"enabled": False, "url": "redis://cache:6379"},
            "secrets": {"existingSecret": "chat"},
        },
        "redis.url: secrets.existingSecret holds it, as redis-url",
    ),
    (
        {"ingress": {"enabled": True}},
        "ingress.preset: name the controller (traefik, nginx, haproxy, ingress-nginx or custom)",
    ),
    (
        {"ingress": {"enabled": True, "preset": "custom"}},
        "ingress.annotations: with the preset custom nothing makes clients stay on their pod",
    ),
    (
        {"ingress": {"enabled": True, "preset": "nginx"}},
        "ingress.hosts: F5's controller takes no Ingress without a host",
    ),
    (
        {"ingress": {"enabled": True, "preset": "haproxy", "cookie": {"sameSite": "None"}}},
        "ingress.cookie.sameSite: browsers take None over TLS alone",
    ),
    (
        {"ingress": {"enabled": True, "preset": "haproxy", "cookie": {"idleSeconds": 45}}},
        "ingress.cookie.idleSeconds: must exceed config.pingIntervalMs and config.pingTimeoutMs",
    ),
    (
        {"ingress": {"enabled": True, "preset": "haproxy", "timeouts": {"idleSeconds": 45}}},
        "ingress.timeouts.idleSeconds: must exceed config.pingIntervalMs and config.pingTimeoutMs",
    ),
    (
        {
            "ingress": {
                "enabled": True,
                "preset": "traefik",
                "paths": [{"path": "/api", "pathType": "Prefix"}],
            }
        },
        "ingress.paths: none leads to /socket.io/, where clients connect",
    ),
    (
        {
            "ingress": {
                "enabled": True,
                "preset": "traefik",
                "hosts": ["chat.example.org"],
                "tls": [{"secretName": "tls", "hosts": ["chat.example.com"]}],
            }
        },
        "ingress.tls: chat.example.com is not in ingress.hosts, so that nobody is answered",
    ),
    (
        {"httpRoute": {"enabled": True}},
        "httpRoute.parentRefs: name the Gateway, as a route without one leads nowhere",
    ),
    (
        {
            "httpRoute": {
                "enabled": True,
                "parentRefs": [{"name": "public"}],
                "sessionPersistence": {"enabled": True, "lifetimeType": "Permanent"},
            }
        },
        "httpRoute.sessionPersistence.absoluteTimeout: a Permanent cookie needs an end",
    ),
    (
        {"secrets": {"adminToken": "the-same-for-both", "adminReadToken": "the-same-for-both"}},
        "secrets.adminReadToken: it must differ from secrets.adminToken, or whoever may look",
    ),
    (
        {"mongodb": {"enabled": False, "url": "sqlite:///data/chat.db"}},
        "mongodb.url: it must be mongodb://… or mongodb+srv://…; the embedded store is of one",
    ),
    (
        {
            "mongodb": {
                "enabled": False,
                "url": "mongodb://db/whatchat",
                "existingSecret": "trial",
            }
        },
        "mongodb.existingSecret: it is of the trial node, which mongodb.enabled leaves out",
    ),
    (
        {"redis": {"enabled": False, "url": "cache:6379"}},
        "redis.url: it must be redis://…, rediss://…, redis+sentinel://… or redis+cluster://…",
    ),
    (
        {"redis": {"enabled": False, "url": "redis://cache:6379", "existingSecret": "trial"}},
        "redis.existingSecret: it is of the trial node, which redis.enabled leaves out",
    ),
    (
        {"server": {"terminationGracePeriodSeconds": 92}},
        "server.terminationGracePeriodSeconds: it must be at least 93, or pods are killed before",
    ),
    (
        {"server": {"progressDeadlineSeconds": 430}},
        "server.progressDeadlineSeconds: it must be more than 430, or an update counts as failed",
    ),
    (
        {"worker": {"terminationGracePeriodSeconds": 38}},
        "worker.terminationGracePeriodSeconds: it must be at least 39, or workers are killed",
    ),
    (
        {"server": {"extraEnv": [{"name": "WHATCHAT_DRAIN_SECONDS", "value": "300"}]}},
        "server.extraEnv: WHATCHAT_DRAIN_SECONDS comes from config or secrets, which count on it",
    ),
    (
        {"service": {"nodePort": 30080}},
        "service.type: nothing comes to a ClusterIP from outside, so that nodePort and",
    ),
    (
        {"service": {"type": "NodePort", "loadBalancerSourceRanges": ["192.0.2.0/24"]}},
        "service.type: loadBalancerClass and loadBalancerSourceRanges need LoadBalancer; another",
    ),
    (
        {"autoscaling": {"kind": "hpa", "minReplicas": 5, "maxReplicas": 4}},
        "autoscaling.maxReplicas: 4 is less than autoscaling.minReplicas, which is 5",
    ),
    (
        {"autoscaling": {"kind": "hpa", "sockets": 0, "cpu": 0}},
        "autoscaling.sockets: it and autoscaling.cpu are 0, so that there is nothing to go by",
    ),
    (
        {
            "autoscaling": {"kind": "hpa"},
            "server": {"resources": {"requests": {"cpu": None}}},
        },
        "autoscaling.cpu: it is a part of what pods ask for, and server.resources.requests.cpu",
    ),
    (
        {
            "autoscaling": {"kind": "hpa", "scaleDown": {"periodSeconds": 100}},
            "config": {"drainSeconds": 120},
        },
        "autoscaling.scaleDown.periodSeconds: a pod may take 183 s to move its people, and the",
    ),
    (
        {"autoscaling": {"kind": "hpa"}, "server": {"pdb": {"maxUnavailable": 2}}},
        "autoscaling.minReplicas: all 2 pods could be taken at once, as server.pdb.maxUnavailable",
    ),
    (
        {"autoscaling": {"kind": "keda"}},
        "autoscaling.keda.prometheus: KEDA asks it for the sockets, so that it needs its address",
    ),
    (
        {
            "autoscaling": {
                "kind": "keda",
                "keda": {"prometheus": "http://prometheus:9090", "fallback": {"replicas": 11}},
            }
        },
        "autoscaling.keda.fallback.replicas: it is more than autoscaling.maxReplicas",
    ),
    (
        {"networkPolicy": {"storeTo": [{"ipBlock": {"cidr": "10.1.0.0/16"}}]}},
        "networkPolicy.storeTo: it is about a server of yours, and mongodb.enabled puts the trial",
    ),
    (
        {"networkPolicy": {"redisPorts": [6380]}},
        "networkPolicy.redisPorts: it is about a server of yours, and redis.enabled puts the trial",
    ),
    (
        {"monitoring": {"interval": "5s"}},
        "monitoring.scrapeTimeout: it is longer than monitoring.interval, which Prometheus refuses",
    ),
    (
        {"monitoring": {"rules": {"disabled": ["WhatchatNoSuchAlert"]}}},
        "monitoring.rules.disabled: there is no alert WhatchatNoSuchAlert",
    ),
)
"""Values, and what Helm's message contains of them: the value's path, then why."""
