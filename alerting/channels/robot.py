"""What the chat robots share: post a text, and believe only a body that says zero."""

import http.client
import json
from collections.abc import Mapping

from alerting.channels.http import Target, retry_after_s
from alerting.port import Outcome

_TOO_FAST_S = 60.0


def send(
    target: Target,
    message: Mapping[str, object],
    *,
    codes: tuple[str, ...],
    too_fast: frozenset[int],
    final: frozenset[int] = frozenset(),
    query: str = "",
) -> Outcome:
    """Post a message; delivered only when a code of the answer's body is 0.

    `too_fast` are the codes of a rate limit, `final` those that refuse the message itself.
    """
    body = json.dumps(message, ensure_ascii=False).encode()
    try:
        answer = target.post(body, query=query)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return target.failed(error)
    if not 200 <= answer.status < 300:
        return target.refused(answer)
    said = answer.object()
    code = next((said[name] for name in codes if name in said), None)
    if code == 0 and not isinstance(code, bool):
        return Outcome(delivered=True, detail="0")
    words = target.clean(answer.body[:400].decode("utf-8", "replace"))
    fast = isinstance(code, int) and code in too_fast
    wait_s = max(retry_after_s(answer), _TOO_FAST_S if fast else 0.0)
    retry = not (isinstance(code, int) and code in final)
    return Outcome(delivered=False, retry=retry, retry_after_s=wait_s, detail=words[:160])


def cut(text: str, most_bytes: int) -> str:
    """Return a text that fits, never in the middle of a character.

    >>> cut("冰箱太热", 8), cut("ok", 8)
    ('冰…', 'ok')
    """
    raw = text.encode()
    if len(raw) <= most_bytes:
        return text
    return raw[: most_bytes - 3].decode("utf-8", "ignore") + "…"
