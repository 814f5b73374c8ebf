"""Who may talk to whom, as the network policies say it."""

from .cluster import matches


def allowed(cluster, source, target, port):
    """Whether a pod may call a port (its number) of another one."""
    return lets_out(cluster, source, target, port) and lets_in(cluster, source, target, port)


def lets_out(cluster, source, target, port):
    return lets(cluster, applying(cluster, source, "Egress"), ("egress", "to"), target, (target, port))


def lets_in(cluster, source, target, port):
    return lets(cluster, applying(cluster, target, "Ingress"), ("ingress", "from"), source, (target, port))


def lets(cluster, policies, direction, peer, called):
    """Whether policies let something through; where none concerns a pod, all may."""
    rules, peers = direction
    return not policies or any(
        covers(cluster, rule.get(peers), peer) and opens(rule, *called) for policy in policies for rule in policy["spec"].get(rules, [])
    )


def allowed_out(cluster, source, port):
    """Whether a pod may call a port of something outside the cluster."""
    for policy in applying(cluster, source, "Egress"):
        for rule in policy["spec"].get("egress", []):
            outside = not rule.get("to") or any("ipBlock" in peer for peer in rule["to"])
            if outside and any(one.get("port") in (port, None) for one in rule.get("ports", [{}])):
                return True
    return not applying(cluster, source, "Egress")


def applying(cluster, pod, direction):
    """The policies that concern a pod. One that says nothing of its types concerns what comes in, and what goes out if it has rules."""
    found = []
    for policy in cluster.of("NetworkPolicy"):
        spec = policy["spec"]
        types = spec.get("policyTypes", ["Ingress", "Egress"] if "egress" in spec else ["Ingress"])
        if direction in types and matches(spec["podSelector"], pod.labels):
            found.append(policy)
    return found


def covers(cluster, peers, pod):
    """Whether a pod of this namespace is among the peers of a rule; no peers are all."""
    return not peers or any(
        "podSelector" in peer and "namespaceSelector" not in peer and matches(peer["podSelector"], pod.labels) for peer in peers
    )


def opens(rule, pod, port):
    ports = rule.get("ports")
    return not ports or any(pod.port(one["port"]) == port for one in ports if "port" in one)
