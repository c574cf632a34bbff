"""Secrets are planted wherever a run meets them and told in every way; all that was written is searched."""

from __future__ import annotations

import base64
import html
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote_plus

import pytest

ROOT = Path(__file__).parents[3]
PEM_LINE = "MIIEowIBAAKCAQEAuT7wS1zV0pKc7jZr3mYdQ9xVf2LhTgB8sNqWeXa5Ru6PbJo4"
KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{PEM_LINE}\n-----END RSA PRIVATE KEY-----\n"
SECRETS = {
    "a step's, from the environment": 's7Kq+w/oZd="q" & <b>\\ü!',
    "a step's, from a file": "f1Lq9-7710x-Wz2Ky",
    "a variable's": "vR3x0Tq8Zp0uM5k9",
    "a URL's": "uI8w-pQ55-zXr7d",
    "a kubeconfig's token": "kC7t-4242-aZbYcXdW9",
    "a kubeconfig's key": PEM_LINE,
}

STEPS = '''
import base64, html, json, logging, os, subprocess, sys, threading, urllib.parse, warnings
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import allure
import pytest
from pytest_bdd import given, then, when

from aftershock.cluster.connect import kubeconfig_api
from aftershock.collect.types import phrase
from aftershock.verdict import met, violated

KUBECONFIG = Path(os.environ["KUBECONFIG"])


class Echo(BaseHTTPRequestHandler):
    """An API server that repeats in its refusal what it was sent."""

    def do_GET(self):
        self.send_response(403)
        self.end_headers()
        self.wfile.write(json.dumps({"message": f"forbidden: {self.headers}"}).encode())

    def log_message(self, *args):
        pass


def forms(text):
    raw = text.encode()
    yield from (text, repr(text), json.dumps(text), html.escape(text), urllib.parse.quote(text, safe=""))
    yield from (base64.b64encode(raw).decode(), base64.b64encode(b"user:" + raw).decode(), raw.hex())
    yield base64.urlsafe_b64encode(b"u:" + raw + b"!").decode()


def tell(everything, timeline, verdicts, folder, record_property):
    """Tell all of it in all forms, by every way there is out of a scenario."""
    all_forms = [form for text in everything for form in forms(text)]
    said = " | ".join(all_forms)
    print(said)
    print(said, file=sys.stderr)
    logging.getLogger("shop").warning(said)
    warnings.warn(said)
    if "-s" not in sys.argv:  # then what another process writes to the terminal does not pass through us
        subprocess.run(["printf", "%s", said], check=True)
    timeline.record("harness", "told", everything[0], said=said, parts=all_forms, token="short")
    timeline.record("kubernetes", "modified", "pod/demo/web", env={form: form for form in all_forms})
    timeline.record("client", "asked", said)
    verdicts.enforce(met(said[:200], expected=said, observed=said, evidence=tuple(all_forms), query=said))
    (folder / "of-another-program.log").write_text(said)
    (folder / "of-another-program.html").write_text(f"<p>{html.escape(said)}</p>")
    (folder / "of-another-program.json").write_text(json.dumps({"said": said, "parts": all_forms}))
    (folder / "of-another-program.tsv").write_bytes(said.encode())
    (folder / "picture.png").write_bytes(b"\\x89PNG\\xff" + said.encode())
    allure.attach(said, name=f"attached {everything[0]}")
    allure.dynamic.link(f"http://x/?{urllib.parse.quote(said)}", name=everything[0])
    allure.dynamic.parameter("told", everything[0])
    record_property("told", said)


@pytest.fixture
def told(timeline, verdicts, scenario_folder, record_property):
    def do(*everything):
        tell(everything, timeline, verdicts, scenario_folder, record_property)
    return do


@pytest.fixture
def leaving():
    yield
    raise RuntimeError(f"the teardown knew {os.environ['SHOP_API_TOKEN']}")


@when(phrase("the shop is asked with {token:Secret}"))
def _(told, token):
    print(token, f"{token!r}", [token])
    told(token.reveal())


@when(phrase("the shop refuses {token:Secret}"))
def _(told, token):
    raise ValueError(f"refused: {token.reveal()!r} of {token}")


@then(phrase("the answer to {token:Secret} is right"))
def _(verdicts, token):
    assert token.reveal() == "something else"


@then(phrase("the verdict on {token:Secret} is clear"))
def _(verdicts, token):
    verdicts.enforce(violated("clear", expected="x", observed=token.reveal(), evidence=(token.reveal(),)))


@when("the variable is told")
def _(told, leaving):
    told(os.environ["SHOP_API_TOKEN"])


@when("the service is asked")
def _(told, settings):
    url = settings.services["shop/web"]
    told(url, urllib.parse.urlsplit(url).password)
    raise ConnectionError(f"{url} does not answer")


@when("the API server is asked")
def _(told):
    server = HTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    text = KUBECONFIG.read_text()
    KUBECONFIG.write_text(text.replace("SERVER", f"http://127.0.0.1:{server.server_port}"))
    api = kubeconfig_api(KUBECONFIG, "demo")
    KUBECONFIG.write_text(text)
    try:
        api.get("/api/v1/pods")
    except Exception as error:
        told(str(error), KUBECONFIG.read_text(), Path(api.client.configuration.key_file).read_text())
        raise
    finally:
        server.shutdown()


@then("the user presses Ctrl-C")
def _(told):
    told(os.environ["SHOP_API_TOKEN"])
    raise KeyboardInterrupt
'''

FEATURE = """Feature: Secrets
  Scenario: Told
    When the shop is asked with env:PLAIN_NAME
    And the shop is asked with file:token
    Then the answer to env:PLAIN_NAME is right

  Scenario: Refused
    When the shop refuses env:PLAIN_NAME

  Scenario: Judged
    Then the verdict on file:token is clear

  Scenario Outline: Of an example
    When the shop is asked with <where>

    Examples:
      | where          |
      | env:PLAIN_NAME |
      | file:token     |

  Scenario: A variable
    When the variable is told

  Scenario: A URL
    When the service is asked

  Scenario: A kubeconfig
    When the API server is asked

  Scenario: Stopped
    Then the user presses Ctrl-C
"""

PYPROJECT = """
[tool.pytest.ini_options]
addopts = ["-p", "no:locust", "-p", "no:aftershock_preflight"]
aftershock_steps = []

[tool.aftershock]
services = { "shop/web" = "http://shop:USERINFO@127.0.0.1:9/" }
"""

KUBECONFIG = f"""
apiVersion: v1
kind: Config
current-context: demo
clusters: [{{name: demo, cluster: {{server: SERVER}}}}]
contexts: [{{name: demo, context: {{cluster: demo, user: me}}}}]
users:
- name: me
  user:
    token: {SECRETS["a kubeconfig's token"]}
    client-certificate-data: {base64.b64encode(b"-----BEGIN CERTIFICATE-----").decode()}
    client-key-data: {base64.b64encode(KEY.encode()).decode()}
"""


class Planted:
    """A project in whose inputs, and nowhere else, the secrets stand; and what a run of it wrote."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        self.inputs = folder / "inputs"
        (self.project / "features").mkdir(parents=True)
        self.inputs.mkdir()
        (self.project / "conftest.py").write_text(STEPS)
        (self.project / "features" / "secrets.feature").write_text(FEATURE)
        (self.project / "node_modules").symlink_to(ROOT / "node_modules")
        (self.project / "pyproject.toml").write_text(PYPROJECT.replace("USERINFO", SECRETS["a URL's"]))
        (self.project / "token").write_text(SECRETS["a step's, from a file"] + "\n")
        (self.inputs / "kubeconfig").write_text(KUBECONFIG)

    def run(self, *options: str) -> bytes:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.inputs),
            "KUBECONFIG": str(self.inputs / "kubeconfig"),
            "PLAIN_NAME": SECRETS["a step's, from the environment"],
            "SHOP_API_TOKEN": SECRETS["a variable's"],
        }
        words = ["features", "--run-id", "r1", "--junitxml", "junit.xml", *options]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *words],
            cwd=self.project, env=environment, capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 2, done.stdout.decode()[-5000:]
        return done.stdout + done.stderr

    def written(self) -> Iterator[Path]:
        inputs = {"pyproject.toml", "token", "conftest.py"}
        for folder, names, files in os.walk(self.project):
            names[:] = [name for name in names if name not in {"node_modules", "__pycache__"}]
            yield from (Path(folder) / file for file in files if file not in inputs)


def readings(content: bytes) -> Iterator[str]:
    """Yield `content` as somebody may read it who looks for a secret: as it is, and decoded."""
    text = content.decode("utf-8", "replace")
    yield text
    yield unquote_plus(text)
    yield html.unescape(text)
    plain = re.sub(r'\\(["\\/])', r"\1", text)
    yield re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), plain)
    yield re.sub(r'\\(["\\/])', r"\1", plain)
    for run in set(re.findall(r"[A-Za-z0-9+/_-]{8,}", text)):
        for offset in range(4):
            part = run[offset:].replace("-", "+").replace("_", "/")
            yield base64.b64decode(part[: len(part) // 4 * 4]).decode("utf-8", "replace")
        if re.fullmatch(r"(?:[0-9a-f]{2})+", run):
            yield bytes.fromhex(run).decode("utf-8", "replace")


def told_by(content: bytes) -> list[str]:
    """Return which of the secrets can be read from `content`; eight of its characters in a row are enough."""
    found = set()
    for reading in readings(content):
        for name, secret in SECRETS.items():
            pieces = {secret[start : start + 8] for start in range(0, len(secret) - 7, 4)}
            if any(piece in reading for piece in pieces):
                found.add(name)
    return sorted(found)


@pytest.mark.parametrize("secret", SECRETS.values())
def test_the_search_finds_what_is_there(secret: str) -> None:
    raw = secret.encode()
    for form in (
        secret, json.dumps(secret), json.dumps(json.dumps(secret)), html.escape(secret), raw.hex(),
        base64.b64encode(raw).decode(), base64.urlsafe_b64encode(b"me:" + raw + b"!").decode(),
        base64.b64encode(b"x" + raw).decode(),
    ):  # fmt: skip
        assert told_by(f"a {form} b".encode())


@pytest.fixture(scope="module", params=["captured", "-s"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Planted, bytes]:
    planted = Planted(tmp_path_factory.mktemp("planted"))
    return planted, planted.run(*(["-s"] if request.param == "-s" else ["--alluredir", "allure", "-v"]))


def test_everything_was_run_and_written(run: tuple[Planted, bytes]) -> None:
    planted, said = run
    assert b"<redacted>" in said
    names = {path.name for path in planted.written()}
    assert names >= {"timeline.jsonl", "verdicts.json", "junit.xml", "report.html", "of-another-program.log"}
    results = [path for path in planted.written() if path.name.endswith("-result.json")]
    assert len(results) == 9
    for path in planted.written():  # what was redacted is still what it was
        if path.suffix == ".json":
            json.loads(path.read_text())
        if path.suffix == ".jsonl":
            assert all(json.loads(line) for line in path.read_text().splitlines())


def test_no_secret_is_in_any_byte_of_it(run: tuple[Planted, bytes]) -> None:
    planted, said = run
    telling = {
        str(path.relative_to(planted.project)): told_by(path.read_bytes()) for path in planted.written()
    }
    assert {name: found for name, found in telling.items() if found} == {}
    assert told_by(said) == []


def test_the_place_of_a_secret_is_shown(run: tuple[Planted, bytes]) -> None:
    planted, said = run
    assert b"env:PLAIN_NAME" in said
    assert "the shop refuses env:PLAIN_NAME" in (planted.project / "junit.xml").read_text()
