from __future__ import annotations

from starlette.routing import Route

from sandbox.slack.site import Site


class Page:
    def __init__(self, site: Site) -> None:
        pass

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def routes(self) -> list[Route]:
        return []
