"""Watches: a person names a wallet, freeze or trace, and is told when it changed.

A watch is private and changes nothing of the case. Told is in the inbox, and by the mail that names
nothing. Who no longer sees the case is told nothing.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.gateways.mail import MailRefused, is_configured, send_notice
from cases.models import Case, CaseRun, FreezeRequest, Wallet, Watch, WatchNotice
from cases.policy import Action, Actor, Role, require
from cases.services.audit import keyed, record_event
from cases.services.cases import CASE_ROLES
from cases.services.errors import CaseworkError, NotFound
from tracing import reads
from tracing.reads import TracingError

logger = structlog.get_logger(__name__)

MOST_WATCHES = 200  # of one person
LOOKED_AT_ONCE = 200
PAUSE = timedelta(seconds=50)  # between two looks at the same
MAILED_WITHIN = timedelta(hours=24)
MOST_MAILS = 50
RUN_OVER = ("done", "failed", "cancelled")


@transaction.atomic
def add_watch(kind: str, subject: UUID, *, by: Actor) -> Watch:
    """Watch something from now on; what one watches already stays as it is.

    Raises PermissionDenied, NotFound, CaseworkError.
    """
    require(by, Action.VIEW_CASE)
    case, name = watched_subject(kind, subject, by)
    _require_sight(case.pk, by=by)
    if Watch.objects.filter(user_id=by.person).count() >= MOST_WATCHES:
        raise CaseworkError(_("You watch 200 things already: drop one first."))
    now = timezone.now()
    seen = states_of([Watch(kind=kind, subject=subject)]).get((kind, subject), "")
    try:
        with transaction.atomic():
            watch = Watch.objects.create(
                user_id=by.person, case=case, kind=kind, subject=subject, name=name, seen=seen,
                added_at=now, looked_at=now,
            )  # fmt: skip
    except IntegrityError:
        return Watch.objects.get(user_id=by.person, kind=kind, subject=subject)
    _record("add_watch", watch, by=by)
    return watch


@transaction.atomic
def drop_watch(watch: Watch, *, by: Actor) -> None:
    """Watch it no longer; what was noticed goes with it. Raises PermissionDenied, NotFound."""
    _require_sight(watch.case_id, by=by)
    mine = Watch.objects.filter(pk=watch.pk, user_id=by.person)
    if mine.delete()[0]:
        _record("drop_watch", watch, by=by)


def read_notice(notice: WatchNotice, *, by: Actor) -> None:
    """Mark a notice of one's own as read: it leaves the inbox."""
    mine = WatchNotice.objects.visible_to(by).filter(pk=notice.pk, read_at=None)
    WatchNotice.objects.filter(pk__in=mine.values("pk")).update(read_at=timezone.now())


def _require_sight(case_id: int, *, by: Actor) -> None:
    """Who may only read a case watches it as well."""
    require(by, Action.VIEW_CASE)
    if not Case.objects.visible_to(by).filter(pk=case_id).exists():
        raise NotFound(_("There is nothing of this kind to watch."))


def _record(act: str, watch: Watch, *, by: Actor) -> None:
    """In the system's chain: the case's own is read by everybody who works on it.

    What it is of stands there as a keyed hash: who is walled off from its case reads that chain.
    """
    mark = keyed(f"watch:{watch.kind}:{watch.subject}")
    record_event(None, act, f"watch:{mark}", by=by, data={"kind": watch.kind})


def watched_subject(kind: str, subject: UUID, by: Actor) -> tuple[Case, str]:
    """The case of what is to be watched, and what its page calls it. Raises NotFound."""
    if kind == "wallet":
        wallet = Wallet.objects.visible_to(by).filter(public_id=subject).first()
        if wallet is not None:
            return wallet.case, wallet.label or wallet.address
    elif kind == "freeze":
        freeze = FreezeRequest.objects.visible_to(by).filter(public_id=subject).first()
        if freeze is not None:
            return freeze.case, freeze.reference
    elif kind == "run":
        run = CaseRun.objects.visible_to(by).filter(run=subject).first()
        if run is not None:
            return run.case, str(subject)[:8]
    raise NotFound(_("There is nothing of this kind to watch."))


def states_of(watches: Iterable[Watch]) -> dict[tuple[str, UUID], str]:
    """How what is watched stands now, as a text to compare: at most 5 queries and a look-up each.

    What has no ledger loaded, or is not there, has no entry.
    """
    subjects: dict[str, list[UUID]] = {"wallet": [], "freeze": [], "run": []}
    for watch in watches:
        subjects[watch.kind].append(watch.subject)
    found: dict[tuple[str, UUID], str] = {}
    if subjects["freeze"]:
        freezes = FreezeRequest.objects.filter(public_id__in=subjects["freeze"])
        for freeze in freezes.prefetch_related("warnings"):
            found["freeze", freeze.public_id] = f"{freeze.state} {len(freeze.warnings.all())}"
    if subjects["run"]:
        views = reads.runs_by_id(subjects["run"])
        for row in CaseRun.objects.filter(run__in=subjects["run"]):
            view = views.get(row.run)
            if view is not None:
                over = view.state if view.state in RUN_OVER else "open"
                drifted = row.drifted_at.isoformat() if row.drifted_at else ""
                found["run", row.run] = f"{over} {drifted}"
    if subjects["wallet"]:
        found |= _balances(Wallet.objects.filter(public_id__in=subjects["wallet"]))
    return found


def _balances(wallets: Iterable[Wallet]) -> dict[tuple[str, UUID], str]:
    by_ledger: dict[str, list[Wallet]] = {}
    for wallet in wallets:
        by_ledger.setdefault(wallet.ledger, []).append(wallet)
    found: dict[tuple[str, UUID], str] = {}
    for ledger, some in by_ledger.items():
        try:
            told = reads.address_summaries(ledger, [wallet.address for wallet in some])
        except TracingError:
            continue  # not loaded: nothing is known, so nothing has moved
        for wallet in some:
            summary = told.get(wallet.address)
            found["wallet", wallet.public_id] = (
                f"{summary.num_tx} {summary.received} {summary.sent}" if summary else "0 0 0"
            )
    return found


def look_at_watches() -> int:
    """Compare what is watched with how it stood, longest ago first; returns the notices written.

    Runs twice without harm: of two sweeps one changes what was seen, and that one writes.
    """
    now = timezone.now()
    due = Watch.objects.filter(
        looked_at__lt=now - PAUSE, user__is_active=True, user__role__in=CASE_ROLES
    )
    watches = list(due.select_related("user").order_by("looked_at")[:LOOKED_AT_ONCE])
    states = states_of(watches)
    return sum(_look(watch, states.get((watch.kind, watch.subject)), now) for watch in watches)


def _look(watch: Watch, state: str | None, now: datetime) -> int:
    kinds = _changes(watch, state) if state is not None else []
    with transaction.atomic():
        same = Watch.objects.filter(pk=watch.pk, seen=watch.seen, looked_at=watch.looked_at)
        if not same.update(looked_at=now, seen=watch.seen if state is None else state[:200]):
            return 0
        actor = Actor(user_id=watch.user_id, role=Role(watch.user.role))
        if not kinds or not Watch.objects.visible_to(actor).filter(pk=watch.pk).exists():
            return 0
        for kind in kinds:
            WatchNotice.objects.create(watch=watch, kind=kind, at=now)
    return len(kinds)


def _changes(watch: Watch, state: str) -> list[str]:
    """Which notices lead from what was seen to what is; none where nothing was known before."""
    if not watch.seen or state == watch.seen:
        return []
    if watch.kind == "wallet":
        return ["moved"]
    (old, was), (new, now) = (text.partition(" ")[::2] for text in (watch.seen, state))
    first, second = ("state", "ending") if watch.kind == "freeze" else ("finished", "drift")
    is_over = watch.kind == "freeze" or new in RUN_OVER
    return [
        *([first] if old != new and is_over else []), *([second] if was != now and now else [])
    ]  # fmt: skip


def mail_notices() -> int:
    """Tell by mail of notices that nobody read or was told of yet, one mail a person.

    Outside of any transaction; the mail names nothing. Returns the mails sent.
    """
    if not is_configured():
        return 0
    fresh = WatchNotice.objects.filter(
        mailed_at=None, read_at=None, at__gt=timezone.now() - MAILED_WITHIN,
        watch__user__is_active=True,
    ).exclude(watch__user__email="")  # fmt: skip
    people = dict(fresh.values_list("watch__user", "watch__user__email")[: MOST_MAILS * 10])
    done = 0
    for person, address in sorted(people.items())[:MOST_MAILS]:
        notices = list(fresh.filter(watch__user=person).values_list("pk", flat=True))
        try:
            send_notice(address)
        except MailRefused as error:
            logger.warning("mail_failed", reason=str(error))
            return done
        WatchNotice.objects.filter(pk__in=notices).update(mailed_at=timezone.now())
        done += 1
    return done
