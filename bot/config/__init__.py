"""What the operator configures: settings from the environment, and the catalogue file.

Nothing here decides what the program does with them.
"""
