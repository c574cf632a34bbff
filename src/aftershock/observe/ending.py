"""Whether a watch has brought everything when the record ends.

A connection that carries nothing any more looks like one on which nothing happens, so the API
is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aftershock.clock import Clock, wait_until
from aftershock.cluster.api import KubeApi
from aftershock.errors import ApiError, DeadlineError, TransientError
from aftershock.observe.kube_types import KubeObject
from aftershock.observe.listing import read_list

__all__ = ["unseen"]

_LAST_WORDS_S = 1.0  # for what is under way to us


def unseen(
    api: KubeApi,
    path: str,
    *,
    reached: Callable[[], str],
    versions: Callable[[], Mapping[str, str]],
    clock: Clock,
) -> str:
    """Say why the watch of `path` may have missed something up to now; "" if it has not.

    `reached` says which version it has come to, `versions` which version it knows of each
    object, by UID; both are asked again while it goes on.
    """
    try:
        there = read_list(
            api,
            path,
            take=lambda item: (item.metadata.uid, item.metadata.resourceVersion),
            kind=KubeObject,
            clock=clock,
        )
        wait_until(
            lambda: int(reached()) >= int(there.version) or versions() == there.objects,
            within_s=_LAST_WORDS_S,
            every_s=0.02,
            what="what the list holds",
            clock=clock,
        )
    except DeadlineError:
        return "when it ended, the list held what the watch had not brought"
    except (ApiError, TransientError) as error:
        return f"when it ended, there was no list to compare with: {error.message}"
    return ""
