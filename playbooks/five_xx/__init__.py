"""5XX: the front door answers with server errors."""

from playbooks.five_xx.playbook import FiveXX

__all__ = ["FiveXX"]
