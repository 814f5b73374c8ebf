"""Checks every overlay; with --self-test also that mistakes are found.

    python -m k8s_rules TOOLS JUDGE [--self-test]
"""

import json
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

import yaml

from . import mistakes, program, rules
from .cluster import TREE, Broken, Cluster, built, copied, given_to, loaded, overlays


def conforms(tools, text, count):
    """What is wrong by the schemas, a line each. An object that no schema was found for is wrong too."""
    # kubeconform leaves out what is not called *.yaml.
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        location = f"{tools}/schemas/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json"
        command = [tools / "kubeconform", "-strict", "-summary", "-output", "json", "-schema-location", location, file.name]
        done = subprocess.run(command, capture_output=True, text=True)
    try:
        report = json.loads(done.stdout)
    except json.JSONDecodeError:
        return [f"kubeconform: {done.stdout} {done.stderr}"]
    wrong = [f"{one['kind']} {one['name']}: {one['msg']}" for one in report["resources"] if one["status"] != "statusValid"]
    if report["summary"]["valid"] + len(wrong) != count:
        wrong.append(f"kubeconform looked at {report['summary']}, and there are {count} objects")
    return wrong


def judged(judge, objects):
    """What the API server would say, a line each. It knows the kinds of Kubernetes itself."""
    text = yaml.safe_dump_all(one for one in objects if not one["apiVersion"].startswith("cert-manager.io/"))
    done = subprocess.run([judge], input=text, capture_output=True, text=True)
    return done.stdout.splitlines() + ([f"apiserver: {done.stderr}"] if done.returncode != 0 else [])


def checked(tools, judge, overlay):
    """What is wrong with an overlay, a line each, and what there is to say of it."""
    try:
        objects, text = built(tools, overlay)
    except Broken as broken:
        return [str(broken)], []
    wrong = conforms(tools, text, len(objects))
    if wrong:
        # Rules read fields that are now known not to be what they take them for.
        return wrong, []
    wrong = judged(judge, objects)
    cluster = Cluster(objects, given_to(overlay, objects))
    wrong += [line for rule in rules.ALL for line in rule(cluster)]
    certificates, said = overlay.parent / "dev/secrets/certs", set()
    for pod in cluster.pods:
        if pod.is_ours:
            told, left_out = program.judged(pod, program.Settings(cluster, pod), certificates)
            wrong += [f"{pod}: {line}" for line in told]
            said.update(left_out)
    kinds = sorted({found["kind"] for found in objects})
    said.add(f"{len(objects)} objects of {len(kinds)} kinds, {len(cluster.pods)} kinds of pods")
    said.add(f"the database server needs {rules.connections(cluster)} connections")
    return wrong, sorted(said)


def forgotten(folder):
    """Files that nothing takes up."""
    named = set()
    for path in folder.rglob("kustomization.yaml"):
        kustomization = loaded(path.read_text())[0]
        listed = [*kustomization.get("resources", []), *kustomization.get("components", [])]
        listed += [patch["path"] for patch in kustomization.get("patches", []) if "path" in patch]
        for generator in kustomization.get("configMapGenerator", []) + kustomization.get("secretGenerator", []):
            listed += [file.split("=", 1)[-1] for file in generator.get("files", []) + generator.get("envs", [])]
        named.update((path.parent / entry).resolve() for entry in listed)
    others = {"README.md", "kustomization.yaml", "secrets.example.yaml", "make-secrets", ".gitignore"}
    left = [path for path in folder.rglob("*") if path.is_file() and path.name not in others and "secrets" not in path.parts]
    return [f"{path.relative_to(folder)}: nothing takes it up" for path in left if path.resolve() not in named]


def other_images(folder):
    """Places that name another tag of the program than its version: what was built and brought to the nodes would not be found. Where it is
    pulled from may differ."""
    version = tomllib.loads((TREE / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    named = []
    for path in folder.glob("overlays/*/kustomization.yaml"):
        for image in loaded(path.read_text())[0].get("images", []):
            if image["name"] == "bojagi":
                named.append((path, f"{image.get('newName', 'bojagi')}:{image.get('newTag', '')}"))
    readme, make_secrets = folder / "README.md", folder / "overlays/dev/make-secrets"
    named += [(readme, image) for image in re.findall(r"(?:-t |save |example/)(bojagi[:.\w]*)", readme.read_text())]
    named += [(make_secrets, image) for image in re.findall(r"BOJAGI_IMAGE:-([^}]*)}", make_secrets.read_text())]
    others = [(path, image) for path, image in named if not image.endswith(f"bojagi:{version}")]
    return [f"{path.relative_to(folder)}: the image {image}, and the version is {version}" for path, image in others]


def of_all(folder):
    """What is wrong with the folder, whatever the overlay."""
    return forgotten(folder) + other_images(folder)


def main():
    tools, judge, self_test = Path(sys.argv[1]), Path(sys.argv[2]), "--self-test" in sys.argv
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "k8s"
        copied(tree)
        results = [("k8s", of_all(tree), [])] + [(overlay.name, *checked(tools, judge, overlay)) for overlay in overlays(tree)]
        for name, wrong, said in results:
            for line in wrong:
                print(f"{name}: {line}", file=sys.stderr)
            if said:
                print(f"{name}: {'; '.join(said)}" + ("" if wrong else "; all is well"))
        if any(wrong for _, wrong, _ in results):
            sys.exit(1)
        if self_test:
            missed = mistakes.missed(lambda tree, overlay: of_all(tree) + checked(tools, judge, tree / "overlays" / overlay)[0], tree)
            for line in missed:
                print(f"self-test: {line}", file=sys.stderr)
            if missed:
                sys.exit(1)
            print(f"self-test: each of {len(mistakes.ALL)} mistakes is found and named")
    print(f"after {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
