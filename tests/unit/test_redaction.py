"""What is known to be secret is found in every form; what only looks like it, in plain text."""

from __future__ import annotations

import base64
import html
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from aftershock import redaction
from aftershock.redaction import (
    Known,
    clean,
    hide,
    know_environment,
    know_header,
    know_urls,
    named_like_a_secret,
    redact,
    redact_data,
)

NASTY = 'p+w/1="q" & <t>\\ü'


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> Known:
    fresh = Known()
    monkeypatch.setattr(redaction, "_KNOWN", fresh)
    return fresh


@pytest.mark.parametrize(
    "form",
    [
        NASTY,
        quote(NASTY),
        quote(NASTY, safe=""),
        quote_plus(NASTY),
        json.dumps(NASTY),
        json.dumps(NASTY, ensure_ascii=False),
        json.dumps(json.dumps(NASTY)),
        repr(NASTY),
        html.escape(NASTY),
        NASTY.encode().hex(),
        base64.b64encode(NASTY.encode()).decode(),
        base64.urlsafe_b64encode(NASTY.encode()).decode(),
    ],
)
def test_a_known_secret_is_hidden_in_every_form(known: Known, form: str) -> None:
    known.add(NASTY)
    assert hide(f"before {form} after") in {
        "before <redacted> after",
        'before "<redacted>" after',
        "before '<redacted>' after",
        'before "\\"<redacted>\\"" after',
    }


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("after", range(4))
@pytest.mark.parametrize("secret", ["hunter", "hunter2hunter2"])
def test_also_inside_of_longer_base64(known: Known, before: int, after: int, secret: str) -> None:
    known.add(secret)
    whole = base64.b64encode(b"x" * before + secret.encode() + b"y" * after).decode()
    left = hide(whole).partition("<redacted>")
    assert left[1]
    for rest in (left[0], left[2]):
        for offset in range(4):
            cut = rest[offset:].rstrip("=")
            assert secret[:4].encode() not in base64.b64decode(cut[: len(cut) // 4 * 4])


def test_of_several_lines_each_is_hidden_by_itself(known: Known) -> None:
    known.add("first line of it\nshort\nthe last line of it\n")
    assert hide("the last line of it, short, first line of it") == "<redacted>, short, <redacted>"


def test_the_longer_of_two_is_hidden_first(known: Known) -> None:
    known.add("password1")
    known.add("password1-and-more")
    assert hide("password1-and-more") == "<redacted>"


def test_what_is_too_short_is_left(known: Known) -> None:
    known.add("abc")
    assert hide("abc") == "abc"


@pytest.mark.parametrize(
    "name",
    ["SHOP_TOKEN", "GITHUB_TOKEN", "DB_PASSWORD", "aws_secret_access_key", "API_KEY", "APIKEY", "SECRET"],
)
def test_names_of_credentials(name: str) -> None:
    assert named_like_a_secret(name)


@pytest.mark.parametrize("name", ["TOKEN_URL", "SECRET_NAME", "MONKEY", "KEYBOARD", "PATH", "PASSWORD_FILE"])
def test_names_of_other_things(name: str) -> None:
    assert not named_like_a_secret(name)


def test_the_environment() -> None:
    know_environment(
        {
            "SHOP_TOKEN": "0123456789",
            "DB_PASSWORD": "enabled",
            "HOME": "/home/user",
            "URL": "http://a:b4dpass@x/",
        }
    )
    assert hide("0123456789 enabled /home/user b4dpass") == "<redacted> enabled /home/user <redacted>"


def test_userinfo_of_urls_as_written_and_as_meant() -> None:
    know_urls(
        {"services": {"shop/web": "https://shop:p%40ssword@127.0.0.1"}, "other": ["http://x", 3, "a@b"]}
    )
    assert hide("p%40ssword p@ssword shop a@b") == "<redacted> <redacted> shop a@b"


def test_headers() -> None:
    know_header("Bearer abcdefgh")
    know_header("Basic " + base64.b64encode(b"user:pass-of-user").decode())
    know_header("")
    assert hide("abcdefgh pass-of-user user Bearer") == "<redacted> <redacted> user Bearer"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET http://me:hunter2@127.0.0.1:9090/api", "GET http://<redacted>@127.0.0.1:9090/api"),
        ("sent Bearer abcdef0123", "sent Bearer <redacted>"),
        ("the bearer of bad news", "the bearer of bad news"),
        ("basic authentication is off", "basic authentication is off"),
        ("mail a@example.com, see http://example.com/@me", "mail a@example.com, see http://example.com/@me"),
        (
            "key: " + base64.b64encode(b"-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n").decode(),
            "key: <redacted>",
        ),
    ],
)
def test_what_looks_like_a_credential(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_data_keeps_its_shape() -> None:
    data = {
        "token": "abc",
        "n": 3,
        "list": [None, True, "x http://a:bcd@y/"],
        "Authorization": "z",
        "tokens": 7,
    }
    assert redact_data(data) == {
        "token": "<redacted>",
        "n": 3,
        "list": [None, True, "x http://<redacted>@y/"],
        "Authorization": "<redacted>",
        "tokens": 7,
    }


class TestFiles:
    def test_what_is_known_is_taken_out_of_every_file(self, known: Known, tmp_path: Path) -> None:
        known.add("hunter2hunter2")
        (tmp_path / "a").mkdir()
        picture = b"\x89PNG\xff" + base64.b64encode(b"hunter2hunter2") + b"\xfe"
        (tmp_path / "a" / "b.png").write_bytes(picture)
        (tmp_path / "c.json").write_text('{"x": "hunter2hunter2", "password": "not-known-1"}')
        (tmp_path / "quiet.txt").write_text("nothing")
        assert clean(tmp_path) == [tmp_path / "a" / "b.png", tmp_path / "c.json"]
        assert (tmp_path / "a" / "b.png").read_bytes() == b"\x89PNG\xff<redacted>\xfe"
        assert (tmp_path / "c.json").read_text() == '{"x": "<redacted>", "password": "not-known-1"}'
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c.json", "quiet.txt"]

    def test_logs_are_plain_text(self, tmp_path: Path) -> None:
        log = tmp_path / "x.log"
        log.write_bytes(b"\xff password=hunter2hunter2 \xfe\n")
        assert clean(log, tmp_path / "not-there.log") == [log]
        assert log.read_bytes() == b"\xff password=<redacted> \xfe\n"

    def test_a_journal_is_never_changed(self, known: Known, tmp_path: Path) -> None:
        known.add("hunter2hunter2")
        (tmp_path / "journal.jsonl").write_text("hunter2hunter2")
        assert clean(tmp_path) == []
