"""Money through the exchange's own books from the command line."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases.models import Asset, Case, ExchangeAccount
from cases.queries.book_traces import WHATS, BookView, HopRow, account_books, case_books
from tracing.reads import POLICIES, TracingError


class Command(BaseCommand):
    help = (
        "Follow deposits through the exchange's own records: conversions, transfers inside, "
        "withdrawals, by a policy and with a balance sheet for each asset. Accounts stay masked."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("account", nargs="?", help="its number: all its deposits are followed")
        what.add_argument("--case", help="its reference: what its lead run reached, by its policy")
        parser.add_argument("--deposit", action="append", help="of these records alone")
        parser.add_argument(
            "--what", choices=WHATS, default=WHATS[0],
            help="deposits onward, or what is held or was withdrawn back to its sources",
        )  # fmt: skip
        parser.add_argument("--policy", choices=POLICIES, default="haircut")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            view = self.case(options["case"]) if options["case"] else self.account(options)
        except TracingError as error:
            raise CommandError(str(error)) from None
        if view.trace.unmet and options["deposit"]:
            raise CommandError(
                f"{view.trace.unmet[0]} is no completed deposit of this account, or the account "
                "has more records than are read."
            )
        self.stdout.write(json.dumps(as_json(view)) if options["json"] else in_words(view))

    def account(self, options: dict[str, Any]) -> BookView:
        account = ExchangeAccount.objects.filter(uid=options["account"]).first()
        if account is None:
            raise CommandError(f"There is no account {options['account']}.")
        return account_books(account, options["policy"], options["deposit"], options["what"])

    def case(self, reference: str) -> BookView:
        case = Case.objects.filter(reference=reference).first()
        view = None if case is None else case_books(case)
        if case is None or view is None:
            why = "has no lead run" if case is not None else "is not known"
            raise CommandError(f"The case {reference} {why}.")
        return view


def as_json(view: BookView) -> dict[str, Any]:
    """The whole answer; amounts are texts of base units."""
    return {
        **view.trace.to_json(),
        "sheets": {
            name: {
                **{part: str(getattr(sheet, part)) for part in (
                    "seeds", "converted_in", "held", "left", "converted_out", "fees"
                )},
                "cut": {reason: str(units) for reason, units in sheet.cut.items()},
                "difference": None if sheet.difference is None else str(sheet.difference),
            }
            for name, sheet in view.trace.sheets.items()
        },
        "run": None if view.run is None else str(view.run),
        "num_unrecorded": view.num_unrecorded,
        "result_sha256": view.trace.result_sha256,
    }  # fmt: skip


def in_words(view: BookView) -> str:
    """The answer as lines for a reader."""
    trace = view.trace
    lines = [f"{trace.direction} by {trace.policy}, {trace.num_accounts} accounts read"]
    lines += [_hop(row) for row in view.hops]
    lines += [_hop(row) for row in view.asked]
    if view.num_hops > len(view.hops):
        lines.append(f"... {view.num_hops - len(view.hops):,} more hops")
    for each in view.held:
        held = each.held
        lines.append(
            f"held by {each.account.masked}: {held.amount} of {held.value} {_name(each.asset)} "
            f"[{held.low}, {held.high}]"
        )
    for row in view.sheets:
        sheet, name = row.sheet, _name(row.asset)
        cut = sum(sheet.cut.values())
        end = "does not conserve" if sheet.difference is None else f"off by {sheet.difference}"
        lines.append(
            f"{name}: {sheet.seeds} in + {sheet.converted_in} converted = {sheet.held} held + "
            f"{sheet.left} left + {sheet.converted_out} converted + {sheet.fees} fees + {cut} cut"
            f" ({end})"
        )
    if trace.unmet:
        lines.append(
            f"{', '.join(trace.unmet)}: not followed, the account has more records than are read"
        )
    if view.num_unrecorded:
        lines.append(f"{view.num_unrecorded} coins of the run have no record of ours")
    return "\n".join(lines)


def _hop(row: HopRow) -> str:
    hop, line = row.hop, row.hop.line
    giver = row.account.masked if row.account else "outside"
    taker = row.to_account.masked if row.to_account else "outside"
    came = f" -> {hop.to_amount} {_name(row.to_asset)}" if line.asset != line.to_asset else ""
    when = f"{row.at:%Y-%m-%d %H:%M}" if row.at else "now"
    return (
        f"{when} {line.kind} {line.ref}: {giver} to {taker}, {hop.amount} of "
        f"{line.units} {_name(row.asset)}{came} ({hop.status})"
    )


def _name(asset: Asset | str) -> str:
    return asset if isinstance(asset, str) else f"{asset.symbol} base units"
