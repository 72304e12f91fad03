"""What a writing service refuses, in one tree. Every message is a sentence for the person.

CaseworkError               the request cannot be met as it stands (422)
├── NotFound                a row named in the request is not there, or not for this person
├── TooFast                 asked too often: wait (429)
└── ImportRefused           a file of exchange records is wrong; nothing of it was kept
states.InvalidTransition    the object moved on meanwhile (409)
└── ContentChanged          what was to be decided is no longer what the person saw
    └── VersionChanged      somebody saved this row since it was opened
policy.PermissionDenied     not with this role, not this person (403)
└── policy.StepUpRequired   the second factor is too old
"""

from cases.states import InvalidTransition


class CaseworkError(Exception):
    """The request cannot be met; the sentence says what to do."""


class NotFound(CaseworkError):
    """A row named in the request does not exist for this case and person."""


class TooFast(CaseworkError):
    """Asked too often; `seconds` is how long to wait."""

    def __init__(self, sentence: str, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(sentence)


class ImportRefused(CaseworkError):
    """A file of exchange records is wrong at one line; nothing of the folder was kept.

    Of a resumable import `kept` says what was.
    """

    def __init__(
        self, file: str, line: int, reason: str, kept: str = "Nothing was imported."
    ) -> None:
        self.file = file
        self.line = line
        self.reason = reason
        where = f"{file}, line {line}" if line else file
        super().__init__(f"{where}: {reason} {kept}")


class ContentChanged(InvalidTransition):
    """The content differs from what the person saw: show the present one, ask again."""


class VersionChanged(ContentChanged):
    """The row was saved by somebody else; `changed` maps each field to its present value."""

    def __init__(self, sentence: str, changed: dict[str, object] | None = None) -> None:
        self.changed = changed or {}
        super().__init__(sentence)
