"""The form of a new trace: seeds picked from the wallets or typed, and every default in sight."""

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models import Case, Wallet
from cases.queries.breakpoints import Matcher
from tracing import reads
from tracing.errors import TracingError
from tracing.jobs import TraceParameters

MODES = [
    ("destination", _("Destination: where it went")),
    ("source", _("Source: where it came from")),
    ("paths", _("Paths: how it got from one set of wallets to another")),
]
POLICIES = [
    ("haircut", _("Haircut")),
    ("fifo", _("FIFO")),
    ("lifo", _("LIFO")),
    ("poison", _("Poison")),
]
COINJOINS = [
    ("stop", _("Stop there")),
    ("through", _("Go through by the policy")),
]


class TraceForm(forms.Form):
    """A question to the ledger; `parameters()` is the same as a value, once the form is valid."""

    mode = forms.ChoiceField(
        label=_("What to look for"), choices=MODES, initial="destination", widget=forms.RadioSelect
    )
    ledger = forms.ChoiceField(label=_("Ledger"))
    seed_wallets = forms.ModelMultipleChoiceField(
        label=_("Start at these wallets"),
        queryset=Wallet.objects.none(),
        to_field_name="public_id",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    seeds = forms.CharField(
        label=_("Further seeds"),
        required=False,
        help_text=_(
            "An address or txid:output number on each line. An address means all its outputs; on an"
            " account ledger ADDRESS@TOKEN means what it received of the token, and txid:index one"
            " transfer."
        ),
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono", "spellcheck": "false"}),
    )
    token = forms.CharField(
        label=_("Token"),
        required=False,
        max_length=120,
        help_text=_(
            "On an account ledger: the contract of the token to follow, for every address above"
            " without one. Empty for the chain's own coin."
        ),
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false"}),
    )
    target_wallets = forms.ModelMultipleChoiceField(
        label=_("End at these wallets"),
        queryset=Wallet.objects.none(),
        to_field_name="public_id",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    targets = forms.CharField(
        label=_("Further targets"),
        required=False,
        help_text=_("For paths only: where they should end."),
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono", "spellcheck": "false"}),
    )
    policy = forms.ChoiceField(
        label=_("Policy"),
        choices=POLICIES,
        initial="haircut",
        help_text=_(
            "The rule for money that was mixed. The bounds beside each amount hold under any."
        ),
    )
    max_hops = forms.IntegerField(
        label=_("Hops at most"),
        required=False,
        min_value=1,
        max_value=32,
        initial=8,
        help_text=_("1 to 32 payments; empty for no limit."),
    )
    min_value = forms.IntegerField(
        label=_("Least amount, in base units"),
        min_value=0,
        max_value=2**256 - 1,
        initial=0,
        help_text=_("Satoshi, wei and the like. What is smaller is not followed but shown as cut."),
    )
    until_height = forms.IntegerField(
        label=_("Up to block"),
        required=False,
        min_value=0,
        max_value=0xFFFFFFFF,
        help_text=_("Empty for the newest block loaded. A source run goes back to it."),
    )
    coinjoin = forms.ChoiceField(
        label=_("At a CoinJoin"), choices=COINJOINS, initial="stop", widget=forms.RadioSelect
    )
    stops = forms.CharField(
        label=_("Stop also at these addresses"),
        required=False,
        help_text=_("Services one a line. Addresses of this exchange always stop a trace."),
        widget=forms.Textarea(attrs={"rows": 2, "class": "mono", "spellcheck": "false"}),
    )

    stop_at_services = forms.BooleanField(
        label=_("Stop at tagged services"),
        required=False,
        initial=True,
        help_text=_("Behind a service the ledger says nothing more about whose money it is."),
    )

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        wallets = case.wallets.order_by("role", "added_at", "pk")
        for name in ("seed_wallets", "target_wallets"):
            self.fields[name].queryset = wallets  # type: ignore[attr-defined]
        ledgers = reads.ledgers()
        self.has_accounts = any(reads.is_account_ledger(ledger.name) for ledger in ledgers)
        self.fields["ledger"].choices = [  # type: ignore[attr-defined]
            (ledger.name, ledger.name) for ledger in ledgers
        ]
        if len(ledgers) == 1:
            self.fields["ledger"].widget = forms.HiddenInput()
            self.fields["ledger"].initial = ledgers[0].name

    def clean(self) -> dict[str, Any]:
        """Seeds and targets of wallets and of the text, as one list each."""
        fields: dict[str, Any] = super().clean() or {}
        for name in ("seed", "target"):
            picked = fields.get(f"{name}_wallets") or []
            strangers = [w for w in picked if w.ledger != fields.get("ledger")]
            if strangers:
                self.add_error(f"{name}_wallets", gettext("These wallets stand on another ledger."))
            typed = lines(fields.get(f"{name}s") or "")
            places = [wallet.address for wallet in picked] + typed
            fields[f"all_{name}s"] = tuple(with_token(fields, place) for place in places)
        if not fields["all_seeds"]:
            self.add_error("seed_wallets", gettext("Choose a wallet or type a seed."))
        if fields.get("mode") == "paths" and not fields["all_targets"]:
            self.add_error("target_wallets", gettext("Say where the paths should end."))
        if fields.get("mode") != "paths":
            fields["all_targets"] = ()
        if not self.errors:
            try:
                fields["parameters"] = self._parameters(fields)
                fields["estimate"] = reads.estimate(fields["parameters"])
            except TracingError as error:
                # The engine names its parameter; a person sees the field of that name.
                name, _space, words = str(error).partition(" ")
                if name not in self.fields:
                    raise forms.ValidationError(str(error)) from None
                self.add_error(name, words[:1].upper() + words[1:])
        return fields

    @staticmethod
    def _parameters(fields: dict[str, Any]) -> TraceParameters:
        return TraceParameters(
            ledger=fields["ledger"],
            mode=fields["mode"],
            seeds=fields["all_seeds"],
            targets=fields["all_targets"],
            policy=fields["policy"],
            max_hops=fields["max_hops"],
            min_value=fields["min_value"],
            until_height=fields["until_height"],
            coinjoin=fields["coinjoin"],
            stops=tuple(lines(fields["stops"]) + services_of(fields)),
        )


class MatcherForm(forms.Form):
    """The window and the fee band within which a deposit fits a payment into a swap service."""

    from_minutes = forms.IntegerField(
        label=_("Earliest, minutes after"), min_value=0, max_value=10_080, initial=10
    )
    to_minutes = forms.IntegerField(
        label=_("Latest, minutes after"), min_value=1, max_value=10_080, initial=120
    )
    least_fee = forms.DecimalField(
        label=_("Least fee, %"), min_value=0, max_value=50, decimal_places=4, initial="0.2"
    )
    most_fee = forms.DecimalField(
        label=_("Most fee, %"), min_value=0, max_value=50, decimal_places=4, initial="2.0"
    )

    def clean(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().clean() or {}
        for least, most in (("from_minutes", "to_minutes"), ("least_fee", "most_fee")):
            if None not in (fields.get(least), fields.get(most)) and fields[least] > fields[most]:
                self.add_error(most, gettext("This must not be less than the field before it."))
        return fields

    @property
    def matcher(self) -> Matcher:
        """What was asked for; the usual window and band where nothing was, or it cannot be read."""
        if not self.is_bound or not self.is_valid():
            return Matcher()
        fields = self.cleaned_data
        return Matcher(
            fields["from_minutes"],
            fields["to_minutes"],
            int(fields["least_fee"] * 10_000),
            int(fields["most_fee"] * 10_000),
        )


def services_of(fields: dict[str, Any]) -> list[str]:
    """Tagged services as stops, but never a place where the run starts or should end."""
    if not fields.get("stop_at_services"):
        return []
    places = (*fields["all_seeds"], *fields["all_targets"])
    ends = {reads.place_address(place) for place in places}
    return [each for each in reads.tagged_services(fields["ledger"]) if each not in ends]


def with_token(fields: dict[str, Any], place: str) -> str:
    """The place with the form's token, where it is an address of an account ledger without one."""
    token = (fields.get("token") or "").strip()
    is_plain = ":" not in place and "@" not in place
    if not token or not is_plain or not reads.is_account_ledger(fields.get("ledger") or ""):
        return place
    address, mark, blocks = place.partition("#")
    return f"{address}@{token}{mark}{blocks}"


def lines(text: str) -> list[str]:
    """The lines of a text that hold something."""
    return [line.strip() for line in text.splitlines() if line.strip()]
