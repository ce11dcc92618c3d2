"""Logs of the original systems, written from records of our own runs."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from blueattr.scenarios.record import Record
from blueattr.scenarios.rules.economy import GRID, HOURS
from blueattr.scenarios.rules.market import BUY

ECONOMY_FILES = (
    "actions_json/all_actions.json",
    "metrics_csv/agent_metrics.csv",
    "metrics_csv/world_metrics.csv",
)


def put(path: Path, content: Any) -> None:
    """Write JSON, in a folder that is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), "utf-8")


def rows(path: Path, header: tuple[str, ...], lines: list[tuple[Any, ...]]) -> None:
    """Write CSV, in a folder that is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *lines])


def write_econagent(record: Record, folder: Path, *, start: bool = True) -> Path:
    """Write EconAgent's logs of a record, with or without the state before the first step."""
    states, actions = record.states, record.actions
    n, steps = len(record.agents), len(record.steps)
    every: dict[str, Any] = {}
    for step in range(steps):
        pairs = zip(actions["work"][step], actions["consumption"][step], strict=True)
        row: dict[str, Any] = {str(k): [int(w), c / GRID] for k, (w, c) in enumerate(pairs)}
        every[f"step_{step + 1}"] = row | {"p": [0]}
    put(folder / ECONOMY_FILES[0], every)
    income, people, world = np.zeros(n), [], []
    for time in range(steps + 1):
        if time:
            earned = HOURS * states["wage"][time - 1] * actions["work"][time - 1]
            income = np.where(earned > 0, earned, income)
        if time or start:
            world.append((time, states["price"][time], states["interest"][time]))
            people += [
                (k, time, states["wealth"][time, k], income[k], 0.0, states["wage"][time, k])
                for k in range(n)
            ]
    header = ("agent_id", "timestep", "wealth", "income", "consumption", "skill")
    rows(folder / ECONOMY_FILES[1], header, people)
    rows(folder / ECONOMY_FILES[2], ("timestep", "price", "interest_rate"), world)
    return folder


def write_twinmarket(record: Record, folder: Path) -> Path:
    """Write TwinMarket's logs of a record: decisions, orders with times, closing prices."""
    stocks = record.parameters["stocks"]
    for step, date in enumerate(dates(len(record.steps))):
        decided: dict[str, Any] = {}
        books: dict[str, Any] = {code: {"buy": [], "sell": []} for code in stocks}
        each = {name: array[step] for name, array in record.actions.items()}
        for k, user in enumerate(record.agents):
            decisions: dict[str, Any] = {}
            for place in np.flatnonzero(each["quantity"][k]):
                code, side = stocks[each["stock"][k, place]], each["side"][k, place]
                word = "buy" if side == BUY else "sell"
                order = {"quantity": each["quantity"][k, place], "price": each["limit"][k, place]}
                decisions[code] = {"action": word, "quantity": 0, "sub_orders": [order]}
                time = each["time"][k, place]
                books[code][word].append({**order, "timestamp": time, "user_id": user})
            decided[user] = {"stock_decisions": decisions}
        put(folder / "trading_records" / f"{date}.json", decided)
        put(folder / "trading_records" / f"{date}_orders.json", books)
        closing = [
            (code, price, 0)
            for code, price in zip(stocks, record.states["price"][step + 1], strict=True)
        ]
        summary = folder / "simulation_results" / date / f"daily_summary_{date}.csv"
        rows(summary, ("stock_code", "closing_price", "volume"), closing)
    return folder


def dates(n: int) -> list[str]:
    """The first days of a month, without weekends."""
    first = np.datetime64("2023-06-15", "D")
    return [str(day) for day in np.busday_offset(first, np.arange(n))]


def write_socialllm(record: Record, folder: Path) -> Path:
    """Write SocialLLM's logs of a record; a post is named by its author."""
    actions, belief = record.actions, record.states["belief"]
    words = {1: "like", -1: "dislike", 0: None}
    every = {}
    for step in range(len(record.steps)):
        for k in range(len(record.agents)):
            pairs = zip(actions["author"][step, k], actions["reaction"][step, k], strict=True)
            posted = actions["posted"][step, k]
            every[f"({k}, {step})"] = {
                "post": actions["said"][step, k] if posted else None,
                "interactions": [
                    {"post_id": int(author), "action": words[int(sign)]}
                    for author, sign in pairs
                    if author >= 0
                ],
            }
    put(folder / "actions.json", every)
    entries = [{"beliefs": row.tolist(), "risk": float(row.var())} for row in belief]
    peak = int(np.argmax([entry["risk"] for entry in entries]))
    put(folder / "results.json", {"timestep_results": entries, "max_risk_timestep": peak})
    return folder
