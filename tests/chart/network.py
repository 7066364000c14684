"""Which pods may speak with which, by the network policies that select them.

What https://kubernetes.io/docs/concepts/services-networking/network-policies/ says: policies add
up, a pod that none selects in a direction is open in it, and a connection takes both sides.
"""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any, Final, NamedTuple

from tests.chart.helm import Object

EVERYWHERE: Final[Sequence[Mapping[str, Any]]] = ({},)


class Place(NamedTuple):
    """A pod, or what is outside the cluster: that has an address alone."""

    labels: Mapping[str, str] = {}
    namespace: str = ""
    address: str = "10.0.0.1"


class Flow(NamedTuple):
    """A connection that somebody would like to make."""

    source: Place
    target: Place
    port: int
    protocol: str = "TCP"


class Network:
    """What the policies of some objects let through. Namespaces are labelled by their names."""

    def __init__(self, objects: Sequence[Object]) -> None:
        self._policies = [each for each in objects if each["kind"] == "NetworkPolicy"]

    def lets(self, flow: Flow) -> bool:
        """Whether both sides agree."""
        leaves = self._agrees("Egress", "egress", "to", flow.source, flow.target, flow)
        return leaves and self._agrees("Ingress", "ingress", "from", flow.target, flow.source, flow)

    def _agrees(
        self, kind: str, rules: str, side: str, one: Place, other: Place, flow: Flow
    ) -> bool:
        policies = [each for each in self._of(one) if kind in each["spec"]["policyTypes"]]
        if not policies:
            return True
        return any(
            _names_port(rule, flow)
            and any(
                _is(peer, other, policy["metadata"]["namespace"])
                for peer in rule.get(side) or EVERYWHERE
            )
            for policy in policies
            for rule in policy["spec"].get(rules) or ()
        )

    def _of(self, place: Place) -> Iterator[Object]:
        for policy in self._policies:
            here = policy["metadata"]["namespace"] == place.namespace
            if here and matches(policy["spec"]["podSelector"], place.labels):
                yield policy


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a selector, empty for everything, takes these labels."""
    unknown = set(selector) - {"matchLabels", "matchExpressions"}
    assert not unknown, unknown
    equal = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    return equal and all(_holds(each, labels) for each in selector.get("matchExpressions", ()))


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    is_in = labels.get(expression["key"]) in expression.get("values", ())
    return {
        "In": is_in,
        "NotIn": not is_in,
        "Exists": expression["key"] in labels,
        "DoesNotExist": expression["key"] not in labels,
    }[expression["operator"]]


def _names_port(rule: Mapping[str, Any], flow: Flow) -> bool:
    ports = rule.get("ports")
    return not ports or any(
        each.get("protocol", "TCP") == flow.protocol and each["port"] == flow.port for each in ports
    )


def _is(peer: Mapping[str, Any], place: Place, namespace: str) -> bool:
    """Whether a rule's peer is that place; ``namespace`` is the policy's own."""
    if not peer:
        return True
    if block := peer.get("ipBlock"):
        address = ip_address(place.address)
        inside = address in ip_network(block["cidr"])
        return inside and not any(address in ip_network(one) for one in block.get("except", ()))
    if not place.namespace:
        return False
    if (selector := peer.get("namespaceSelector")) is None:
        lives_there = place.namespace == namespace
    else:
        lives_there = matches(selector, {"kubernetes.io/metadata.name": place.namespace})
    return lives_there and matches(peer.get("podSelector", {}), place.labels)
