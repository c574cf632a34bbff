import json
import os
from pathlib import Path

import pytest

from aftershock.errors import CommandError, EnvironmentUnusableError
from aftershock.report.html import allure_command, allure_file, write_report

HOUSE = Path(__file__).parents[3]
OURS = HOUSE / "src" / "aftershock" / "report" / "allure-files"
GOOD = """#!/bin/sh
printf '%s\\n' "$@" > called
while [ $# -gt 0 ]; do
  if [ "$1" = --output ]; then mkdir -p "$2"; echo '<html>' > "$2/index.html"; fi
  shift
done
"""
BAD = "#!/bin/sh\necho 'cannot read results' >&2\nexit 3\n"


def install(root: Path, script: str) -> None:
    """Put a stand-in for the `allure` program where npm would."""
    program = root / "node_modules" / ".bin" / "allure"
    program.parent.mkdir(parents=True)
    program.write_text(script)
    program.chmod(0o755)


def test_the_report_is_one_file_sorted_by_our_categories(tmp_path):
    install(tmp_path, GOOD)
    (tmp_path / "reports").mkdir()
    config = tmp_path / "reports" / "allurerc.mjs"
    config.touch()

    target = write_report(tmp_path / "results", tmp_path / "report.html", root=tmp_path, name="Aftershock r1")

    assert target.read_text() == "<html>\n"
    called = (tmp_path / "called").read_text().splitlines()
    assert called[:3] == ["awesome", str(tmp_path / "results"), "--single-file"]
    assert called[called.index("--config") + 1] == str(config)
    assert called[called.index("--report-name") + 1] == "Aftershock r1"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "called",
        "node_modules",
        "report.html",
        "reports",
    ]


def test_where_allure_fails_its_last_lines_are_told_and_no_debris_stays(tmp_path):
    install(tmp_path, BAD)

    with pytest.raises(CommandError, match="Allure failed") as caught:
        write_report(tmp_path / "results", tmp_path / "report.html", root=tmp_path, name="r")

    assert caught.value.code == 3
    assert caught.value.tail == ("cannot read results",)
    assert [path.name for path in tmp_path.iterdir()] == ["node_modules"]


def test_without_allure_one_is_told_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", os.devnull)

    with pytest.raises(EnvironmentUnusableError, match="npm install allure@3"):
        allure_command(tmp_path)
    (tmp_path / "package.json").touch()
    with pytest.raises(EnvironmentUnusableError, match="npm ci"):
        allure_command(tmp_path)


def test_a_project_without_a_configuration_of_its_own_takes_ours(tmp_path):
    for name in ("allurerc.mjs", "categories.json"):
        assert allure_file(tmp_path, name).read_bytes() == (OURS / name).read_bytes()
        own = tmp_path / "reports" / name
        own.parent.mkdir(exist_ok=True)
        own.write_text("own")
        assert allure_file(tmp_path, name) == own


def test_every_kind_of_broken_has_a_category_and_the_general_one_is_last():
    rules = json.loads((OURS / "categories.json").read_text(encoding="utf-8"))

    words = [rule.get("messageRegex", "").removeprefix("^").partition(":")[0] for rule in rules]
    assert words == ["", "inconclusive", "fault", "residue", "environment", "interrupted", ""]
    assert rules[0]["matchedStatuses"] == ["failed"]
    assert all(rule["matchedStatuses"] == ["broken"] for rule in rules[1:])


def history(called: Path) -> Path:
    words = called.read_text().splitlines()
    return Path(words[words.index("--history-path") + 1])


def test_a_run_is_added_to_the_history(tmp_path):
    install(tmp_path, GOOD)

    write_report(tmp_path / "results", tmp_path / "report.html", root=tmp_path, name="r")

    assert history(tmp_path / "called") == tmp_path / "reports" / "history.jsonl"


def test_a_report_made_again_reads_the_history_and_leaves_it(tmp_path):
    install(tmp_path, GOOD + 'cat "$(dirname "$0")/../../history.new" > seen\n')
    (tmp_path / "reports").mkdir()
    kept = tmp_path / "reports" / "history.jsonl"
    both = '{"name": "before"}\n{"name": "r"}\n'
    kept.write_text(both)

    write_report(tmp_path / "results", tmp_path / "report.html", root=tmp_path, name="r", again=True)

    assert history(tmp_path / "called") == tmp_path / "history.new"
    assert (tmp_path / "seen").read_text() == '{"name": "before"}\n'  # it is not its own past
    assert kept.read_text() == both
    assert not (tmp_path / "history.new").exists()


@pytest.mark.parametrize("torn", ['{"run": ', "3", "\0\0"])
def test_what_a_kill_left_of_the_history_keeps_no_report_back(tmp_path, torn):
    install(tmp_path, GOOD)
    (tmp_path / "reports").mkdir()
    kept = tmp_path / "reports" / "history.jsonl"
    kept.write_text('{"run": 1}\n' + torn)

    write_report(tmp_path / "results", tmp_path / "report.html", root=tmp_path, name="r")

    assert kept.read_text() == '{"run": 1}\n'
