"""The password hasher of the tests."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class LightArgon2(Argon2PasswordHasher):
    """Production's, with a thousandth of its work: tests sign in hundreds of times."""

    time_cost = 1
    memory_cost = 1024  # KiB
    parallelism = 1
