"""The errors a caller can usefully catch.

CaretakerError
 ├─ ConfigurationError   names file, key and remedy; stops the start
 ├─ StorageError         the journal could not make a batch durable
 └─ BrokerError          no broker could be started or reached
"""


class CaretakerError(Exception):
    """Base of every error Caretaker raises on purpose."""


class ConfigurationError(CaretakerError):
    """A setting is wrong; the message names file, key, problem and remedy."""

    def __init__(self, *, file: str, key: str, problem: str, remedy: str) -> None:
        super().__init__(f"{file}: {key}: {problem}. {remedy}")
        self.file = file
        self.key = key
        self.problem = problem
        self.remedy = remedy


class StorageError(CaretakerError):
    """A batch could not be made durable; nothing of it was acknowledged."""


class BrokerError(CaretakerError):
    """The message broker could not be started or reached; the message says what to do."""
