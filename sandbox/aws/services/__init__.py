"""The operations the endpoint answers by itself, a module per service or part of one."""
