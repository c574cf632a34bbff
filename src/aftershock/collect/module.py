"""pytest's collector of one .feature file."""

from __future__ import annotations

import types
from collections.abc import Iterable
from typing import Any

import pytest
from pytest_bdd import scenario as bdd_scenario

from aftershock.collect.check import tag_errors
from aftershock.collect.gherkin import Document, Scenario, read_feature
from aftershock.collect.session import FEATURES, SCENARIO

__all__ = ["FeatureFile"]


class FeatureFile(pytest.Module):
    """A .feature file as pytest's module of tests: ids are features/a.feature::test_name."""

    document: Document

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """Yield the scenarios; none when the file is wrong, which the checks report later."""
        features = self.config.stash[FEATURES]
        self.document = read_feature(self.path, root=self.config.rootpath)
        features.add(self, self.document)
        names = [name for name, _ in self.document.headings]
        wrong = self.document.errors or len(set(names)) < len(names)
        if wrong or any(tag_errors(self.document, features.tags)):
            return []  # pytest-bdd would stop at the first error, or drop a scenario
        return [self._known(item) for item in super().collect()]

    def _getobj(self) -> types.ModuleType:
        """Make the module: a test for every scenario as written."""
        module = types.ModuleType(f"{self.path.stem}_feature")
        for number, (name, line) in enumerate(self.document.headings):
            base = "test_" + "".join(c if c.isalnum() else "_" for c in name.lower())
            test_name = base if not hasattr(module, base) else f"{base}_{number}"
            setattr(module, test_name, self._test(name, line))
        return module

    def _test(self, name: str, line: int) -> Any:
        """Let pytest-bdd make the test, and say that it stands in the .feature file."""

        def body() -> None:
            """Do nothing after the last step."""

        decorate = bdd_scenario(self.path.name, name, features_base_dir=str(self.path.parent))
        test: Any = decorate(body)
        code = body.__code__.replace(co_filename=str(self.path), co_firstlineno=line)
        test.place_as = types.FunctionType(code, {})
        test.template = name  # for who makes several tests of a scenario
        return test

    def _known(self, item: pytest.Item | pytest.Collector) -> pytest.Item | pytest.Collector:
        if isinstance(item, pytest.Function):
            item.stash[SCENARIO] = self._scenario(item)
        return item

    def _scenario(self, item: pytest.Function) -> Scenario:
        """Return our reading of what `item` will run: by its place and its example."""
        callspec = getattr(item, "callspec", None)
        values = callspec.params.get("_pytest_bdd_example", {}) if callspec else {}
        line = (item.reportinfo()[1] or 0) + 1
        return next(s for s in self.document.scenarios if s.line == line and dict(s.example) == values)
