"""What has to hold of an overlay. Each rule yields what is wrong, a line each."""

import math
import re
from urllib.parse import urlsplit

from . import network, program
from .cluster import TREE, matches

# How long a cluster's DNS may keep an answer (the plugin `cache` of CoreDNS).
DNS_CACHE_SECONDS = 30
# What is left over when times are added up: clocks and kubelets are not that exact.
MARGIN_SECONDS = 5
# How long connections may take to write what ended their calls (mesh/src/serve/door.rs).
LAST_WORDS_SECONDS = 1
# A store has connections for units of work, for reads, and one that listens (mesh/database.default.toml).
LISTENING = 1


def references(cluster):
    """Whatever a pod names is there, and whatever is there is named."""
    named = set()

    def wanted(pod, kind, name, key, optional):
        named.add((kind, name))
        keys = cluster.keys(kind, name)
        # What may be missing must be known to whoever makes the others.
        if keys is None and not (optional and not (kind == "Secret" and cluster.given)):
            yield f"{pod}: there is no {kind} {name}"
        elif keys is not None and key is not None and key not in keys and not (optional and not cluster.given):
            yield f"{pod}: the {kind} {name} has no key {key}"
        elif key is not None:
            named.add((kind, name, key))

    for pod in cluster.pods:
        volumes = {volume["name"]: volume for volume in pod.spec.get("volumes", [])}
        mounts = [mount for container in pod.containers for mount in container.get("volumeMounts", [])]
        for mount in mounts:
            if mount["name"] not in volumes:
                yield f"{pod}: mounts {mount['name']}, and there is no such volume"
        for name in volumes.keys() - {mount["name"] for mount in mounts}:
            yield f"{pod}: nothing mounts the volume {name}"
        for volume in volumes.values():
            for kind, field, called in (("ConfigMap", "configMap", "name"), ("Secret", "secret", "secretName")):
                if source := volume.get(field):
                    yield from wanted(pod, kind, source[called], None, source.get("optional"))
                    named.update((kind, source[called], key) for key in cluster.keys(kind, source[called]) or {})
        for container in pod.containers:
            for source in container.get("envFrom", []):
                for kind, field in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
                    if field in source:
                        yield from wanted(pod, kind, source[field]["name"], None, source[field].get("optional"))
            for variable in container.get("env", []):
                for kind, field in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
                    if source := variable.get("valueFrom", {}).get(field):
                        yield from wanted(pod, kind, source["name"], source["key"], source.get("optional"))
        account = pod.spec.get("serviceAccountName")
        if account and not cluster.get("ServiceAccount", account):
            yield f"{pod}: there is no ServiceAccount {account}"
    for kind in ("ConfigMap", "Secret"):
        for found in cluster.of(kind):
            if (kind, found["metadata"]["name"]) not in named:
                yield f"{kind} {found['metadata']['name']}: no pod asks for it"
    for secret in cluster.given:
        for key in secret["stringData"]:
            if ("Secret", secret["metadata"]["name"], key) not in named:
                yield f"secrets.example.yaml: no pod asks for {key} of the Secret {secret['metadata']['name']}"


def selectors(cluster):
    """Whatever selects pods finds those that it is about."""
    for pod in cluster.pods:
        selector = pod.workload["spec"].get("selector")
        if selector and not matches(selector, pod.labels):
            yield f"{pod}: its selector does not match its own pods"
        elif selector and cluster.matched(selector) != [pod]:
            yield f"{pod}: its selector matches the pods of others too"
        for spread in pod.spec.get("topologySpreadConstraints", []):
            if cluster.matched(spread["labelSelector"]) != [pod]:
                yield f"{pod}: its topologySpreadConstraints are about other pods"
    for kind in ("Service", "PodDisruptionBudget"):
        for found in cluster.of(kind):
            name, selector = found["metadata"]["name"], found["spec"]["selector"]
            selector = {"matchLabels": selector} if kind == "Service" else selector
            if [pod.name for pod in cluster.matched(selector)] != [name]:
                yield f"{kind} {name}: its selector does not match the pods of {name}, and only them"
    for pod in cluster.pods:
        if pod.kind == "Deployment" and not cluster.get("PodDisruptionBudget", pod.name):
            yield f"{pod}: has no PodDisruptionBudget"
    for budget in cluster.of("PodDisruptionBudget"):
        if budget["spec"].get("unhealthyPodEvictionPolicy") != "AlwaysAllow":
            yield f"PodDisruptionBudget {budget['metadata']['name']}: pods that never get ready would keep a node from being emptied"
    for policy in cluster.of("NetworkPolicy"):
        spec, name = policy["spec"], policy["metadata"]["name"]
        rules = spec.get("ingress", []) + spec.get("egress", [])
        peers = [peer for rule in rules for peer in rule.get("from", []) + rule.get("to", [])]
        of_pods = [peer["podSelector"] for peer in peers if "podSelector" in peer and "namespaceSelector" not in peer]
        for selector in [spec["podSelector"], *of_pods]:
            if not cluster.matched(selector):
                yield f"NetworkPolicy {name}: a selector matches no pod: {selector}"
            # Of several values, too, each has to be somebody's.
            for wanted in selector.get("matchExpressions", []):
                for value in wanted.get("values", []):
                    if not any(pod.labels.get(wanted["key"]) == value for pod in cluster.pods):
                        yield f"NetworkPolicy {name}: a selector matches no pod: {wanted['key']} is {value}"


def ports(cluster):
    """A port that is named is there, and the numbers are those of the program's settings."""
    for pod in cluster.pods:
        for container in pod.containers:
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                asked = container.get(probe, {})
                for way in ("httpGet", "tcpSocket", "grpc"):
                    named = asked.get(way, {}).get("port")
                    numbers = [port["containerPort"] for port in container.get("ports", [])]
                    if named is not None and pod.port(named) not in numbers:
                        yield f"{pod}: its {probe} asks the port {named}, and there is no such port"
    for service in cluster.of("Service"):
        for pod in cluster.matched({"matchLabels": service["spec"]["selector"]}):
            for port in service["spec"]["ports"]:
                if pod.port(port.get("targetPort", port["port"])) is None:
                    yield f"Service {service['metadata']['name']}: its pods have no port {port['targetPort']}"
    for policy in cluster.of("NetworkPolicy"):
        spec, name = policy["spec"], policy["metadata"]["name"]
        for direction, peers_of in (("ingress", None), ("egress", "to")):
            for rule in spec.get(direction, []):
                selectors = [spec["podSelector"]] if peers_of is None else [peer.get("podSelector") for peer in rule.get("to", [])]
                pods = [pod for selector in selectors if selector for pod in cluster.matched(selector)]
                for port in rule.get("ports", []):
                    if isinstance(port.get("port"), str) and not all(pod.port(port["port"]) for pod in pods):
                        yield f"NetworkPolicy {name}: not every pod that it is about has a port {port['port']}"
    for pod in cluster.pods:
        if pod.kind != "Deployment":
            continue
        settings = program.Settings(cluster, pod)
        listens = {"admin": settings.get("serve", "admin_listen"), "grpc": settings.get("serve", "listen")}
        if pod.component == "gateway":
            arguments = pod.ours["args"]
            listens = {"admin": settings.get("gateway", "admin", "listen"), "http": arguments[arguments.index("--listen") + 1]}
        for name, address in listens.items():
            host, _, number = address.rpartition(":")
            if str(pod.port(name)) != number:
                yield f"{pod}: the program listens on {address}, and the port {name} is {pod.port(name)}"
            if host not in ("0.0.0.0", "[::]"):
                yield f"{pod}: the program listens on {address}, where nobody else reaches it"
        if pod.workload["spec"]["template"]["metadata"]["annotations"].get("prometheus.io/port") != str(pod.port("admin")):
            yield f"{pod}: prometheus.io/port is not the port admin"


def restricted(cluster):
    """What the level `restricted` of PodSecurity demands, and the user of the image."""
    user = int(re.search(r"^USER (\d+):\d+$", (TREE / "Dockerfile").read_text(), re.M)[1])
    namespaces = cluster.of("Namespace")
    if [one["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") for one in namespaces] != ["restricted"]:
        yield "Namespace: pod-security.kubernetes.io/enforce is not restricted"
    for found in cluster.objects:
        if found["kind"] != "Namespace" and found["metadata"].get("namespace") != namespaces[0]["metadata"]["name"]:
            yield f"{found['kind']} {found['metadata']['name']}: is not in the namespace"
    for pod in cluster.pods:
        whole = pod.spec.get("securityContext", {})
        if whole.get("runAsNonRoot") is not True or not whole.get("runAsUser"):
            yield f"{pod}: must run as a user without rights (runAsNonRoot, runAsUser)"
        if pod.is_ours and whole.get("runAsUser") != user:
            yield f"{pod}: runs as {whole.get('runAsUser')}, and the user of the image is {user}"
        if whole.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{pod}: seccompProfile is not RuntimeDefault"
        for setting in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.spec.get(setting):
                yield f"{pod}: {setting} is not allowed"
        for volume in pod.spec.get("volumes", []):
            if not volume.keys() & {"configMap", "secret", "emptyDir", "projected", "persistentVolumeClaim"}:
                yield f"{pod}: a volume like {volume['name']} is not allowed"
        if pod.spec.get("automountServiceAccountToken") is not False:
            yield f"{pod}: automountServiceAccountToken is not false"
        if pod.spec.get("enableServiceLinks") is not False:
            yield f"{pod}: enableServiceLinks is not false"
        for container in pod.containers + pod.spec.get("initContainers", []):
            own = container.get("securityContext", {})
            if own.get("privileged"):
                yield f"{pod}: the container {container['name']} is privileged"
            if own.get("allowPrivilegeEscalation") is not False:
                yield f"{pod}: the container {container['name']} may escalate its privileges"
            if own.get("capabilities") != {"drop": ["ALL"]}:
                yield f"{pod}: the container {container['name']} does not drop all capabilities"
            if container["name"] == "bojagi" and own.get("readOnlyRootFilesystem") is not True:
                yield f"{pod}: the root file system can be written to"
            if container.get("imagePullPolicy") != "IfNotPresent":
                yield f"{pod}: imagePullPolicy is not IfNotPresent"
            resources = container.get("resources", {})
            if not {"cpu", "memory"} <= resources.get("requests", {}).keys() or "memory" not in resources.get("limits", {}):
                yield f"{pod}: the container {container['name']} lacks requests or a limit of memory"


def seconds_to_go(pod, settings):
    """How long a pod may take to go: the sleep of preStop, and then what the program takes by its settings."""
    if pod.component == "gateway":
        drain = settings.seconds("gateway", "drain", "grace_ms") + settings.seconds("gateway", "drain", "close_ms")
    else:
        drain = settings.seconds("serve", "drain_ms") + LAST_WORDS_SECONDS + int(settings.get("mesh", "stop_seconds"))
    return sleep_before(pod) + drain + settings.seconds("telemetry", "flush_milliseconds")


def sleep_before(pod):
    return pod.ours.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)


def lifecycle(cluster):
    """Probes ask what the program answers; a pod that goes has the time that the program takes, and is forgotten before it refuses."""
    for pod in cluster.pods:
        if pod.kind != "Deployment":
            continue
        settings, ours = program.Settings(cluster, pod), pod.ours
        for probe, path in (("startupProbe", "/ready"), ("livenessProbe", "/live")):
            if ours.get(probe, {}).get("httpGet") != {"path": path, "port": "admin"}:
                yield f"{pod}: its {probe} does not ask the port admin for {path}"
        # The admin port would say that a process is ready whose port for calls nobody finds.
        serving = "http" if pod.component == "gateway" else "grpc"
        probe = ours.get("readinessProbe", {})
        if probe.get("tcpSocket") != {"port": serving} or probe.keys() & {"httpGet", "exec", "grpc"}:
            yield f"{pod}: its readinessProbe does not ask the port {serving}"
        takes = seconds_to_go(pod, settings)
        grace = pod.spec.get("terminationGracePeriodSeconds", 30)
        if takes + MARGIN_SECONDS > grace:
            yield f"{pod}: may take {takes:.0f} s to go, which needs {MARGIN_SECONDS} s more, and is killed after {grace} s (terminationGracePeriodSeconds)"
        known = pod.workload["spec"].get("minReadySeconds", 0) + sleep_before(pod)
        needed = settings.seconds("services", "upstreams", "resolve_ms") + DNS_CACHE_SECONDS + MARGIN_SECONDS
        if known < needed:
            yield f"{pod}: minReadySeconds and preStop leave {known} s for new pods to become known, which may take {needed:.0f} s"
        rolling = pod.workload["spec"].get("strategy", {}).get("rollingUpdate", {})
        if rolling.get("maxUnavailable") != 0:
            yield f"{pod}: maxUnavailable of its rolling update is not 0"


def places(cluster):
    """The addresses in the settings are Services of the cluster, and certificates are where the settings say."""
    for pod in cluster.pods:
        if pod.kind != "Deployment" or not pod.is_ours:
            continue
        settings = program.Settings(cluster, pod)
        for called in program.calls()[pod.name]:
            urls = settings.get("services", called)
            for url in urls if isinstance(urls, list) else urls.split(","):
                host, port = urlsplit(url).hostname, urlsplit(url).port
                service = cluster.get("Service", host)
                if not service or port not in [one["port"] for one in service["spec"]["ports"]]:
                    yield f"{pod}: [services] {called} is {url}, and there is no such Service"
                elif service["spec"].get("clusterIP") != "None":
                    yield f"Service {host}: is not headless, so all calls of a connection would go to one pod"
                elif [one.name for one in cluster.matched({"matchLabels": service["spec"]["selector"]})] != [called]:
                    yield f"{pod}: [services] {called} is {url}, and its pods are others"
        mounted = {mount["mountPath"]: mount["name"] for mount in pod.ours["volumeMounts"]}
        volumes = {volume["name"]: volume for volume in pod.spec["volumes"]}
        for setting in ("certificate", "key", "ca"):
            folder, _, file = settings.get("serve", "identity", setting).rpartition("/")
            secret = volumes.get(mounted.get(folder), {}).get("secret", {}).get("secretName", "")
            if not re.fullmatch(rf"certificate-{pod.name}(-\w{{10}})?", secret) or file not in (cluster.keys("Secret", secret) or {}):
                yield f"{pod}: [serve.identity] {setting} is {folder}/{file}, where the Secret of {pod.name} is not mounted"
        for section in ("database", "kafka"):
            folder = settings.get(section, "ca_file").rpartition("/")[0]
            if folder and folder not in mounted:
                yield f"{pod}: [{section}] ca_file is in {folder}, where nothing is mounted"
        for name, path in (("user", "/data"),):
            if pod.name == name and not settings.get("user", "smtp", "host") and path not in mounted:
                yield f"{pod}: mail goes into a folder of {path}, where nothing is mounted"
        if pod.component == "service" and "BOJAGI_KAFKA__INSTANCE" in settings.environment:
            yield f"{pod}: a pod of a Deployment does not come back under its name (BOJAGI_KAFKA__INSTANCE)"


def who_calls_whom(cluster):
    """Network policies let through what the contracts say, and nothing else."""
    deployments = [pod for pod in cluster.pods if pod.kind == "Deployment"]
    for source in cluster.pods:
        called = program.calls().get(source.name, set())
        for target in deployments:
            if network.allowed(cluster, source, target, target.port("admin")):
                yield f"NetworkPolicy: {source.name} may call the admin port of {target.name}"
            grpc = target.port("grpc")
            if grpc and source is not target:
                # Each side on its own: what one opens too far, the other would hide.
                for side, may in (
                    ("lets out", network.lets_out(cluster, source, target, grpc)),
                    ("lets in", network.lets_in(cluster, source, target, grpc)),
                ):
                    if may != (target.name in called):
                        yield f"NetworkPolicy: {source.name} {'may' if may else 'may not'} call {target.name}, by what it {side}"
    outside = type("Outside", (), {"labels": {"nobody": "knows"}, "name": "somebody"})()
    for pod in deployments:
        if network.applying(cluster, pod, "Ingress") and pod.component == "gateway":
            rules = [rule for policy in network.applying(cluster, pod, "Ingress") for rule in policy["spec"].get("ingress", [])]
            if not any(network.covers(cluster, rule.get("from"), outside) and network.opens(rule, pod, pod.port("http")) for rule in rules):
                yield "NetworkPolicy: nobody may call the gateway"
    for pod in cluster.pods:
        if not pod.is_ours or pod.component == "gateway":
            continue
        settings = program.Settings(cluster, pod)
        database = urlsplit(settings.environment.get("BOJAGI_DATABASE__URL", "").split("{")[0])
        reached = [(database.hostname, database.port or 5432)]
        if pod.component == "service":
            brokers = settings.get("kafka", "bootstrap").split(",")
            reached += [(host, int(port)) for host, _, port in (broker.strip().rpartition(":") for broker in brokers) if port]
        if pod.name == "user" and settings.get("user", "smtp", "host"):
            reached.append((settings.get("user", "smtp", "host"), int(settings.get("user", "smtp", "port"))))
        for host, port in reached:
            service = cluster.get("Service", host)
            targets = cluster.matched({"matchLabels": service["spec"]["selector"]}) if service else []
            inside = targets and all(network.allowed(cluster, pod, target, port) for target in targets)
            if not (inside if service else network.allowed_out(cluster, pod, port)):
                yield f"NetworkPolicy: {pod.name} may not call {host}:{port}"


def scaling(cluster):
    """What scales is there, within what the stores and the brokers bear."""
    for scaler in cluster.of("HorizontalPodAutoscaler"):
        name, spec = scaler["metadata"]["name"], scaler["spec"]
        pod = next((pod for pod in cluster.pods if pod.name == spec["scaleTargetRef"]["name"]), None)
        if not pod or pod.kind != spec["scaleTargetRef"]["kind"]:
            yield f"HorizontalPodAutoscaler {name}: there is no {spec['scaleTargetRef']['kind']} {spec['scaleTargetRef']['name']}"
            continue
        if "replicas" in pod.workload["spec"]:
            yield f"{pod}: says how many there are, and so does a HorizontalPodAutoscaler"
        if spec["minReplicas"] > spec["maxReplicas"]:
            yield f"HorizontalPodAutoscaler {name}: the least is more than the most"
        if pod.component == "service":
            partitions = int(program.Settings(cluster, pod).get("kafka", "partitions"))
            if spec["maxReplicas"] > partitions:
                yield f"HorizontalPodAutoscaler {name}: more pods than partitions ({partitions}) would hear nothing"


def connections(cluster):
    """How many connections the database server has to bear during a roll-out, when pods that go still have theirs."""
    total = 0
    for pod in cluster.pods:
        if pod.kind == "Deployment" and pod.component == "service":
            settings, scaler, spec = program.Settings(cluster, pod), cluster.get("HorizontalPodAutoscaler", pod.name), pod.workload["spec"]
            most = scaler["spec"]["maxReplicas"] if scaler else spec.get("replicas", 1)
            going = math.ceil(seconds_to_go(pod, settings) / spec["minReadySeconds"])
            pods = min(2 * most, most + spec["strategy"]["rollingUpdate"]["maxSurge"] + going)
            each = int(settings.get("database", "writers")) + int(settings.get("mesh", "store_readers")) + LISTENING
            total += pods * each
    return total


def ends(cluster):
    """A Job that somebody waits for ends, whatever happens; and what an authority has signed outlives its renewal."""
    for job in cluster.of("Job"):
        if "activeDeadlineSeconds" not in job["spec"]:
            yield f"Job {job['metadata']['name']}: never fails where its image cannot be had (activeDeadlineSeconds)"
    for certificate in cluster.of("Certificate"):
        if certificate["spec"].get("isCA") and certificate["spec"].get("privateKey", {}).get("rotationPolicy") != "Never":
            yield f"Certificate {certificate['metadata']['name']}: a new key would make strangers of what it has signed (rotationPolicy)"


ALL = [references, selectors, ports, restricted, lifecycle, places, who_calls_whom, scaling, ends]
