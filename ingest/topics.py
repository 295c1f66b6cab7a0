"""Topic templates of driver files: `tele/{device+}/SENSOR`, compiled."""

import re
from dataclasses import dataclass

from caretaker.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Topic:
    """A compiled topic template; `literal` counts its fixed characters: the more, the surer.

    `every` is set of `{any+}`, which all topics fit and which names nothing: what stands for all.
    """

    pattern: re.Pattern[str]
    literal: int
    starts: str = ""
    ends: str = ""
    every: str = ""

    def names(self, topic: str) -> dict[str, str] | None:
        """Return what the template finds in a topic; None when it does not fit."""
        if not (topic.startswith(self.starts) and topic.endswith(self.ends)):
            return None  # nearly always, and nearly for nothing
        match = self.pattern.fullmatch(topic)
        return match.groupdict() if match else None


EVERY_TOPIC = Topic(re.compile("(?P<device>.+)", re.DOTALL), 0, every="device")
"""What a driver that knows its messages by their content has for a template."""


def compile_topic(template: str, *, file: str) -> Topic:
    """Compile `tele/{device+}/SENSOR`: `{x}` is one level, `{x+}` one or more.

    >>> topic = compile_topic("tele/{device+}/SENSOR", file="x.toml")
    >>> topic.names("tele/a/b/SENSOR"), topic.names("stat/a/SENSOR"), topic.literal
    ({'device': 'a/b'}, None, 12)
    """
    pattern, literal = "", 0
    parts = re.split(r"(\{[a-z_]+\+?\})", template)
    for part in parts:
        if part.startswith("{"):
            name = part.strip("{}+")
            pattern += f"(?P<{name}>.+)" if part.endswith("+}") else f"(?P<{name}>[^/]+)"
        else:
            pattern += re.escape(part)
            literal += len(part)
    if "+" in template.replace("+}", "") or "#" in template:
        raise ConfigurationError(
            file=file,
            key="topics",
            problem=f"{template!r} holds an MQTT wildcard",
            remedy="Write {name} for one level and {name+} for one or more.",
        )
    every = "any" if template == "{any+}" else ""
    return Topic(re.compile(pattern, re.DOTALL), literal, parts[0], parts[-1], every)
