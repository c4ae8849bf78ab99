"""The commands the sandbox adds to `incident`: demo, sandbox, score.

Their work is in `sandbox.commands`, imported when one is called: `register` runs at every start of
the program, that of `incident serve` included, and the sandbox takes long to import.
"""

from __future__ import annotations

from typing import Annotated

import typer

ScenarioArgument = Annotated[
    str, typer.Argument(help="A scenario file, or the name of one that comes with the sandbox.")
]
SpeedOption = Annotated[
    float, typer.Option(help="World seconds in a second: 6 makes a minute last ten.", min=0.1)
]
SeedOption = Annotated[int, typer.Option(help="Which variant; 0 is the file as written.", min=0)]
PortOption = Annotated[int, typer.Option(help="Of the page; 0 takes a free one.", min=0)]


def register(app: typer.Typer) -> None:
    """Add the commands; called by `incident` for its entry-point group."""
    app.command()(demo)
    app.command()(sandbox)
    app.command()(score)


def demo(
    scenario: ScenarioArgument = "5xx",
    speed: SpeedOption = 6.0,
    seed: SeedOption = 0,
    port: PortOption = 8765,
) -> None:
    """Play an incident: a local Slack, an AWS account and the bot, on this machine.

    Prints one address. The bot is the program that runs in production, with other URLs.
    """
    from sandbox import commands

    commands.demo(scenario, speed=speed, seed=seed, port=port)


def sandbox(
    scenario: ScenarioArgument = "5xx",
    speed: SpeedOption = 1.0,
    seed: SeedOption = 0,
    port: PortOption = 8765,
    aws_port: Annotated[int, typer.Option(help="Of the AWS endpoint.", min=0)] = 4566,
) -> None:
    """The local Slack and AWS account alone; prints the environment that points anything at them.

    In another terminal: `eval "$(…)"` with what is printed, then `incident serve`, `incident
    triage 5xx`, or the `aws` command.
    """
    from sandbox import commands

    commands.sandbox(scenario, speed=speed, seed=seed, port=port, aws_port=aws_port)


def score(
    paths: Annotated[list[str], typer.Argument(help="Scenario files, folders, or names.")],
    seeds: Annotated[
        int, typer.Option(help="Play each as written and in this many variants.", min=0)
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Play scenario files and compare what the bot finds with what each expects.

    Exit code 1 when one misses.
    """
    from sandbox import commands

    hit = commands.score(paths, seeds=seeds, as_json=as_json)
    raise typer.Exit(0 if hit else 1)
