"""Everything that talks to AWS: sessions, readers and writers, alarms, the resources of a service.

What the replies mean for an incident type belongs to `playbooks/`.
"""
