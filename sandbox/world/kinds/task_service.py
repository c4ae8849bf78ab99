"""What effects and changes need to know of an ECS service: its names and levers."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.world.inventory import Inventory
from sandbox.world.kinds.resource import Resource
from sandbox.world.parts import Loc, Problem, known


class TaskService(Resource):
    """An ECS service, as far as others name it."""

    name: str
    cluster: str = "main"
    target_group: str
    task_definitions: tuple[str, ...]  # "checkout:41", "checkout:42", oldest first
    serving: str
    desired: int = 4

    @property
    def lever(self) -> str:
        """The lever of its task definition."""
        return f"ecs/{self.cluster}/{self.name}/task_definition"

    @property
    def rolling_lever(self) -> str:
        """The lever of a rollout under way: "family:n@share" of the tasks that are new."""
        return f"ecs/{self.cluster}/{self.name}/rolling"

    @property
    def desired_lever(self) -> str:
        """The lever of the number of tasks it wants."""
        return f"ecs/{self.cluster}/{self.name}/desired"

    @property
    def image_lever(self) -> str:
        """The lever of the image that a mutable tag stands for in its tasks."""
        return f"ecs/{self.cluster}/{self.name}/image"


def service_named(inventory: Inventory, name: str | None) -> TaskService | None:
    """The service of this name."""
    return next((each for each in inventory.every(TaskService) if each.name == name), None)


def known_service(inventory: Inventory, loc: Loc, name: str | None) -> Iterator[Problem]:
    """The problem that there is no ECS service of this name."""
    services = [service.name for service in inventory.every(TaskService)]
    yield from known(loc, "ECS service", name, services, "resources.ecs")


def known_task_definition(
    inventory: Inventory, loc: Loc, service: str | None, name: str | None
) -> Iterator[Problem]:
    """The problem that a service has no such task definition."""
    found = service_named(inventory, service)
    if found is not None:
        place, some = (*loc, "task_definition"), found.task_definitions
        yield from known(place, "task definition", name, some, "task_definitions")
