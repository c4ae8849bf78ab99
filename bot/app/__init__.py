"""The composition root and what `incident` does on the command line.

The only room that imports all others. Rules and decisions do not belong here.
"""
