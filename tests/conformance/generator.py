"""Writes timelines of made-up incidents. It knows docs/timeline.md, and nothing of the judges.

Times are seconds after NOON, a moment at which this machine's monotonic clock said 1000.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aftershock.timeline import Event

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MONO = 1000.0
URL = "http://127.0.0.1:30080/"
WATCH_S = 0.1


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def text(seconds: float | None) -> str | None:
    return None if seconds is None else at(seconds).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def whole(seconds: float | None) -> str | None:
    """A time as the Kubernetes API writes it: whole seconds, cut off."""
    return None if seconds is None else at(int(seconds // 1)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Story:
    """Collects events; `timeline` has them in order of time."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._clock_set: list[tuple[float, float]] = []

    @property
    def timeline(self) -> list[Event]:
        return [self._as_seen(event) for event in sorted(self._events, key=lambda event: event.at)]

    def clock_set(self, when: float, by: float) -> Story:
        """From `when` on this machine's wall clock is `by` seconds off; its monotonic clock goes on."""
        self._clock_set.append((when, by))
        return self

    def _as_seen(self, event: Event) -> Event:
        off = sum(by for when, by in self._clock_set if event.at >= at(when))
        ours = event.mono is not None
        return replace(event, at=event.at + timedelta(seconds=off)) if off and ours else event

    def add(
        self,
        when: float,
        source: Any,
        kind: str,
        subject: str = "",
        *,
        resolution_s: float = 0.0,
        foreign: bool = False,
        **data: Any,
    ) -> Story:
        self._events.append(
            Event(
                at=at(when),
                mono=None if foreign else MONO + when,
                source=source,
                kind=kind,
                subject=subject,
                data=data,
                resolution_s=resolution_s,
            )
        )
        return self

    def injected(self, when: float, subject: str = "pod/demo/web-1", *, landed: bool = True) -> Story:
        """A fault, and right after it the proof that it landed."""
        self.add(when, "harness", "injected", subject)
        return self.add(when, "harness", "landed", subject) if landed else self

    def end(self, when: float) -> Story:
        return self.add(when, "harness", "judging")

    def object(self, when: float, kind: str, name: str, *, change: str, ns: str, **data: Any) -> Story:
        subject = f"{kind}/{ns}/{name}" if ns else f"{kind}/{name}"
        base = {
            "type": change,
            "uid": data.pop("uid", f"uid-{kind}-{name}"),
            "resource_version": "1",
            "namespace": ns,
            "name": name,
            "labels": {},
            "owner": None,
            "created_at": whole(when),
            "deletion_at": None,
        }
        return self.add(when, "kubernetes", kind, subject, resolution_s=WATCH_S, **(base | data))

    def deployment(
        self, when: float, replicas: int, *, name: str = "web", ns: str = "demo", change: str = "LISTED"
    ) -> Story:
        selector = {"matchLabels": {"app": name}}
        if change == "LISTED":
            owner = {"kind": "Deployment", "name": name, "uid": f"uid-deployment-{name}"}
            self.object(
                when, "replicaset", f"{name}-rs", change=change, ns=ns, owner=owner, replicas=replicas
            )
        return self.object(
            when, "deployment", name, change=change, ns=ns, replicas=replicas, selector=selector
        )

    def pod(
        self,
        when: float,
        name: str,
        *,
        ready: bool | None = True,
        change: str = "MODIFIED",
        workload: str | None = "web",
        ns: str = "demo",
        node: str | None = "worker",
        restarts: int = 0,
        deleting: bool = False,
        finished: float | None = None,
        phase: str = "Running",
        started: float | None = -600,
        ready_since: float | None = -590,
        request_m: int | None = 100,
        **data: Any,
    ) -> Story:
        last = {"reason": "OOMKilled", "exit_code": 137, "started_at": None, "finished_at": whole(finished)}
        container = {
            "name": "main",
            "ready": bool(ready),
            "started": True,
            "restarts": restarts,
            "id": f"{name}-{restarts}",
            "state": "running",
            "reason": None,
            "state_at": None,
            "last": last if finished is not None else None,
            "cpu_request_m": request_m,
            "memory_request": None,
        }
        rs = f"{workload}-rs"
        fields: dict[str, Any] = {
            "owner": {"kind": "ReplicaSet", "name": rs, "uid": f"uid-replicaset-{rs}"} if workload else None,
            "labels": {"app": workload} if workload else {},
            "deletion_at": whole(when + 30) if deleting else None,
            "node": node,
            "phase": phase,
            "ready": ready,
            "ready_since": whole(ready_since),
            "started_at": whole(started),
            "mirror": False,
            "containers": [container],
        }
        return self.object(when, "pod", name, change=change, ns=ns, **(fields | data))

    def node(self, when: float, name: str = "worker", *, ready: bool = True, cordoned: bool = False) -> Story:
        return self.object(
            when,
            "node",
            name,
            change="LISTED" if when < 0 else "MODIFIED",
            ns="",
            ready=ready,
            unschedulable=cordoned,
            conditions={"Ready": str(ready)},
            taints=[],
        )

    def pdb(
        self,
        when: float,
        *,
        min_available: int | str | None = None,
        max_unavailable: int | str | None = None,
        name: str = "web",
        ns: str = "demo",
    ) -> Story:
        return self.object(
            when,
            "pdb",
            name,
            change="LISTED",
            ns=ns,
            min_available=min_available,
            max_unavailable=max_unavailable,
            selector={"matchLabels": {"app": name}},
        )

    def endpoints(self, when: float, pods: Iterable[str], *, service: str = "web", ns: str = "demo") -> Story:
        found = [
            {
                "pod": pod,
                "uid": f"uid-pod-{pod}",
                "node": "worker",
                "ready": True,
                "serving": True,
                "terminating": False,
            }
            for pod in pods
        ]
        return self.object(
            when, "endpointslice", f"{service}-x", change="MODIFIED", ns=ns, service=service, endpoints=found
        )

    def hpa(
        self,
        when: float,
        *,
        minimum: int = 3,
        maximum: int = 10,
        percent: int | None = 50,
        behavior: Mapping[str, Any] | None = None,
        metrics: int = 1,
        change: str = "LISTED",
        **told: Any,
    ) -> Story:
        """`told` is what its status has: desired, last_scale_at, conditions, measured; and targets."""
        return self.object(
            when,
            "hpa",
            "web",
            change=change,
            ns="demo",
            target="deployment/demo/web",
            min=minimum,
            max=maximum,
            cpu_percent=percent,
            metrics=metrics,
            behavior=behavior,
            **told,
        )

    def condition(self, when: float, kind: str, status: str, reason: str, message: str, **more: Any) -> Story:
        """The HPA's status, with one condition."""
        told = {kind: {"status": status, "reason": reason, "message": message}}
        return self.hpa(when, change="MODIFIED", conditions=told, **more)

    def kube_event(self, when: float, subject: str, reason: str, message: str) -> Story:
        return self.add(
            when, "kubernetes", "event", subject, resolution_s=WATCH_S, reason=reason, message=message
        )

    def metrics(
        self, when: float, usage_m: Mapping[str, int | None], *, age: float = 2.0, window_s: float = 10.0
    ) -> Story:
        """One poll that saw new samples; None for a pod that the API has none of any more."""
        for name, value in usage_m.items():
            self.add(
                when,
                "kubernetes",
                "pod-metrics",
                f"pod/demo/{name}",
                resolution_s=1.0,
                namespace="demo",
                name=name,
                timestamp=whole(when - age) if value is not None else None,
                window_s=window_s,
                cpu_m=value,
                memory=1,
                containers={},
            )
        return self

    def gap(self, start: float, end: float | None, resource: str = "pod", ns: str = "demo") -> Story:
        return self.add(
            end if end is not None else start,
            "kubernetes",
            "gap",
            f"{resource}/{ns}",
            resource=resource,
            namespace=ns,
            **{"from": text(start), "until": text(end)},
            from_mono=None,
            until_mono=None,
            reason="410 Gone",
        )

    def watching(self, when: float, subject: str, state: str) -> Story:
        return self.add(when, "kubernetes", "watching", subject, state=state)

    def probes(
        self,
        start: float,
        end: float,
        *,
        down: Iterable[tuple[float, float]] = (),
        rate: float = 20.0,
        url: str = URL,
        ms: float = 2.0,
        announce: bool = True,
    ) -> Story:
        """Probes from `start` to `end`; those due inside `down` (from, to) are refused."""
        if announce:
            self.add(start, "client", "probing", url, state="started", rate=rate, timeout_s=1.0)
        outages = list(down)
        for number in range(int((end - start) * rate) + 1):
            when = start + number / rate
            bad = any(a <= when < b for a, b in outages)
            said: dict[str, Any] = {"error": "refused"} if bad else {"status": 200}
            self.add(when, "client", "probe", url, resolution_s=1 / rate, ms=ms, ok=not bad, **said)
        return self

    def alerts(
        self,
        since: float,
        until: float,
        *firing: tuple[str, float, float] | tuple[str, float, float, Mapping[str, Any]],
        rules: Iterable[str] = ("PodOOMKilled", "PodCrashLooping"),
        interval_s: float = 5.0,
        when: float | None = None,
        resolution_s: float = 0.02,
        down: Iterable[str] = (),
        **group: Any,
    ) -> Story:
        """A look back; `firing` are (alert, first sample, last sample, {labels, state})."""
        alerts = []
        for item in firing:
            name, first, last, *more = item
            extra: dict[str, Any] = dict(more[0]) if more else {}
            labels = {"alertname": name, **extra.get("labels", {})}
            span = {"from": text(first), "until": text(last), "samples": 1, "active_at": None}
            alerts.append(
                {
                    "alert": name,
                    "labels": labels,
                    "state": extra.get("state", "firing"),
                    "interval_s": interval_s,
                    "spans": [span],
                }
            )
        expected = int((until - since) / interval_s)
        health, query = group.pop("health", "ok"), group.pop("query", "q")
        facts: dict[str, Any] = {
            "group": "pods",
            "interval_s": interval_s,
            "last_evaluation": text(until - 1),
            "evaluations": expected,
            "expected": expected,
            "missed": 0,
            "failures": 0,
            "rules": [
                {"alert": rule, "health": health, "error": "", "for_s": 0, "query": query, "labels": {}}
                for rule in rules
            ],
        }
        return self.add(
            until if when is None else when,
            "prometheus",
            "alerts",
            resolution_s=resolution_s,
            since=text(since),
            until=text(until),
            offset_s=0.0,
            alerts=alerts,
            groups=[facts | group],
            down=list(down),
            warnings=[],
        )

    def ready_replicas(
        self,
        when: float,
        *,
        phase: float = 0.0,
        begins: float = -60,
        ends: float | None = None,
        down: Iterable[tuple[float, float]] = (),
        lost: Iterable[tuple[float, float]] = (),
        wanted: Iterable[tuple[float, int]] = (),
        ready: float | None = 3,
        offset_s: float = 0.0,
        error_s: float = 0.0,
        problem: str = "",
    ) -> Story:
        """What Prometheus scraped of `web` every 5 s: three pods, one less in `down`, no scrape in `lost`."""
        outages, holes, sizes = list(down), list(lost), [(begins, 3), *wanted]
        samples = []
        for number in range(int(((ends or when) - begins) // 5) + 1):
            at_s = begins + phase + number * 5
            if at_s > (ends or when) or any(a <= at_s < b for a, b in holes):
                continue
            less = any(a <= at_s < b for a, b in outages)
            size = max((since, count) for since, count in sizes if since <= at_s)[1]
            samples.append(
                {
                    "at": text(at_s + offset_s),
                    "ready": None if ready is None else ready - less,
                    "wanted": size,
                }
            )
        return self.add(
            when,
            "prometheus",
            "ready-replicas",
            "deployment/demo/web",
            resolution_s=error_s,
            since=text(begins),
            offset_s=offset_s,
            samples=samples,
            problem=problem,
        )

    def notification(self, when: float, alert: str, status: str, **labels: str) -> Story:
        found = [{"labels": {"alertname": alert, **labels}, "status": status}]
        return self.add(
            when, "alertmanager", "notification", "{}", foreign=True, receiver="webhook", alerts=found
        )


def healthy_web(replicas: int = 3) -> Story:
    """A deployment `web` in `demo` with all its pods Ready since long ago."""
    story = Story().deployment(-60, replicas)
    for number in range(1, replicas + 1):
        story.pod(-60, f"web-{number}", change="LISTED")
    return story
