"""The hashing of the tests: production's, with a thousandth of its work."""

from django.contrib.auth.hashers import Argon2PasswordHasher

from fiu import factors

COST_OF_CODES = factors.COST
LIGHT_COST_OF_CODES = 4


def hash_codes_lightly() -> None:
    """Ten recovery codes take a second otherwise, and many people of the matrix get some."""
    factors.COST = LIGHT_COST_OF_CODES


class LightArgon2(Argon2PasswordHasher):
    """Production's, with a thousandth of its work: tests sign in hundreds of times."""

    time_cost = 1
    memory_cost = 1024  # KiB
    parallelism = 1
