"""All formats of registry notifications: a row each."""

from collections.abc import Mapping
from types import MappingProxyType

from deadlight.registry.notifications import (
    artifactory,
    azure,
    distribution,
    docker_hub,
    ecr,
    github,
    google,
    harbor,
    proofs,
    quay,
    zot,
)
from deadlight.registry.notifications.notification import NotificationFormat

NOTIFICATIONS: Mapping[str, NotificationFormat] = MappingProxyType(
    {
        "distribution": NotificationFormat(
            "CNCF Distribution, GitLab", proofs.authorization, distribution.read, distribution.SETUP
        ),
        "zot": NotificationFormat("zot", proofs.authorization, zot.read, zot.SETUP),
        "harbor": NotificationFormat("Harbor", proofs.authorization, harbor.read, harbor.SETUP),
        "artifactory": NotificationFormat("JFrog Artifactory", artifactory.proof, artifactory.read, artifactory.SETUP),
        "github": NotificationFormat("GitHub Packages", github.proof, github.read, github.SETUP),
        "ecr": NotificationFormat("Amazon ECR", proofs.authorization, ecr.read, ecr.SETUP),
        "acr": NotificationFormat("Azure Container Registry", proofs.authorization, azure.read, azure.SETUP),
        "gar": NotificationFormat(
            "Google Artifact Registry", proofs.address, google.read, google.SETUP, secret_in_url=True
        ),
        "docker-hub": NotificationFormat(
            "Docker Hub", proofs.address, docker_hub.read, docker_hub.SETUP, secret_in_url=True
        ),
        "quay": NotificationFormat("Quay", proofs.address, quay.read, quay.SETUP, secret_in_url=True),
    }
)
"""By the name that settings and addresses carry."""
