"""Lays out the schemas that kubeconform asks for: those of Kubernetes from a Python package, those of cert-manager from its definitions.

    python -m k8s_rules.schemas WHEEL VERSION DEFINITIONS OUT
"""

import json
import re
import sys
import zipfile
from pathlib import Path

import yaml


def of_kubernetes(wheel, version, out):
    folder = f"kubernetes_validate/kubernetes-json-schema/{version}-local-strict/"
    found = 0
    with zipfile.ZipFile(wheel) as archive:
        definitions = json.loads(archive.read(f"{folder}_definitions.json"))["$defs"]
        for name in archive.namelist():
            if not name.startswith(folder) or not name.endswith(".json"):
                continue
            schema = json.loads(archive.read(name))
            if "apiVersion" not in schema.get("properties", {}):
                continue
            # The package refers to one absolute place.
            schema.pop("$id", None)
            (out / Path(name).name).write_text(json.dumps(alone(schema, definitions)))
            found += 1
    if not found:
        sys.exit(f"{wheel} has no schemas of {version}")


def alone(schema, definitions):
    """A schema with what it refers to, and nothing else: kubeconform would read all there is anew for each kind."""
    taken, left = {}, [schema]
    while left:
        for name in re.findall(r'"[^"#]*#/\$defs/([^"]+)"', json.dumps(left.pop())):
            if name not in taken:
                taken[name] = definitions[name]
                left.append(definitions[name])
    whole = json.dumps(schema | {"$defs": taken})
    return json.loads(re.sub(r'"[^"#]*#/\$defs/', '"#/$defs/', whole))


def closed(schema):
    """A schema that knows no fields but its own, as the API server prunes what it does not know."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: closed(part) for name, part in schema.items()}
    free = schema.get("x-kubernetes-preserve-unknown-fields", False)
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object" and not free:
        schema.setdefault("additionalProperties", False)
    return schema


def of_definitions(folder, out):
    for path in sorted(folder.glob("crd-*.yaml")):
        definition = yaml.safe_load(path.read_text())["spec"]
        kind, group = definition["names"]["kind"].lower(), definition["group"].split(".")[0]
        for version in definition["versions"]:
            schema = closed(version["schema"]["openAPIV3Schema"])
            # What every object has; only the kinds of Kubernetes itself describe it.
            schema["properties"]["metadata"] = {"type": "object"}
            (out / f"{kind}-{group}-{version['name']}.json").write_text(json.dumps(schema))


if __name__ == "__main__":
    wheel, version, definitions, out = sys.argv[1:]
    of_kubernetes(wheel, version, Path(out))
    of_definitions(Path(definitions), Path(out))
