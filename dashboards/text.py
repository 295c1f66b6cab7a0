"""Texts in both languages, resolved only when a board is rendered."""

from dataclasses import dataclass
from typing import Any

LANGS = ("zh-CN", "en")


@dataclass(frozen=True, slots=True)
class Text:
    """One text a person reads, written in Chinese and in English."""

    zh: str
    en: str

    def in_(self, lang: str) -> str:
        """Return the text in a language of `LANGS`."""
        return {"zh-CN": self.zh, "en": self.en}[lang]


def resolve(value: Any, lang: str) -> Any:
    """Return JSON-able data with each `Text` in it replaced by the language's string.

    >>> resolve({"title": Text("用电", "Electricity"), "id": [1]}, "en")
    {'title': 'Electricity', 'id': [1]}
    """
    if isinstance(value, Text):
        return value.in_(lang)
    if isinstance(value, dict):
        return {key: resolve(entry, lang) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [resolve(entry, lang) for entry in value]
    return value
