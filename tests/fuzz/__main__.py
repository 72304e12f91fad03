"""`python -m tests.fuzz PARSER --seconds 600`: a parser against inputs that nobody thought of.

`all` takes one after the other. Runs under atheris (libFuzzer), which sees the branches it reaches;
where there is no atheris for this Python, or with `--blind`, inputs are only mutated from seeds.
Ends with 1 and the file of the input when the parser raises anything but its own refusal, takes
more than 2 s, or the process grows beyond 512 MB. `planted` holds a fault, to prove that the fuzzer
sees: it must end with 1.
"""

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HANG_SECONDS = 2
MOST_MEGABYTES = 512
LONGEST = 16_384  # bytes of an input
# Inputs, then another process goes on with what was found: the fuzzer itself keeps up to 1 KB of
# each, of blocks 1.2 GB in three minutes where the parser alone stays at 122 MB.
SLICE = 250_000
REPORT = Path("/tmp/fiu-fuzz")  # noqa: S108  # inputs that brought a parser down


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("parser")
    options.add_argument("--seconds", type=int, default=600)
    options.add_argument("--blind", action="store_true", help="without atheris")
    given = options.parse_args()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FIU_")}
    with tempfile.TemporaryDirectory(prefix="fiu-fuzz-") as folder:
        environment |= {"DJANGO_SETTINGS_MODULE": "tests.settings", "FIU_HOME": f"{folder}/home"}
        os.environ.update(environment)
        names = _names()
        if given.parser not in (*names, "all"):
            options.error(f"choose all, {', '.join(names)}")
        chosen = [n for n in names if n != "planted"] if given.parser == "all" else [given.parser]
        is_blind = given.blind or importlib.util.find_spec("atheris") is None
        good = [_fuzz(name, given.seconds, Path(folder), environment, is_blind) for name in chosen]
    return int(not all(good))


def _names() -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c",
         "import django; django.setup()\n"
         "from tests.fuzz.parsers import PARSERS; print(*PARSERS)"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return done.stdout.split()


def _fuzz(
    name: str, seconds: int, folder: Path, environment: dict[str, str], is_blind: bool
) -> bool:
    corpus, artifacts = folder / name, REPORT / name
    corpus.mkdir()
    artifacts.mkdir(parents=True, exist_ok=True)
    if is_blind:
        program = [sys.executable, "-m", "tests.fuzz.blind", name, str(seconds), str(artifacts)]
        slices = [_run(program, environment)]
    else:
        seeds = [sys.executable, "-m", "tests.fuzz.blind", name, "0", str(corpus)]
        _run(seeds, environment).check_returncode()
        slices, end = [], time.monotonic() + seconds
        while (left := int(end - time.monotonic())) > 0:
            program = [
                sys.executable, "-m", "tests.fuzz.target", name, str(corpus),
                f"-max_total_time={left}", f"-runs={SLICE}", f"-timeout={HANG_SECONDS}",
                "-print_final_stats=1", f"-rss_limit_mb={MOST_MEGABYTES}", f"-max_len={LONGEST}",
                f"-seed={7 + len(slices)}",
                f"-artifact_prefix={artifacts}/",
            ]  # fmt: skip
            slices.append(_run(program, environment))
            if slices[-1].returncode:
                break
    said = "".join(done.stdout for done in slices)
    runs = re.findall(r"number_of_executed_units: *(\d+)", said) or re.findall(
        r"(\d+) inputs", said
    )
    peaks = re.findall(r"peak_rss_mb: *(\d+)", said)
    how = "mutations alone" if is_blind else "atheris"
    line = f"{name}: {sum(map(int, runs)):,} inputs by {how}" if runs else f"{name}: by {how}"
    line += f", at most {max(map(int, peaks))} MB" if peaks else ""
    if slices[-1].returncode:
        print(slices[-1].stdout[-4000:])
        print(f"{line}: FAULT; the input is in {artifacts}")
        return False
    print(f"{line}: no fault", flush=True)
    return True


def _run(program: list[str], environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        program, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", check=False,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
