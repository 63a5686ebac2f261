"""`backbone erase`: destroy a customer's keys."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from backbone.console import FAILED, err, one_sentence, out, settings
from backbone.references import Ref, read_ref

if TYPE_CHECKING:
    from commands.erasure import ErasurePlan

Reason = Literal["request", "retention", "court"]
_YES = typer.Option("--yes", "-y", help="Do not ask.")


def erase(
    ref: Ref,
    points: Annotated[
        bool,
        typer.Option("--points", help="Also the contact points that his events name."),
    ] = False,
    reason: Annotated[
        Literal["request", "retention", "court"], typer.Option(help="Why.")
    ] = "request",
    request: Annotated[
        str | None, typer.Option(help="The number of the request; only a keyed hash is kept.")
    ] = None,
    yes: Annotated[bool, _YES] = False,
) -> None:
    """Erase a customer: what he is called and what was said can never be read again.

    What happened stays, without him: purchases still count. It shows what it will do and asks. Run
    again after a crash, it finishes. Copies of the ring from before must be destroyed, and older
    backups of the database with them.
    """
    from backbone.wiring import store_of
    from commands.erasure import EraseCustomer
    from domain.access import LOCAL

    with one_sentence():
        chosen = settings()
        with store_of(chosen) as store:
            command = EraseCustomer(store.ids, store.subjects, store.history, store.eraser)
            plan = command.plan(LOCAL, read_ref(ref, chosen))
            _show(plan, points=points)
            if not yes and not typer.confirm("Erase? This cannot be undone", err=True):
                err.print("Nothing was erased.")
                raise SystemExit(FAILED)
            done = command.erase(LOCAL, plan, points=points, reason=reason, request=request)
    keys = sum(erasure.keys for erasure in done)
    out.print(f"Erased {len(done)} subjects: {keys} keys are destroyed.", highlight=False)


def _show(plan: "ErasurePlan", *, points: bool) -> None:
    standing = " (erased already: this finishes it)" if plan.standing == "erased" else ""
    err.print(f"Subject {plan.subject}{standing}: {plan.events} events, {plan.keys} keys.")
    if plan.points and points:
        err.print(f"With {len(plan.points)} contact points that his events name:")
    elif plan.points:
        err.print(f"{len(plan.points)} contact points that his events name stay (--points):")
    for point in plan.points:
        err.print(f"  {point}")
