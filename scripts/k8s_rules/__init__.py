"""Holds the manifests in k8s against the schemas of Kubernetes, against each other, and against the program. See scripts/k8s-check."""
