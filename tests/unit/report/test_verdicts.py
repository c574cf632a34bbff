import json

import pytest

from aftershock.errors import InconclusiveError
from aftershock.report.verdicts import Verdicts
from aftershock.verdict import Verdict, met, unknown, violated


def test_each_verdict_is_written_and_shown_before_it_is_enforced(tmp_path):
    shown: list[Verdict] = []
    verdicts = Verdicts(tmp_path / "verdicts.json", profile="nightly", show=shown.append)

    fine = verdicts.enforce(met("a", expected="1", observed=1))
    with pytest.raises(AssertionError, match="b: violated"):
        verdicts.enforce(violated("b", expected="1", observed=2, evidence=("seen",)))
    with pytest.raises(InconclusiveError, match="c: unknown"):
        verdicts.enforce(unknown("c", expected="1", reason="no sample"))

    written = [Verdict.from_dict(raw) for raw in json.loads((tmp_path / "verdicts.json").read_text())]
    assert written == shown == verdicts.given
    assert [v.status for v in written] == ["met", "violated", "unknown"]
    assert {v.profile for v in written} == {"nightly"}
    assert fine.profile == "nightly"
    assert [path.name for path in tmp_path.iterdir()] == ["verdicts.json"]
