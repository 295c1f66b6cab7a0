"""Runs a matter through the stages, inside the journal's transaction."""

from alerting.notify.dedupe import dedupe
from alerting.notify.group import group
from alerting.notify.inhibit import inhibit
from alerting.notify.late import late
from alerting.notify.port import PASS, Matter, Ruling, Stage, World
from alerting.notify.quiet import quiet
from alerting.notify.record import record
from alerting.notify.route import route
from alerting.notify.silence import silence
from caretaker.faultpoints import reach
from storage import outbox

MUTES: tuple[Stage, ...] = (late, inhibit, silence, quiet, dedupe)


class Pipeline:
    """Decides and queues; a decision that only repeats the last one is not written again."""

    def __init__(self) -> None:
        self._last: dict[tuple[int, str], str] = {}

    def forget(self) -> None:
        """What was decided in a transaction that failed was never decided."""
        self._last.clear()

    def run(self, matter: Matter, world: World) -> Ruling:
        """Return the ruling that decided; on `pass` the outbox holds the notifications."""
        rulings: list[Ruling] = []
        for stage in MUTES:
            rulings.append(stage(matter, world))
            if rulings[-1].outcome != PASS:
                return self._decided(matter, world, rulings)
        ruling, recipients = route(matter, world)
        rulings.append(ruling)
        if ruling.outcome == PASS:
            rulings.append(group(matter, world))
        for recipient in recipients:
            outbox.queue(
                world.connection,
                incident=matter.incident.id,
                kind=matter.occasion,
                channel=recipient.channel,
                person=recipient.person,
                level=recipient.level,
                now_ms=matter.now_ms,
                step=matter.call,
            )
        reach("notify.queued")
        return self._decided(matter, world, rulings)

    def _decided(self, matter: Matter, world: World, rulings: list[Ruling]) -> Ruling:
        last = rulings[-1]
        key = (matter.incident.id, matter.occasion)
        word = f"{last.stage}:{last.outcome}:{last.reason}"
        if matter.incident.kind != "canary" and (
            last.outcome == PASS or self._last.get(key) != word
        ):
            record(world.connection, matter, rulings)
        self._last[key] = word
        return last
