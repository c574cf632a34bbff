"""What the commands print: the playbooks, what would be done now, the summary."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from aftershock_components.autorecovery.findings import Finding, of_alert
from aftershock_components.autorecovery.incidents import Plan
from aftershock_components.autorecovery.kube import Kube
from aftershock_components.autorecovery.making import NODES, PODS, setting_of
from aftershock_components.autorecovery.objects import text_of
from aftershock_components.autorecovery.playbooks import Playbook, Playbooks
from aftershock_components.autorecovery.seeing import Seeing
from aftershock_components.autorecovery.steps import PLANS
from aftershock_components.autorecovery.steps.protocol import Later, Setting
from aftershock_components.autorecovery.summary import summarize
from aftershock_components.autorecovery.watching import Watching

__all__ = ["print_summary", "print_what_would_be_done", "table", "what_would_be_done"]

HEAD = ("playbook", "trigger", "condition", "steps", "limits", "back", "covers")


def table(books: Playbooks) -> str:
    """Return the playbooks as a table in plain text."""
    rows = [HEAD, *(_row(book) for book in books.playbooks)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def _row(book: Playbook) -> tuple[str, ...]:
    trigger, condition, limits = book.trigger, book.condition, book.limits
    above = f" {trigger.above:g}" if trigger.above is not None else ""
    again = f"again within {condition.again_within}" if condition.again_within else ""
    lasts = f"for {condition.lasts}" if condition.lasts != "0s" else ""
    return (
        f"{book.name} (dry run)" if book.dry_run else book.name,
        f"{'alert ' if trigger.alert else ''}{trigger.name}{above}",
        ", ".join(filter(None, (lasts, again))) or "-",
        ", ".join(str(type(step).__struct_config__.tag) for step in book.steps),
        f"{limits.pause} to {limits.longest_pause} apart, {limits.actions} in {limits.within}",
        book.back_after or "-",
        ", ".join(book.covers) or "-",
    )


async def what_would_be_done(
    books: Playbooks, findings: list[Finding], setting: Setting, *, only: str = ""
) -> list[str]:
    """Return a line for each finding and step: what it comes to now, without doing it."""
    lines = []
    for finding in findings:
        book = next((one for one in books.playbooks if _takes(one, finding, only)), None)
        if book is None:
            continue
        if finding.excluded:
            lines.append(f"{book.name}: {finding.subject}: left alone: {finding.excluded}")
            continue
        for step in book.steps:
            came = await PLANS[type(step)](step, finding, setting)
            words = came.what if isinstance(came, Plan) else f"nothing: {came.why}"
            words = f"later: {came.why}" if isinstance(came, Later) else words
            lines.append(f"{book.name}: {finding.subject}: {words}")
    return lines or ["nothing would be done: there is no trouble that a playbook takes up"]


def _takes(book: Playbook, finding: Finding, only: str) -> bool:
    """Whether a playbook takes a finding up; what depends on earlier incidents is left out unless named."""
    named = book.name == only if only else not book.condition.again_within
    return named and book.trigger.name == finding.trigger


async def print_what_would_be_done(kube: Kube, books: Playbooks, only: str, alert: list[str]) -> None:
    """Look once, and print it.

    Raises:
        SystemExit: the alert's labels cannot be read.
        KubeError: the API does not answer.

    """
    pods, nodes = Watching(kube, PODS), Watching(kube, NODES)
    await asyncio.gather(pods.look(), nodes.look())
    findings = await Seeing(kube, books, pods, nodes, now=lambda: datetime.now(UTC)).findings()
    if alert:
        findings.append(_alert(books, only, alert))
    setting = setting_of(kube, books, pods, nodes, namespace="")
    print("\n".join(await what_would_be_done(books, findings, setting, only=only)))  # noqa: T201 - asked for


def _alert(books: Playbooks, only: str, words: list[str]) -> Finding:
    pairs = [word.split("=", 1) for word in words]
    labels = {pair[0]: pair[-1] for pair in pairs}
    book = books.named(only)
    labels.setdefault("alertname", book.trigger.alert if book else "")
    if any(len(pair) == 1 for pair in pairs) or not labels["alertname"]:
        raise SystemExit("run: --alert expects LABEL=VALUE ..., and the playbook or alertname=NAME")
    now = text_of(datetime.now(UTC))
    return of_alert({"labels": labels, "startsAt": now}, rules=books.exclusions)


async def print_summary(kube: Kube) -> None:
    """Count the pods, and print it.

    Raises:
        KubeError: the API does not answer.

    """
    print(summarize(await kube.items(PODS)))  # noqa: T201 - what was asked for
