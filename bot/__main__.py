"""The command line: `incident`, also `python -m bot`.

Only what parsing it needs is imported here; each command imports the rest, so that `--help` does
not wait for boto3, pydantic and the like.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, time
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.domain.errors import ConfigError, IncidentHelperError

if TYPE_CHECKING:
    from rich.console import Console

    from bot.domain.report import Report

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help=(
        "Stands beside an AWS on-call engineer: from an alarm to its likely cause, with the "
        "evidence, and to a guarded change that mends it.\n\n"
        "Try `incident demo 5xx` for a local Slack and AWS with an incident in them, "
        "`incident triage 5xx --service checkout` for the same investigation in the terminal, "
        "`incident doctor` before the first `incident serve`."
    ),
)

CatalogueOption = Annotated[
    Path | None, typer.Option("--catalogue", help="The catalogue file; default: CATALOGUE.")
]


@app.command()
def serve() -> None:
    """Run the bot: Slack listeners, durable tasks, the clock, HTTP.

    Settings come from the environment or .env; .env.example explains each.
    """
    import asyncio

    from bot.app.server import serve as run

    asyncio.run(run())


@app.command()
def triage(
    playbook: Annotated[str, typer.Argument(help="Which incident type; see `incident playbooks`.")],
    service: Annotated[
        str | None, typer.Option(help="A service of the catalogue; not needed when it has one.")
    ] = None,
    alarm: Annotated[
        str | None, typer.Option(help="Name of the CloudWatch alarm; default: one that is firing.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            help="When it began: 2026-11-23T03:12Z, or 03:12Z for the latest one; the hour from "
            "then is investigated. Default: the alarm's time, until now."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report by docs/report.schema.json.")
    ] = False,
    catalogue: CatalogueOption = None,
) -> None:
    """Investigate now, in the terminal. Reads AWS, changes nothing, needs neither Slack nor Redis.

    Exit code 0 when a cause was found, 3 when the verdict is inconclusive.
    """
    import asyncio

    from rich.live import Live

    from bot.app import terminal_output
    from bot.app.triage_command import Terminal

    session = Terminal.start(catalogue)
    asked = session.question(playbook, service, alarm, _time(at))

    async def run() -> Report:
        with Live(console=_console(stderr=True), transient=True, refresh_per_second=8) as live:
            async for report in session.reports(asked):
                live.update(terminal_output.progress(report, len(asked.playbook.probes)))
                last = report
        return last

    report = asyncio.run(run())
    if as_json:
        sys.stdout.write(report.model_dump_json(indent=2) + "\n")
    else:
        terminal_output.show(report, _console())
    raise typer.Exit(0 if report.cause else 3)


@app.command()
def playbooks(
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """All playbooks, their hypotheses and actions, by stable ids."""
    from bot.app import registry

    found = registry.described()
    if as_json:
        import json

        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    from bot.app import terminal_output

    terminal_output.list_playbooks(found, _console())


@app.command()
def route(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Entries of DescribeAlarms, JSON or JSON lines; - is standard input."),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Read the alarms of the catalogue's accounts.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    catalogue: CatalogueOption = None,
) -> None:
    """Which incident type and which service each alarm would lead to, and why.

    For example: `aws cloudwatch describe-alarms > alarms.json`, then `incident route alarms.json`.
    """
    from bot.app import route_command

    found = route_command.routed(files or [], live=live, path=catalogue)
    if as_json:
        import json

        sys.stdout.write(json.dumps([each.as_json() for each in found], indent=2) + "\n")
        return
    out = _console()
    out.print(route_command.table(found))
    out.print(route_command.summary(found))


@app.command()
def doctor(catalogue: CatalogueOption = None) -> None:
    """Check Redis, the Slack token and its scopes, and AWS permissions; name what is missing.

    Changes nothing. Exit code 1 when something is missing.
    """
    import asyncio

    from bot.app.doctor_command import examine

    out = _console()
    findings = asyncio.run(examine(catalogue))
    marks = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]?[/]"}
    for finding in findings:
        out.print(f"{marks[finding.holds]} [bold]{finding.subject}[/]  {finding.text}")
    raise typer.Exit(1 if any(finding.holds is False for finding in findings) else 0)


@app.command()
def audit(
    accept: Annotated[
        str | None,
        typer.Option(
            "--accept",
            metavar="REASON",
            help="End a freeze: take the record as it is, and note who did so and why.",
        ),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Check every entry, however many there are.")
    ] = False,
    show_all: Annotated[
        bool, typer.Option("--all", help="Print all entries, not the newest 100.")
    ] = False,
) -> None:
    """Who asked for, approved, undid and was refused what; and whether that record is whole.

    Exit code 1 while changes are frozen: an entry was edited, removed or added, or the store was
    lost or went back to an older state.
    """
    import asyncio

    from bot.app import audit_command

    out = _console()
    if accept is not None:
        fault = asyncio.run(audit_command.accept(accept))
        out.print(f"accepted: {fault}", markup=False, soft_wrap=True)
        out.print(
            "Changes can be approved and sent again. Accept it at each replica that is frozen."
        )
        return
    record = asyncio.run(audit_command.record(every=show_all, full=full))
    audit_command.show(record, out)
    raise typer.Exit(1 if record.frozen else 0)


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def _time(text: str | None) -> datetime | time | None:
    """A moment, or a time of day; UTC where no offset is given."""
    if text is None:
        return None
    for parse in (datetime.fromisoformat, time.fromisoformat):
        try:
            found = parse(text)
        except ValueError:
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    raise ConfigError(f"--at {text!r} is not a time; write for example 2026-11-23T03:12Z or 03:12Z")


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"incident {version('incident-helper')}\n")
        raise typer.Exit


@app.callback()
def options(
    shows_version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """Options of the program itself."""


def main() -> None:
    """Entry point. A fault the user can mend is one message and exit code 2, no traceback."""
    for plugin in entry_points(group="incident.commands"):
        try:
            register = plugin.load()
        except ModuleNotFoundError:
            continue  # the sandbox is not installed beside the program: its commands are absent
        register(app)
    try:
        app()
    except IncidentHelperError as error:
        from rich.markup import escape

        _console(stderr=True).print(f"[bold red]incident:[/] {escape(str(error))}", highlight=False)
        sys.exit(2)


if __name__ == "__main__":
    main()
