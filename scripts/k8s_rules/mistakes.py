"""Mistakes that the check must find: each is made in a copy of the manifests, and its complaint has to come."""

import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple


class Mistake(NamedTuple):
    """In a file of k8s, `old` becomes `new`; building `overlay` must then lead to a complaint with `complaint` in it."""

    file: str
    old: str
    new: str
    complaint: str
    overlay: str = "dev"


PROCESS = "base/every-process.yaml"
SERVICE = "base/every-service.yaml"
NETWORK = "base/network.yaml"
SETTINGS = "base/bojagi.toml"
ALL = [
    # What the schemas say.
    Mistake(PROCESS, "progressDeadlineSeconds:", "progressDeadline:", "additional properties 'progressDeadline' not allowed"),
    Mistake(PROCESS, "failureThreshold: 120", "failureThreshold: many", "got string, want null or integer"),
    Mistake("components/autoscaling/autoscalers.yaml", "autoscaling/v2\n", "autoscaling/v3\n", "could not find schema", "production"),
    Mistake("components/cert-manager/certificates.yaml", "uris:", "uri:", "'uri' not allowed", "production-with-cert-manager"),
    # What the API server says.
    Mistake("base/order.yaml", "whenUnsatisfiable: ScheduleAnyway", "whenUnsatisfiable: Never", "Unsupported value: \"Never\""),
    Mistake("base/order.yaml", "memory: 64Mi", "memory: 1Gi", "must be less than or equal to memory limit"),
    Mistake("base/order.yaml", "memory: 64Mi", "memory: 64MB", "Deployment order: quantities must match"),
    Mistake("base/order.yaml", "      labels: { app.kubernetes.io/name: order,", "      labels: { app.kubernetes.io/name: orders,",
            "`selector` does not match"),
    Mistake("base/jobs.yaml", "schedule: 0 5 * * *", "schedule: 0 5 * *", "spec.schedule: Invalid value"),
    Mistake(PROCESS, "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true",
            "is not restricted: allowPrivilegeEscalation != false"),
    # What is named and not there.
    Mistake("base/kustomization.yaml", "  - order.yaml\n", "", "order.yaml: nothing takes it up"),
    Mistake(PROCESS, "configMapRef: { name: shop }", "configMapRef: { name: shops }", "there is no ConfigMap shops"),
    Mistake(SERVICE, "key: page_secret", "key: page_secrets", "has no key page_secrets"),
    Mistake(SERVICE, "key: page_secret", "key: page_secrets", "the Secret stores has no key page_secrets", "production"),
    Mistake("base/user.yaml", "{ name: smtp, key: user,", "{ name: mail, key: user,", "there is no Secret mail", "production"),
    Mistake("base/order.yaml", "secretName: certificate-order", "secretName: certificate-oder", "no Secret certificate-oder"),
    Mistake("base/order.yaml", "secretName: certificate-order", "secretName: certificate-item", "where the Secret of order is not"),
    Mistake("base/order.yaml", "serviceAccountName: order", "serviceAccountName: orders", "there is no ServiceAccount orders"),
    Mistake(PROCESS, "- { name: settings, mountPath", "- { name: setting, mountPath", "there is no such volume"),
    # Labels that do not meet.
    Mistake("base/item.yaml", "selector: { app.kubernetes.io/name: item }", "selector: { app: item }", "Service item: its selector"),
    Mistake("base/item.yaml", "selector: { app.kubernetes.io/name: item }", "selector: { app.kubernetes.io/name: order }", "Service item"),
    Mistake("base/order.yaml", "      labels: { app.kubernetes.io/name: order,", "      labels: { app.kubernetes.io/name: orders,",
            "its own pods"),
    Mistake("base/order.yaml", "AlwaysAllow\n  selector:\n    matchLabels: { app.kubernetes.io/name: order }",
            "AlwaysAllow\n  selector:\n    matchLabels: { app.kubernetes.io/name: oder }", "PodDisruptionBudget order"),
    Mistake(NETWORK, "values: [item, coupon]", "values: [items, coupon]", "app.kubernetes.io/name is items"),
    Mistake("components/autoscaling/autoscalers.yaml", "kind: Deployment, name: item }", "kind: Deployment, name: items }",
            "there is no Deployment items", "production"),
    # Ports.
    Mistake("base/coupon.yaml", "targetPort: grpc", "targetPort: grcp", "have no port grcp"),
    Mistake(PROCESS, "/live, port: admin", "/live, port: metrics", "asks the port metrics"),
    Mistake(SERVICE, "containerPort: 9090", "containerPort: 9091", "listens on 0.0.0.0:9090, and the port grpc is 9091"),
    Mistake(SERVICE, "tcpSocket: { port: grpc }", "tcpSocket: { port: admin }", "readinessProbe does not ask the port grpc"),
    Mistake("base/gateway.yaml", "tcpSocket: { port: http }", "httpGet: { path: /ready, port: admin }",
            "readinessProbe does not ask the port http"),
    Mistake("base/gateway.yaml", '"0.0.0.0:8080"', '"127.0.0.1:8080"', "where nobody else reaches it"),
    Mistake(NETWORK, "ports: [{ port: http }]", "ports: [{ port: htttp }]", "has a port htttp"),
    # What pods may do.
    Mistake(PROCESS, "allowPrivilegeEscalation: false", "privileged: true\n            allowPrivilegeEscalation: false", "is privileged"),
    Mistake(PROCESS, "drop: [ALL]", "drop: [ALL], add: [NET_ADMIN]", "does not drop all capabilities"),
    Mistake(PROCESS, "runAsUser: 10001", "runAsUser: 1000", "the user of the image is 10001"),
    Mistake("overlays/dev/stores.yaml", "enableServiceLinks: false", "enableServiceLinks: true", "enableServiceLinks is not false"),
    # Time to go.
    Mistake(PROCESS, "terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 30", "is killed after 30 s"),
    Mistake(SETTINGS, "drain_ms = 10000", "drain_ms = 60000", "may take 103 s to go"),
    Mistake(PROCESS, "sleep: { seconds: 25 }", "sleep: { seconds: 20 }", "leave 35 s for new pods"),
    Mistake(SETTINGS, "stop_seconds = 15", "stop_seconds = 20", "may take 58 s to go"),
    Mistake("base/order.yaml", "  unhealthyPodEvictionPolicy: AlwaysAllow\n", "", "PodDisruptionBudget order: pods that never get ready"),
    # What never ends, and what ends too soon.
    Mistake("base/jobs.yaml", "  activeDeadlineSeconds: 900\n", "", "Job migrate: never fails", "production"),
    Mistake("components/cert-manager/authority.yaml", "rotationPolicy: Never", "rotationPolicy: Always", "Certificate authority: a new key",
            "production-with-cert-manager"),
    # Which image.
    Mistake("overlays/dev/kustomization.yaml", "newTag: 0.1.0", "newTag: latest", "the image bojagi:latest"),
    Mistake("overlays/dev/make-secrets", "bojagi:0.1.0", "bojagi", "overlays/dev/make-secrets: the image bojagi,"),
    Mistake("README.md", "bojagi:0.1.0 .", "bojagi:0.2.0 .", "README.md: the image bojagi:0.2.0"),
    # Who calls whom.
    Mistake(NETWORK, "values: [settlement, gateway]", "values: [gateway]", "settlement may not call order"),
    Mistake(NETWORK, "values: [item, coupon, payment]", "values: [item, coupon, payment, settlement]", "order may call settlement"),
    Mistake(NETWORK, "values: [order, gateway]", "values: [order, payment, gateway]", "payment may call item"),
    Mistake("overlays/production/network.yaml", "{ port: 5432 }, { port: 9092 }, { port: 9093 }", "{ port: 5432 }", "may not call kafka",
            "production"),
    # What the program says of its settings.
    Mistake(SETTINGS, "keys_ms = 15000", "key_ms = 15000", "key_ms"),
    Mistake(SETTINGS, 'item = ["https://item:9090"]', 'item = ["http://item:9090"]', "must begin with https://"),
    Mistake(SETTINGS, 'item = ["https://item:9090"]', 'item = ["https://items:9090"]', "there is no such Service"),
    Mistake("overlays/dev/shop.env", "LINK_BASE_URL", "LINK_BASE", "link_base"),
    Mistake("overlays/dev/stores.env", "BOJAGI_KAFKA__BOOTSTRAP=kafka:9092\n", "", "kafka.bootstrap: is missing"),
    # How many.
    Mistake("components/autoscaling/autoscalers.yaml", "maxReplicas: 6", "maxReplicas: 16", "more pods than partitions (12)", "production"),
]


def missed(check, whole):
    """The mistakes that the check does not find in copies of a tree that is whole, a line each."""
    found_not = []
    for mistake in ALL:
        with tempfile.TemporaryDirectory() as folder:
            tree = Path(folder) / "k8s"
            shutil.copytree(whole, tree)
            file = tree / mistake.file
            before = file.read_text()
            if mistake.old not in before:
                found_not.append(f"{mistake.file} has no {mistake.old!r} any more, so this mistake cannot be made")
                continue
            file.write_text(before.replace(mistake.old, mistake.new))
            complaints = check(tree, mistake.overlay)
        if not any(mistake.complaint in complaint for complaint in complaints):
            listed = "".join(f"\n    {complaint}" for complaint in complaints[:5]) or " nothing"
            found_not.append(f"{mistake.file}: {mistake.old!r} became {mistake.new!r}, and the check says{listed}")
    return found_not
