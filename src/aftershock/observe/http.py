"""Sessions to the monitoring's endpoints: TLS, credentials, and what their failures mean."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import requests

from aftershock.cluster.connection import Endpoint
from aftershock.errors import QueryError, TransientError

__all__ = ["TIMEOUT_S", "get_json", "is_ready", "refuse", "send", "session_for"]

TIMEOUT_S = 10.0
"""For connecting, and again for each wait on the answer."""

_SHOWN = 500  # characters of an answer that is no JSON


def session_for(endpoint: Endpoint) -> requests.Session:
    """Return a session with the endpoint's TLS and headers. Proxies of the environment are not used."""
    session = requests.Session()
    session.trust_env = False
    session.verify = endpoint.verify
    session.cert = endpoint.cert
    session.headers.update(endpoint.headers)
    return session


def send(
    session: requests.Session, url: str, *, params: dict[str, str] | None = None, timeout_s: float = TIMEOUT_S
) -> requests.Response:
    """GET `url`.

    Raises:
        TransientError: it does not answer, or says 429 or 5xx.
        QueryError: it says no; with its own message.

    """
    try:
        response = session.get(url, params=params, timeout=timeout_s)
    except requests.RequestException as error:
        raise TransientError(f"{url} does not answer", found=repr(error)) from error
    refuse(response)
    return response


def is_ready(session: requests.Session, url: str) -> bool:
    """Whether what is at `url` says that it is ready; False also where nothing answers."""
    try:
        send(session, f"{url}/-/ready")
    except (TransientError, QueryError):
        return False
    return True


def get_json(session: requests.Session, url: str, *, params: dict[str, str] | None = None) -> Any:
    """GET `url` and return its JSON.

    Raises:
        TransientError: it does not answer.
        QueryError: it says no, or the answer is no JSON.

    """
    response = send(session, url, params=params)
    try:
        return response.json()
    except requests.JSONDecodeError as error:
        raise QueryError(
            f"{url} does not answer with JSON", status=response.status_code, found=response.text[:_SHOWN]
        ) from error


def refuse(response: requests.Response) -> None:
    """Raise the error of an answer that says no.

    Raises:
        TransientError: 429 or 5xx.
        QueryError: any other status from 400 on.

    """
    status = response.status_code
    if status < HTTPStatus.BAD_REQUEST:
        return
    try:
        body = response.json()
        said = str(body.get("error", body))
    except (requests.JSONDecodeError, AttributeError):
        said = response.text[:_SHOWN]
    headline = f"GET {response.url.partition('?')[0]}: {status} {response.reason}"
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise TransientError(headline, found=said)
    raise QueryError(headline, status=status, found=said)
