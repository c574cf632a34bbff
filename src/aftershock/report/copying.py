"""The end of a run: its folder, with every report in it, is copied to where runs are kept."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from aftershock.collect.session import FeatureSession
from aftershock.errors import AftershockError, KeepError
from aftershock.keep.keeping import check_place, keep
from aftershock.keep.place import Place, read_place

__all__ = ["Copying"]


class Copying:
    """The plugin that keeps a run where the setting keep_to says."""

    def __init__(self, features: FeatureSession) -> None:
        self.features = features

    def _place(self) -> Place | None:
        config, settings = self.features.config, self.features.settings
        return read_place(settings.keep_to, root=config.rootpath) if settings.keep_to else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_aftershock_preflight(self) -> None:
        """Refuse, before anything is touched, a place that is none."""
        if place := self._place():
            check_place(place)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Keep the run once all others have written what they write. What fails is never green."""
        result = yield
        features = self.features
        lane = features.config.getoption("gameday_lane")  # one of several processes of a run
        if lane or features.problems or features.stopped or not features.run.folder.is_dir():
            return result
        if place := self._place():
            try:
                self._say(str(keep(features.run.folder, place)))
            except AftershockError as error:
                self._say(str(error))
                if session.exitstatus == pytest.ExitCode.OK:
                    session.exitstatus = KeepError.exit_code
            except KeyboardInterrupt:  # by now nothing is left to undo: whoever cannot wait need not
                self._say(f"not kept yet: `aftershock keep {features.run.id}` goes on from here")
                session.exitstatus = pytest.ExitCode.INTERRUPTED
        return result

    def _say(self, text: str) -> None:
        reporter = self.features.config.pluginmanager.get_plugin("terminalreporter")
        if reporter:  # not there under -p no:terminal
            reporter.write_line(text)
