"""Deletes the deployments that earlier releases created: their schedules would run as well.

``up`` runs it as a module, because Prefect reads the address of its server when it is imported. It
uses Prefect's own client, so a server that requires an account is reached as by Prefect's commands.
"""

import sys

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName

__all__ = ["delete_former_deployments"]

# Their names until 0.3.0. Since then a deployment is named after the product's title.
NAMES = (
    "train-weekly",
    "score-daily",
    "label-daily",
    "monitor-daily",
    "expire-weekly",
    "approve",
    "reject",
    "rollback",
)


def delete_former_deployments(product: str) -> tuple[str, ...]:
    """The names of the deployments that were on the server and are deleted."""
    # With the product's name, because the server can have deployments of other products.
    names = DeploymentFilterName(any_=[f"{product}-{name}" for name in NAMES])
    with get_client(sync_client=True) as client:
        found = client.read_deployments(deployment_filter=DeploymentFilter(name=names))
        for deployment in found:
            client.delete_deployment(deployment.id)
    return tuple(deployment.name for deployment in found)


if __name__ == "__main__":
    delete_former_deployments(sys.argv[1])
