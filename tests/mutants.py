"""`python -m tests.mutants policy|states|money|all`: do the tests notice when the code is wrong?

Each mutant is the module with one small fault: a comparison turned, a condition negated, an element
left out of a table, a call or a refusal dropped, a number off by one. The tests of that module run
on it in a process of their own and should fail; a mutant that lives is printed with its line. Names
of states and roles, messages and annotations are not mutated. Ends with 1 below the target.

A mutation tool from a package starts Python, Django and pytest anew for each mutant; this one puts
the mutant into modules that are loaded already, in a fork, and takes a tenth of the time.
"""

import argparse
import ast
import copy
import gc
import importlib
import io
import os
import signal
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 90  # a mutant that runs longer than this was noticed, too


@dataclass(frozen=True)
class Target:
    """Modules, the tests that stand for them, and the least share of mutants they notice."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    least: float


TARGETS = {
    "policy": Target(
        ("cases.policy",),
        ("tests/unit/test_policy.py", "tests/integration/services/test_policy_rows.py"),
        0.95,
    ),
    "states": Target(("cases.states",), ("tests/unit/test_states.py",), 0.95),
    "money": Target(
        ("cases.models.fields", "cases.queries.money", "cases.queries.money_facts"),
        (
            "tests/unit/test_base_units.py", "tests/unit/test_money_values.py",
            "tests/integration/services/test_money.py",
        ),
        0.90,
    ),
}  # fmt: skip
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE,
    ast.GtE: ast.Gt, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr, ast.Pow: ast.Mult,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One faulty version of a module."""

    module: str
    line: int
    what: str
    tree: ast.Module


def mutants_of(module: str, source: str) -> Iterator[Mutant]:
    """Every faulty version, in the order of the source."""
    plain = ast.parse(source)
    places = list(_places(plain))
    for number, node in enumerate(places):
        for what, change in _changes(node):
            tree = copy.deepcopy(plain)
            change(list(_places(tree))[number])
            yield Mutant(module, getattr(node, "lineno", 0), what, ast.fix_missing_locations(tree))


def _places(tree: ast.AST) -> Iterator[ast.AST]:
    """Nodes that may be changed; what is words, types or names is left out."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list", "bases"):
            continue
        for node in value if isinstance(value, list) else [value]:
            if not isinstance(node, ast.AST) or _is_left_out(node):
                continue
            yield node
            if isinstance(node, ast.Raise):
                continue  # its message is for people
            yield from _places(node)


def _is_left_out(node: ast.AST) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.ClassDef):
        return any(isinstance(base, ast.Name) and base.id == "StrEnum" for base in node.bases)
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)  # a docstring
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0]) == "__all__"  # for readers and linters
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in ("_", "TypeVar")
    return False


Change = Callable[[ast.AST], None]


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    match node:
        case ast.Compare(ops=[op]) if type(op) in COMPARISONS:
            yield f"{type(op).__name__} turned", _set("ops", [COMPARISONS[type(op)]()])
        case ast.BoolOp(op=op):
            other = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield "and/or turned", _set("op", other)
            for place in range(len(node.values)):
                yield f"condition {place + 1} dropped", _drop("values", place)
        case ast.UnaryOp(op=ast.Not() | ast.Invert()):
            yield "negation dropped", _unnegated
        case ast.BinOp(op=op) if type(op) in OPERATORS:
            yield f"{type(op).__name__} changed", _set("op", OPERATORS[type(op)]())
        case ast.Constant(value=bool() as value):
            yield f"{value} turned", _set("value", not value)
        case ast.Constant(value=int() as value):
            yield f"{value} off by one", _set("value", value + 1)
        case ast.Constant(value=str() as value):
            yield f"{value!r} changed", _set("value", f"{value}x")
        case ast.If() | ast.IfExp():
            yield "if negated", _negated
        case ast.Return(value=ast.AST()):
            yield "returns None", _set("value", ast.Constant(None))
        case ast.Raise():
            yield "refusal dropped", _nothing
        case ast.Expr(value=ast.Call()):
            yield "call dropped", _nothing
        case ast.Set(elts=elements) | ast.Tuple(elts=elements, ctx=ast.Load()):
            for place in range(len(elements)):
                yield f"{ast.unparse(elements[place])} left out", _drop("elts", place)
        case ast.Dict(keys=keys):
            for place, key in enumerate(keys):
                if key is not None:
                    yield f"{ast.unparse(key)} left out", _drop_pair(place)


def _set(name: str, value: object) -> Change:
    return lambda node: setattr(node, name, value)


def _drop(name: str, place: int) -> Change:
    return lambda node: getattr(node, name).__delitem__(place)


def _drop_pair(place: int) -> Change:
    def change(node: ast.AST) -> None:
        assert isinstance(node, ast.Dict)
        del node.keys[place], node.values[place]

    return change


def _negated(node: ast.AST) -> None:
    assert isinstance(node, ast.If | ast.IfExp)
    node.test = ast.UnaryOp(ast.Not(), node.test)


def _unnegated(node: ast.AST) -> None:
    """The same node as twice negated: for `not` as for `~`."""
    assert isinstance(node, ast.UnaryOp)
    node.operand = ast.UnaryOp(copy.copy(node.op), node.operand)


def _nothing(node: ast.AST) -> None:
    """The statement does nothing."""
    node.__class__ = ast.Pass  # type: ignore[assignment]
    node._fields = ()  # type: ignore[misc]


def put_in(mutant: Mutant) -> None:
    """Make the loaded module behave as the mutant, wherever its parts were imported."""
    module = sys.modules[mutant.module]
    fresh = types.ModuleType(mutant.module)
    fresh.__file__ = module.__file__
    sys.modules[mutant.module] = fresh  # dataclasses look themselves up there
    try:
        exec(compile(mutant.tree, str(module.__file__), "exec"), vars(fresh))  # noqa: S102
    finally:
        sys.modules[mutant.module] = module
    for name, new in vars(fresh).items():
        old = vars(module).get(name)
        is_code = isinstance(new, types.FunctionType | type)
        if name.startswith("__") or (is_code and new.__module__ != mutant.module):
            continue
        if isinstance(new, types.FunctionType) and isinstance(old, types.FunctionType):
            _swap(old, new)
        elif isinstance(new, type) and isinstance(old, type):
            for key, value in vars(new).items():
                _swap(vars(old).get(key), value)
        elif isinstance(new, dict) and isinstance(old, dict):
            old.clear()
            old.update(new)
        elif old is not new and not isinstance(new, types.ModuleType | type):
            for each in list(sys.modules.values()):
                held = getattr(each, "__dict__", {})
                if name in held and held[name] is old:
                    held[name] = new


def _swap(old: object, new: object) -> None:
    old, new = getattr(old, "fget", old), getattr(new, "fget", new)
    if isinstance(old, types.FunctionType) and isinstance(new, types.FunctionType):
        old.__code__, old.__defaults__ = new.__code__, new.__defaults__
        old.__kwdefaults__ = new.__kwdefaults__


def notices(target: Target, mutant: Mutant | None) -> bool:
    """Whether the tests fail, in a fork of this process."""
    pid = os.fork()
    if not pid:
        status = 1
        try:
            os.setpgid(0, 0)
            signal.alarm(SECONDS)
            if mutant is not None:
                put_in(mutant)
            status = _run(target)
        finally:
            os._exit(status)
    _, told = os.waitpid(pid, 0)
    return told != 0


def _nothing_of(number: int) -> None:
    """What Hypothesis prepares once is there for every fork."""


def _run(target: Target) -> int:
    import pytest  # noqa: PLC0415  # loaded already, when the settings were known

    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        return int(
            pytest.main([
                "-x", "-q", "-p", "pytest_django.plugin", "-p", "no:logging", "--reuse-db",
                "-p", "no:unraisableexception", "-p", "no:threadexception",  # each collects garbage
                *target.tests,
            ])
        )  # fmt: skip


def judge(name: str, every: int, *, say_all: bool) -> bool:
    """Every mutant of a target, or each n-th; whether enough were noticed."""
    target = TARGETS[name]
    begun = time.monotonic()
    if notices(target, None):
        print(f"{name}: the tests fail on the code as it is")
        return False
    num = killed = 0
    for module in target.modules:
        file = ROOT / f"{module.replace('.', '/')}.py"
        for mutant in list(mutants_of(module, file.read_text(encoding="utf-8")))[::every]:
            num += 1
            is_noticed = notices(target, mutant)
            killed += is_noticed
            if not is_noticed or say_all:
                what = "noticed" if is_noticed else "LIVES"
                print(f"{file.relative_to(ROOT)}:{mutant.line}: {mutant.what}: {what}", flush=True)
    share = killed / num
    print(
        f"{name}: {killed} of {num} mutants noticed, {share:.1%} (target {target.least:.0%}),"
        f" {time.monotonic() - begun:.0f} s",
        flush=True,
    )
    return share >= target.least


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=[*TARGETS, "all"])
    parser.add_argument("--every", type=int, default=1, help="take each n-th mutant only")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("FIU_")]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="fiu-mutants-") as home:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "FIU_HOME": home,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }
        import django  # noqa: PLC0415  # the settings are known from here on

        django.setup()
        names = list(TARGETS) if options.target == "all" else [options.target]
        # Loaded once, so that a fork begins with its tests.
        for name in ("pytest", "hypothesis", "pytest_django.plugin", "tests.conftest", "fiu.urls"):
            importlib.import_module(name)
        for name in names:
            for module in TARGETS[name].modules:
                importlib.import_module(module)
            for test in TARGETS[name].tests:
                importlib.import_module(test.removesuffix(".py").replace("/", "."))
        hypothesis = sys.modules["hypothesis"]
        hypothesis.settings.register_profile(
            "mutants", deadline=None, database=None, derandomize=True, max_examples=60
        )
        hypothesis.settings.load_profile("mutants")
        hypothesis.given(hypothesis.strategies.integers())(_nothing_of)()  # it reads all sources
        gc.freeze()
        gc.disable()
        verdicts = [judge(name, options.every, say_all=options.verbose) for name in names]
        return int(not all(verdicts))


if __name__ == "__main__":
    sys.exit(main())
