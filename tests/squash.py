"""Write the migrations of an application anew as one that new installations take: `python -m
tests.squash cases`.

A new installation makes each table once, as it is now, in place of walking all that was changed
since: Django renders every model again for each step. Installations that stand keep the steps they
have, and a test holds both ways equal.
"""

import argparse
import os
import sys
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent


def squash(app: str) -> Path:
    """Write `0001_squashed_NNNN_name.py` in place of an earlier one; its path.

    Raises SystemExit where a step moves data, which no table made anew would have.
    """
    from django.db.migrations import CreateModel, Migration, RunPython  # noqa: PLC0415
    from django.db.migrations.loader import MigrationLoader  # noqa: PLC0415
    from django.db.migrations.writer import MigrationWriter  # noqa: PLC0415

    from cases.migrations._together import CreateTogether  # noqa: PLC0415

    folder = ROOT / app / "migrations"
    for old in folder.glob("0001_squashed_*.py"):
        old.unlink()
    loader = MigrationLoader(None, replace_migrations=False)
    [leaf] = loader.graph.leaf_nodes(app)
    steps = [node for node in loader.graph.forwards_plan(leaf) if node[0] == app]
    for node in steps:
        if any(isinstance(step, RunPython) for step in loader.disk_migrations[node].operations):
            sys.exit(f"{node[1]} moves data: squash the steps before it, or write that one anew.")
    state = loader.project_state(leaf)
    models = {name: model for (label, name), model in state.models.items() if label == app}
    needs = {
        name: {
            field.remote_field.model.split(".")[1].lower()
            for field in model.fields.values()
            if getattr(field, "remote_field", None) is not None
            and field.remote_field.model.lower().startswith(f"{app}.")
        } - {name}
        for name, model in models.items()
    }  # fmt: skip
    order: list[str] = []
    while len(order) < len(models):
        rest = [name for name in models if name not in order]
        ready = [name for name in rest if needs[name] <= set(order)]
        # In a circle the one that lacks the fewest begins: they are made together, and PostgreSQL
        # learns whom they point at in the end.
        order += ready or [min(rest, key=lambda name: len(needs[name] - set(order)))]
    # Other applications go first: each of their steps would render our tables again.
    others = [
        node for node in loader.graph.leaf_nodes()
        if node[0] != app and not any(each[0] == app for each in loader.graph.forwards_plan(node))
    ]  # fmt: skip
    tables = [
        CreateModel(
            models[name].name,
            list(models[name].fields.items()),
            options={key: value for key, value in models[name].options.items() if value},
            bases=models[name].bases,
            managers=models[name].managers,
        )
        for name in order
    ]

    squashed = type(
        "Squashed", (Migration,),
        {"initial": True, "replaces": steps, "dependencies": others,
         "operations": [CreateTogether(tables)]},
    )  # fmt: skip
    migration = squashed(f"0001_squashed_{leaf[1]}", app)
    path = folder / f"{migration.name}.py"
    path.write_text(MigrationWriter(migration).as_string(), encoding="utf-8")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.squash", description=__doc__)
    parser.add_argument("app", choices=["cases", "tracing"])
    app = parser.parse_args().app
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fiu.settings")
    django.setup()
    sys.stdout.write(f"{squash(app).relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
