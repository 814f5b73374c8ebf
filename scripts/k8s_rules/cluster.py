"""What an overlay makes of a cluster: its objects, and the pods that come of them."""

import base64
import os
import shutil
import subprocess
from pathlib import Path

import yaml

TREE = Path(__file__).resolve().parent.parent.parent


def loaded(text):
    """The objects in a file."""
    return [found for found in yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if found]


class Broken(Exception):
    """The overlay cannot be built, or is not what the API server would take. What is wrong, a line each."""


class Pod:
    """A pod as a workload makes it."""

    def __init__(self, workload, template):
        self.workload = workload
        self.kind, self.name = workload["kind"], workload["metadata"]["name"]
        self.labels = template["metadata"].get("labels", {})
        self.spec = template["spec"]
        self.containers = self.spec["containers"]

    def __str__(self):
        return f"{self.kind} {self.name}"

    @property
    def is_ours(self):
        """Whether it runs the program."""
        return any(container["name"] == "bojagi" for container in self.containers)

    @property
    def ours(self):
        """The container that runs the program."""
        return next(container for container in self.containers if container["name"] == "bojagi")

    @property
    def component(self):
        return self.labels.get("app.kubernetes.io/component", "")

    def port(self, named):
        """The number of a port, by its name or by itself; nothing if the pod has none of that name."""
        if isinstance(named, int):
            return named
        ports = [port for container in self.containers for port in container.get("ports", [])]
        return next((port["containerPort"] for port in ports if port.get("name") == named), None)


class Cluster:
    """The objects of an overlay, and Secrets that somebody else is to make (`given`)."""

    def __init__(self, objects, given=()):
        self.objects = objects
        self.given = list(given)
        self.pods = [Pod(owner, template) for owner in objects if (template := template_of(owner))]

    def of(self, kind):
        return [found for found in self.objects if found["kind"] == kind]

    def get(self, kind, name):
        return next((found for found in self.of(kind) if found["metadata"]["name"] == name), None)

    def matched(self, selector):
        """The pods that a selector of labels finds."""
        return [pod for pod in self.pods if matches(selector, pod.labels)]

    def keys(self, kind, name):
        """What is in a ConfigMap or a Secret, by its keys; nothing when there is none of that name."""
        found = self.get(kind, name)
        if found is None and kind == "Secret":
            found = next((given for given in self.given if given["metadata"]["name"] == name), None)
            # cert-manager makes one for each Certificate.
            if found is None and any(one["spec"]["secretName"] == name for one in self.of("Certificate")):
                return dict.fromkeys(["tls.crt", "tls.key", "ca.crt"], "")
        if found is None:
            return None
        plain = found.get("data", {}) | found.get("binaryData", {})
        if kind == "Secret":
            plain = {key: base64.b64decode(value).decode(errors="replace") for key, value in plain.items()}
        return plain | found.get("stringData", {})

    def environment(self, container):
        """The variables of a container. What is not there is left out; other rules complain of it."""
        variables = {}
        for source in container.get("envFrom", []):
            kind, field = ("Secret", "secretRef") if "secretRef" in source else ("ConfigMap", "configMapRef")
            variables |= self.keys(kind, source[field]["name"]) or {}
        for variable in container.get("env", []):
            value = variable.get("value")
            if origin := variable.get("valueFrom"):
                if "fieldRef" in origin:
                    value = "name-of-the-pod"
                for kind, field in (("Secret", "secretKeyRef"), ("ConfigMap", "configMapKeyRef")):
                    if field in origin:
                        value = (self.keys(kind, origin[field]["name"]) or {}).get(origin[field]["key"])
            if value is not None:
                variables[variable["name"]] = value
        return variables


def template_of(owner):
    """The template of the pods of a workload."""
    if owner["kind"] == "CronJob":
        return owner["spec"]["jobTemplate"]["spec"]["template"]
    return owner["spec"]["template"] if owner["kind"] in ("Deployment", "StatefulSet", "DaemonSet", "Job") else None


def matches(selector, labels):
    """Whether a selector of labels finds what has these. An empty one finds everything."""
    for name, value in selector.get("matchLabels", {}).items():
        if labels.get(name) != value:
            return False
    for wanted in selector.get("matchExpressions", []):
        has, is_in = wanted["key"] in labels, labels.get(wanted["key"]) in wanted.get("values", [])
        if not {"In": is_in, "NotIn": not is_in, "Exists": has, "DoesNotExist": not has}[wanted["operator"]]:
            return False
    return True


def copied(to):
    """A copy of k8s in a folder, with the secrets that its overlay for trying wants."""
    source = TREE / "k8s"
    shutil.copytree(source, to, ignore=shutil.ignore_patterns("secrets"))
    subprocess.run([to / "overlays/dev/make-secrets"], check=True, capture_output=True, env=os.environ)
    # The optional parts have no overlay of their own; here they get one.
    optional = to / "overlays/production-with-cert-manager"
    optional.mkdir()
    (optional / "kustomization.yaml").write_text(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: bojagi\n"
        "resources: [../production]\ncomponents: [../../components/cert-manager]\n"
    )


def overlays(folder):
    return sorted(path.parent for path in folder.glob("overlays/*/kustomization.yaml"))


def built(tools, overlay):
    """The objects of an overlay, as kustomize prints them, and as text."""
    done = subprocess.run([tools / "kustomize", "build", overlay], capture_output=True, text=True)
    if done.returncode != 0:
        raise Broken(f"{overlay.name}: kustomize: {done.stderr.strip()}")
    # kustomize warns of what it will not understand much longer.
    if done.stderr.strip():
        raise Broken(f"{overlay.name}: kustomize: {done.stderr.strip()}")
    return loaded(done.stdout), done.stdout


def given_to(overlay, objects):
    """The Secrets that the overlay leaves to its operator."""
    example = overlay / "secrets.example.yaml"
    if not example.exists():
        example = overlay.parent / overlay.name.split("-with-")[0] / "secrets.example.yaml"
    if not example.exists():
        return []
    made = {found["spec"]["secretName"] for found in objects if found["kind"] == "Certificate"}
    return [secret for secret in loaded(example.read_text()) if secret["metadata"]["name"] not in made]
