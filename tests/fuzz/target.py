"""One parser under libFuzzer: `python -m tests.fuzz.target PARSER CORPUS [options of libFuzzer]`.

The code is instrumented as it is imported, so what is imported before is not seen.
"""

import sys

import atheris

with atheris.instrument_imports(include=["tracing", "cases", "yaml", "tests.fuzz.parsers"]):
    import django

    django.setup()
    from tests.fuzz.parsers import PARSERS


def main() -> None:
    parser = PARSERS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, parser.try_on)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
