"""How sure a share is that was counted on a sample: Wilson's interval, in exact decimals."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

Z95 = Decimal("1.959963984540054")
"""The normal quantile of 97.5 %: nineteen of twenty intervals hold the true share."""
STEP = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Share:
    """`yes` of `of`, with the bounds of its share, outward to three digits; 0 to 1 of nothing."""

    yes: int
    of: int
    low: Decimal
    high: Decimal

    @property
    def point(self) -> Decimal | None:
        """The share that was counted, to three digits; None of nothing."""
        return (Decimal(self.yes) / self.of).quantize(STEP) if self.of else None


def share_of(yes: int, of: int, population: int | None = None) -> Share:
    """A share with its 95 % interval.

    Args:
        population: where the sample was drawn from; drawn whole, the share is exact.

    Raises ValueError unless 0 <= yes <= of <= population.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference,
    Journal of the American Statistical Association 22 (1927), 209-212.
    """
    if not 0 <= yes <= of or (population is not None and of > population):
        raise ValueError(f"{yes} of {of} is no share")
    if of == 0:
        return Share(0, 0, Decimal(0), Decimal(1))
    with localcontext() as context:
        context.prec = 40
        share, number = Decimal(yes) / of, Decimal(of)
        if of == population:
            low = high = share
        else:
            squared = Z95 * Z95
            middle = (share + squared / (2 * number)) / (1 + squared / number)
            spread = share * (1 - share) / number + squared / (4 * number * number)
            half = Z95 / (1 + squared / number) * spread.sqrt()
            low = Decimal(0) if yes == 0 else max(Decimal(0), middle - half)
            high = Decimal(1) if yes == of else min(Decimal(1), middle + half)
        return Share(yes, of, low.quantize(STEP, ROUND_FLOOR), high.quantize(STEP, ROUND_CEILING))
