"""The loop's body: findings become incidents, and incidents are taken as far as they can be now."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from aftershock_components.autorecovery.findings import Finding
from aftershock_components.autorecovery.incidents import Act, Incident, Incidents, Outcome, Plan
from aftershock_components.autorecovery.kube import ConflictError, KubeError, NotNowError, UnavailableError
from aftershock_components.autorecovery.limits import why_not_yet
from aftershock_components.autorecovery.playbooks import Playbook, Playbooks
from aftershock_components.autorecovery.steps import ACTS, BACKS, PLANS, PREPARES
from aftershock_components.autorecovery.steps.protocol import Changed, Done, Later, Nothing, Setting, mark_of
from aftershock_components.durations import seconds

__all__ = ["AGAIN", "ALERT_LASTS", "Engine", "Teller"]

AGAIN = timedelta(seconds=2)
ALERT_LASTS = timedelta(hours=3)
"""An alert of which nothing more was heard for so long is over: every route repeats within two hours."""


class Teller(Protocol):
    """Who says what was done: as an Event, a line of the log, a metric."""

    async def tell(self, incident: Incident, outcome: str, says: str, *, about: str) -> None:
        """Say it. What cannot be said is no reason to stop."""


class Engine:
    """Acts for whoever leads. While `dry_run` it plans, says so, and only takes back what it did."""

    def __init__(
        self,
        books: Playbooks,
        incidents: Incidents,
        setting: Setting,
        teller: Teller,
        *,
        now: Callable[[], datetime],
        dry_run: bool = False,
    ) -> None:
        self.books = books
        self.incidents = incidents
        self.setting = setting
        self.teller = teller
        self.now = now
        self.dry_run = dry_run
        self._order = {book.name: number for number, book in enumerate(books.playbooks)}
        self._excluded: set[str] = set()
        self._seen: set[str] = set()
        self._lock = asyncio.Lock()  # a webhook may come in the middle of a look

    async def look(self, findings: Iterable[Finding], *, leads: Callable[[], bool]) -> None:
        """Take up `findings`, which are all there is at this moment, and go on with every incident.

        Raises:
            KubeError: the API does not answer, or another replica has taken over; nothing is lost by it.

        """
        async with self._lock:
            if not self.incidents.loaded:
                await self.incidents.load()
            self._seen = await self._take_up(findings)
            for incident in self._in_order():
                if not leads():
                    return
                await self._advance(incident, leads)
            self.incidents.prune(self._seen, self.now())
            await self.incidents.save()

    async def hear(self, firing: Sequence[Finding], resolved: Sequence[Finding]) -> None:
        """Write down what Alertmanager tells; it is acted upon with the next look.

        Raises:
            KubeError: it was not written down.

        """
        async with self._lock:
            if not self.incidents.loaded:
                await self.incidents.load()
            for finding in firing:
                incident = await self._incident(finding)
                if incident:
                    incident.firing, incident.seen_at = True, self.now()
            for finding in resolved:
                incident = self.incidents.get(finding.key)
                if incident and incident.firing:
                    incident.firing, incident.seen_at = False, self.now()
            await self.incidents.save()

    async def _take_up(self, findings: Iterable[Finding]) -> set[str]:
        now, seen = self.now(), set()
        for finding in findings:
            seen.add(finding.key)
            incident = await self._incident(finding)
            if incident:
                incident.seen_at = now
        for incident in self.incidents.state.incidents:
            if incident.firing:
                incident.firing = now - incident.seen_at < ALERT_LASTS
                seen.add(incident.key)
        self._excluded &= seen
        return seen

    async def _incident(self, finding: Finding) -> Incident | None:
        """Return the incident of a finding, a new one if it is new; None if it is nobody's or excluded."""
        known = self.incidents.get(finding.key)
        if known and not (known.phase == "closed" and _comes_again(known, finding)):
            return known
        book = self._book(finding)
        if book is None:
            return None
        now = self.now()
        fresh = Incident(finding=finding, playbook=book.name, created_at=now, seen_at=now)
        if finding.excluded:
            if finding.key not in self._excluded:
                self._excluded.add(finding.key)
                await self.teller.tell(fresh, "excluded", finding.excluded, about=finding.subject)
            return None
        if known:
            self.incidents.state.incidents.remove(known)
        self.incidents.state.incidents.append(fresh)
        return fresh

    def _book(self, finding: Finding) -> Playbook | None:
        """Return the first playbook for a finding."""
        for book in self.books.playbooks:
            within = book.condition.again_within
            if book.trigger.name != finding.trigger:
                continue
            if not within:
                return book
            since = self.now() - timedelta(seconds=seconds(within))
            acts = self.incidents.acts(since=since, object=finding.object)
            if any(act.trigger == finding.trigger for act in acts):
                return book
        return None

    def _in_order(self) -> list[Incident]:
        """Return the incidents: what was begun first, then as the playbooks stand, then the oldest."""

        def rank(incident: Incident) -> tuple[bool, int, datetime]:
            return incident.phase != "acting", self._order.get(incident.playbook, 0), incident.created_at

        return sorted(
            (found for found in self.incidents.state.incidents if found.phase != "closed"), key=rank
        )

    async def _advance(self, incident: Incident, leads: Callable[[], bool]) -> None:
        book = self.books.named(incident.playbook)
        if book is None:
            _close(incident, "over", f"there is no playbook {incident.playbook} any more")
            return
        match incident.phase:
            case "waiting":
                await self._begin(incident, book, leads)
            case "acting":
                await self._go_on(incident, book, leads)
            case "acted":
                await self._watch_over(incident, book)
            case "returning":
                await self._return(incident)
            case "closed":
                pass

    def _is_there(self, incident: Incident) -> bool:
        """Whether the trouble was there at this look, or is still told of."""
        return incident.firing or incident.key in self._seen

    async def _begin(self, incident: Incident, book: Playbook, leads: Callable[[], bool]) -> None:
        now = self.now()
        if incident.step == 0 and incident.plan is None and not self._is_there(incident):
            _close(incident, "over", "the trouble was over before anything was done")
            return
        if incident.again_at and now < incident.again_at:
            return
        if incident.step == 0:
            answered = self._answered(incident)
            if answered:
                _close(incident, "answered", answered)
                return
            others = [one for one in self._in_order() if one.finding.object == incident.finding.object]
            incident.why = why_not_yet(incident, book, self.incidents, others=others, now=now)
            if incident.why:
                return
        incident.tried_at = incident.tried_at or now
        await self._go_on(incident, book, leads)

    def _answered(self, incident: Incident) -> str:
        """Return which action has answered this trouble already, "" if none has."""
        finding = incident.finding
        for act in self.incidents.acts(since=finding.at, object=finding.object):
            if act.about in {finding.subject, finding.object} and act.key != incident.key:
                return f"answered by {act.playbook}, which acted on {act.about} since"
        return ""

    async def _go_on(self, incident: Incident, book: Playbook, leads: Callable[[], bool]) -> None:
        """Take step after step, until one has to wait."""
        while incident.step < len(book.steps):
            if not leads():
                return
            if self.dry_run and incident.plan:
                await self._give_up(incident, book, "it is a dry run by now")
                return
            waits = await self._guarded(incident, lambda: self._step(incident, book))
            if waits or not incident.is_open:
                return
        done = any(plan.do not in PREPARES for plan in incident.done)
        incident.outcome = incident.outcome or ("acted" if done else "nothing")
        if not done and incident.outcome == "nothing":
            await self._tell(incident, "nothing", incident.why)
        incident.phase = "acted" if done and book.back_after else "closed"
        await self.incidents.save()

    async def _step(self, incident: Incident, book: Playbook) -> bool:
        """Plan the step, or carry out what is planned. Whether it has to wait."""
        if incident.plan is None:
            planned = await PLANS[type(book.steps[incident.step])](
                book.steps[incident.step], incident.finding, self.setting
            )
            if not isinstance(planned, Plan):
                return await self._not_done(incident, book, planned)
            if self.dry_run or book.dry_run:
                incident.outcome, incident.step = "dry-run", incident.step + 1
                await self._tell(incident, "dry-run", planned.what, about=planned.about)
                return False
            await self._intend(incident, planned)
        assert incident.plan is not None
        plan = incident.plan
        came = await ACTS[plan.do](plan, mark_of(incident.key, incident.step), self.setting)
        if not isinstance(came, Done):
            return await self._not_done(incident, book, came)
        incident.done.append(plan)
        incident.plan, incident.phase, incident.step = None, "waiting", incident.step + 1
        await self.incidents.save()
        outcome = "prepared" if plan.do in PREPARES else "acted"
        await self._tell(incident, outcome, came.says, about=plan.about)
        return False

    async def _intend(self, incident: Incident, plan: Plan) -> None:
        """Write down what is about to be done: who reads it does just that, and no more."""
        finding = incident.finding
        incident.plan, incident.phase = plan, "acting"
        act = Act(
            key=incident.key,
            playbook=incident.playbook,
            object=finding.object,
            trigger=finding.trigger,
            about=plan.about,
            at=self.now(),
        )
        self.incidents.state.acts += [] if plan.do in PREPARES else [act]
        await self.incidents.save()

    async def _not_done(self, incident: Incident, book: Playbook, came: Later | Changed | Nothing) -> bool:
        """Go to the next step, plan anew, or wait; give up when that takes too long."""
        incident.why = came.why
        now = self.now()
        if incident.plan and not isinstance(came, Later):
            self.incidents.unmake(incident)
        if isinstance(came, Nothing):
            incident.plan, incident.phase, incident.step = None, "waiting", incident.step + 1
            if came.excluded:
                _close(incident, "excluded", came.why)
                await self._tell(incident, "excluded", came.why)
            return False
        if isinstance(came, Changed):
            incident.plan, incident.phase = None, "waiting"
        if now - (incident.tried_at or now) >= timedelta(seconds=seconds(book.limits.give_up)):
            await self._give_up(incident, book, came.why)
        incident.again_at = now + AGAIN
        return True

    async def _give_up(self, incident: Incident, book: Playbook, why: str) -> None:
        """Try no more. What was begun may have left something to take back: a cordon."""
        incident.done += [incident.plan] if incident.plan else []
        incident.plan, incident.outcome, incident.why = None, "gave-up", why
        incident.phase = "acted" if incident.done and book.back_after else "closed"
        await self._tell(incident, "gave-up", why)

    async def _watch_over(self, incident: Incident, book: Playbook) -> None:
        """Wait until the trouble has been over for as long as the playbook says."""
        if not book.back_after:  # it was taken out of the playbook meanwhile
            incident.phase = "closed"
            return
        calm_s = (self.now() - incident.seen_at).total_seconds()
        if not self._is_there(incident) and calm_s >= seconds(book.back_after):
            incident.phase = "returning"
            await self.incidents.save()
            await self._return(incident)

    async def _return(self, incident: Incident) -> None:
        """Take back what was done, the last first."""
        while incident.done:
            plan = incident.done[-1]
            if plan.do in BACKS:
                came: Done | Later | None = None

                async def back(plan: Plan = plan) -> bool:
                    nonlocal came
                    came = await BACKS[plan.do](plan, self.setting)
                    return False

                if await self._guarded(incident, back) or not isinstance(came, Done):
                    return
                await self._tell(incident, "returned", came.says, about=plan.about)
            incident.done.pop()
        incident.phase = "closed"

    async def _guarded(self, incident: Incident, act: Callable[[], Awaitable[bool]]) -> bool:
        """Do `act`; what the API refuses for good ends the incident, what it cannot do now is tried again."""
        try:
            return await act()
        except (UnavailableError, ConflictError, NotNowError):
            raise  # nothing is known: it is read anew, and done once more
        except KubeError as error:
            _close(incident, "failed", str(error))
            await self._tell(incident, "failed", str(error))
            return True

    async def _tell(self, incident: Incident, outcome: str, says: str, *, about: str = "") -> None:
        await self.teller.tell(incident, outcome, says, about=about or incident.finding.subject)


def _comes_again(known: Incident, finding: Finding) -> bool:
    """Whether trouble that was over is there anew, under the same key.

    It went away before anything was done; or another action had answered it, and it has happened since;
    or it has no identity of its own, as a busy node, and was away meanwhile.
    """
    if known.outcome == "over":
        return True
    if known.outcome == "answered":
        return finding.at > known.finding.at
    return finding.trigger == "control-plane-cpu" and finding.at - known.seen_at >= AGAIN


def _close(incident: Incident, outcome: Outcome, why: str) -> None:
    incident.phase, incident.outcome, incident.why, incident.plan = "closed", outcome, why, None
