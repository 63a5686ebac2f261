"""What the demo does and shows."""

import threading
from dataclasses import replace
from typing import Any

from rich.table import Table

from backbone.console import err, out
from backbone.demo.client import Client
from backbone.demo.customer import REGISTRATION, complaint, purchase
from backbone.importing import import_with_bar
from backbone.program import Program
from backbone.serving import serving
from backbone.settings import Settings
from consumers.lag import measure
from importers import complete_journey as journey
from projections.registry import VIEWS
from schemas.cloudevents import STRUCTURED
from schemas.errors import Invalid
from schemas.receipts import Token

BUSIEST_DAYS = 5
WHO = "crm:1001"


def run(chosen: Settings, households: str, stop: threading.Event, *, leave: bool) -> None:
    """Import, show, and serve on until `stop` is set, or `leave` after the summary.

    Raises Invalid for `households` that is neither a number nor `all`.
    """
    own = _own(chosen)
    limit = _limit(households)
    err.print(f"The demo's own database is in {own.data_dir}", highlight=False)
    with serving(own, any_port=True) as (program, server):
        client = Client(server.address)
        imported = _import(program, own, limit)
        if stop.is_set():
            return
        _catch_up(client, imported)
        _show_customer(client)
        _show_revenue(client)
        _show_views(program)
        if not leave:
            _say_what_to_try(server.address)
            server.wait(stop)
            err.print("Stopping …")


def _limit(households: str) -> int | None:
    if households == "all":
        return None
    if not households.isdecimal():
        raise Invalid("is a number, or `all`", field="--households")
    return int(households)


def _own(chosen: Settings) -> Settings:
    data_dir = chosen.data_dir.with_name(f"{chosen.data_dir.name}-demo")
    return replace(
        chosen,
        store_url=None,
        views_url=None,
        kafka=None,
        data_dir=data_dir,
        ring_dir=data_dir.with_name(f"{data_dir.name}-ring"),
    )


def _import(program: Program, chosen: Settings, households: int | None) -> Token | None:
    with journey.source(None, households) as source:
        summary, token = import_with_bar(source, program.touchpoints, chosen)
    out.print(summary.text(), highlight=False)
    return token


def _catch_up(client: Client, imported: Token | None) -> None:
    """Wait until the views have taken over what was imported."""
    if imported is None:
        return
    with err.status("The views are catching up …"):
        path = f"/v1/sales/revenue?by=&at_least={imported.text()}"
        while client.get(path)["freshness"].get("waited_seconds"):
            pass


def _show_customer(client: Client) -> None:
    """Register a customer, post a purchase and a complaint, wait for them, show what is known."""
    json = "application/json"
    client.post(f"/v1/customers/{WHO}/register", REGISTRATION, json, Idempotency_Key="demo")
    client.post("/v1/events", purchase(WHO), STRUCTURED)
    receipt = client.post("/v1/events", complaint(WHO), STRUCTURED)
    profile = client.get(f"/v1/customers/{WHO}?at_least={receipt['token']}")["data"]
    entries = client.get(f"/v1/customers/{WHO}/timeline?at_least={receipt['token']}")["data"]
    who = profile["registration"]
    facts = Table(title=f"Profile of {WHO}", show_header=False)
    facts.add_row("name", who["name_full"])
    facts.add_row("reached at", ", ".join(p["value"]["value"] for p in who["points"]))
    facts.add_row("last contact", f"{profile['last_contact']['at']}")
    facts.add_row("purchases", _counted(profile["purchases"]))
    facts.add_row("complaints", str(profile["complaints"]["count"]))
    out.print(facts)
    timeline = Table("occurred", "what", "channel", title=f"Timeline of {WHO}")
    for entry in entries:
        timeline.add_row(entry["occurred_at"], entry["type"], entry["channel"] or "")
    out.print(timeline)


def _counted(purchases: dict[str, Any]) -> str:
    sums = [f"{a} {c}" for c, ways in purchases["net"].items() for a in ways.values()]
    return f"{purchases['count']}, {' and '.join(sums)}"


def _show_revenue(client: Client) -> None:
    total = Table(
        "currency", "baskets", "lines", "net", "loyalty", "coupons", "matches", title="Revenue"
    )
    for row in client.get("/v1/sales/revenue?by=")["data"]:
        off = row["discounts"]
        numbers = (f"{row['baskets']:,}", f"{row['lines']:,}", row["net"])
        total.add_row(row["currency"], *numbers, off["loyalty"], off["coupon"], off["match"])
    out.print(total)
    days = client.get("/v1/sales/revenue?by=day")["data"]
    busiest = sorted(days, key=lambda row: float(row["net"]), reverse=True)[:BUSIEST_DAYS]
    table = Table("business day", "baskets", "net", title=f"The {len(busiest)} busiest days")
    for row in busiest:
        table.add_row(row["day"], f"{row['baskets']:,}", f"{row['net']} {row['currency']}")
    out.print(table)


def _show_views(program: Program) -> None:
    table = Table("view", "generation", "events taken over", "behind", "held", title="Views")
    for lag in measure(program.views, program.store.history, VIEWS):
        numbers = (f"{n:,}" for n in (lag.events, lag.lag_events, lag.held_subjects))
        table.add_row(lag.view, f"g{lag.generation}", *numbers)
    out.print(table)


def _say_what_to_try(address: str) -> None:
    out.print(f"\nServing on [bold]{address}[/bold]; Ctrl-C stops it. Try:")
    for path in (
        "/v1/customers/household:1",
        "/v1/customers/household:1/timeline?limit=3",
        "/v1/sales/revenue?by=channel",
    ):
        out.print(f"  curl '{address}{path}'", highlight=False, soft_wrap=True)
