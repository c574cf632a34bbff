"""What every observer is: started, looked after, stopped; usable in a `with`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from aftershock.errors import AftershockError

__all__ = ["Observer"]


class Observer(ABC):
    """Something that writes into the timeline from a thread of its own, until it is stopped."""

    @abstractmethod
    def start(self) -> None:
        """Begin; what can be refused is refused here."""

    @abstractmethod
    def check(self) -> None:
        """Raise what ended it, if it gave up.

        Raises:
            AftershockError: it gave up; the record has a gap from there on.

        """

    @abstractmethod
    def stop(self) -> None:
        """End the record, and raise what `check` raises."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        except AftershockError as gave_up:
            # What broke inside the block comes first; the gap in the record remains.
            if error is None:
                raise
            error.add_note(str(gave_up))
