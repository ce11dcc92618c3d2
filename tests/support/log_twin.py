"""The three systems once more, in plain Python, written from the description of their logs alone.

Nothing of the package is used: what a step does and how a log looks is told a second time.
"""

import csv
import json
import math
import random
from pathlib import Path
from typing import Any

RATES = (0.10, 0.12, 0.22, 0.24, 0.32, 0.35, 0.37)
CUTS = [x / 12 for x in (0, 9700, 39475, 84200, 160725, 204100, 510300)]


def tax(income: float) -> float:
    """The tax by brackets: each part of the income by its own rate."""
    total = 0.0
    for k, rate in enumerate(RATES):
        upper = CUTS[k + 1] if k + 1 < len(CUTS) else math.inf
        total += rate * max(0.0, min(income, upper) - CUTS[k])
    return total


def save(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), "utf-8")


def save_rows(path: Path, lines: list[list[Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(lines)


def econagent(
    folder: Path, *, n: int = 5, steps: int = 14, period: int = 1, seed: int = 3
) -> dict[str, Any]:
    """A run with fractional shares, idle agents whose income stays, and no timestep 0."""
    draw = random.Random(seed)  # noqa: S311 - a made-up run
    wage = [11.0 + 9 * k for k in range(n)]
    wealth, income = [0.0] * n, [0.0] * n
    price, stock, rate = sum(wage) / n, 0.0, 0.03
    actions: dict[str, Any] = {}
    people: list[list[Any]] = [
        ["agent_id", "timestep", "wealth", "income", "consumption", "skill", "endogenous_x"]
    ]
    world: list[list[Any]] = [["timestep", "price", "interest_rate", "unemployment"]]
    responses, stocks = [], [stock]
    for step in range(1, steps + 1):
        work = [1 if step == 1 or draw.random() < 0.8 else 0 for _ in range(n)]
        index = [50 * draw.random() if k % 2 else float(draw.randrange(51)) for k in range(n)]
        actions[f"step_{step}"] = {str(k): [work[k], index[k]] for k in range(n)} | {"p": [0]}
        earned = [168 * wage[k] * work[k] for k in range(n)]
        income = [earned[k] if work[k] else income[k] for k in range(n)]
        due = [min(tax(earned[k]), max(wealth[k] + earned[k], 0.0)) for k in range(n)]
        means = [wealth[k] + earned[k] - due[k] + sum(due) / n for k in range(n)]
        stock += 168 * sum(work)
        wanted = [index[k] * 0.02 * means[k] / price for k in range(n)]
        demand, supply, got = sum(wanted), stock, []
        for k in range(n):  # in order of the index
            got.append(min(wanted[k], stock))
            stock -= got[k]
        g = (demand - supply) / (max(demand, supply) + 1e-8)
        u, us = draw.random(), [draw.random() for _ in range(n)]
        wealth = [means[k] - price * got[k] for k in range(n)]
        wage = [max(wage[k] * (1 + us[k] * g * 0.05), 1.0) for k in range(n)]
        before, price = price, max(price * (1 + u * g * 0.10), 1.0)
        if step % period == 0:
            wealth = [one * (1 + rate) for one in wealth]
            if step > 1:
                idle = sum(1 for one in work if not one) / n
                inflation = price / before - 1
                rate = max(0.03 + 0.5 * (inflation - 0.02) + 0.5 * (0.04 - idle), 0.0)
        people += [[k, step, wealth[k], income[k], got[k], wage[k], 1] for k in range(n)]
        world.append([step, price, rate, 0])
        responses.append((u, us))
        stocks.append(stock)
    save(folder / "actions_json" / "all_actions.json", actions)
    save_rows(folder / "metrics_csv" / "agent_metrics.csv", people)
    save_rows(folder / "metrics_csv" / "world_metrics.csv", world)
    return {"responses": responses, "stocks": stocks, "actions": actions}


def auction(
    buys: list[tuple[float, float]], sells: list[tuple[float, float]], last: float
) -> float:
    """The lowest order price with the largest volume; orders are (quantity, price)."""
    best, volume = last, 0.0
    for price in sorted({p for _, p in buys + sells}):
        bought = sum(q for q, p in buys if p >= price)
        sold = sum(q for q, p in sells if p <= price)
        if min(bought, sold) > volume:
            best, volume = price, min(bought, sold)
    return best


def copies(mine: float, other: float) -> int:
    """How many times a thin side is repeated."""
    return min(math.floor(other / mine) - 1, 3) if mine > 0 and other / mine >= 2.5 else 0


DAYS = ("2023-06-15", "2023-06-16", "2023-06-19", "2023-06-20", "2023-06-23")


def twinmarket(folder: Path, *, users: int = 6, seed: int = 5) -> dict[str, Any]:
    """Five days: with the engine's copies, a day of decisions without orders' times, one without.

    The third day has no file of orders; on the fourth nobody traded and no record was written.
    """
    draw = random.Random(seed)  # noqa: S311 - a made-up run
    price = {"FSEI": 10.0, "TTEI": 10.0}
    found: dict[str, Any] = {"prices": [], "orders": []}
    for day in DAYS:
        decided: dict[str, Any] = {}
        book: dict[str, Any] = {}
        count = 0
        for code, last in price.items():
            sides: dict[str, list[dict[str, Any]]] = {"buy": [], "sell": []}
            for k in range(users):
                user = f"user {k}"
                mine = decided.setdefault(user, {"stock_decisions": {}})["stock_decisions"]
                if draw.random() < 0.2:  # what a user who holds writes beside it is no order
                    junk = {"quantity": 900, "price": last}
                    mine[code] = {"action": "hold", "quantity": 900, "sub_orders": [junk]}
                    continue
                word = "buy" if draw.random() < (0.85 if code == "FSEI" else 0.5) else "sell"
                parts = []
                for _ in range(draw.choice((1, 2))):
                    order = {
                        "quantity": 100 * draw.randint(1, 40),
                        "price": round(last * (1 + 0.04 * (draw.random() - 0.5)), 2),
                    }
                    parts.append(order)
                    stamp = f"{day}T09:30:00.{count:06d}"
                    sides[word].append({**order, "timestamp": stamp, "user_id": user})
                    count += 1
                mine[code] = {
                    "action": word, "cur_position": 0.1, "target_position": 0.2,
                    "target_price": last, "quantity": sum(one["quantity"] for one in parts),
                    "sub_orders": parts,
                }  # fmt: skip
            if day == DAYS[3]:
                continue
            size = {word: float(sum(o["quantity"] for o in each)) for word, each in sides.items()}
            for word, other in (("buy", "sell"), ("sell", "buy")):
                again = copies(size[word], size[other])
                real = [*sides[word]]
                sides[word] += [{**o, "user_id": "ZYF"} for o in real for _ in range(again)]
            book[code] = sides
            pairs = {w: [(o["quantity"], o["price"]) for o in each] for w, each in sides.items()}
            price[code] = auction(pairs["buy"], pairs["sell"], last)
        if day != DAYS[3]:
            save(folder / "trading_records" / f"{day}.json", decided)
            if day != DAYS[2]:
                save(folder / "trading_records" / f"{day}_orders.json", book)
        lines: list[list[Any]] = [["stock_code", "closing_price", "volume"]]
        lines += [[code, last, 0] for code, last in price.items()]
        save_rows(folder / "simulation_results" / day / f"daily_summary_{day}.csv", lines)
        save_rows(folder / "simulation_results" / day / f"transactions_{day}.csv", [["price"]])
        found["prices"].append([*price.values()])
        real = [o for each in book.values() for s in each.values() for o in s]
        found["orders"].append([o for o in real if o["user_id"] != "ZYF"])
    return found


def socialllm(
    folder: Path, *, n: int = 5, steps: int = 6, naming: str = "{author}_{step}", seed: int = 9
) -> dict[str, Any]:
    """A run in which somebody likes its own post, and pairs without any action are not written."""
    draw = random.Random(seed)  # noqa: S311 - a made-up run
    belief = [draw.uniform(-0.5, 0.5) for _ in range(n)]
    entries = [_entry(belief)]
    actions: dict[str, Any] = {}
    number = 0
    for step in range(steps):
        authors = [k for k in range(n) if draw.random() < 0.6]
        said = {k: belief[k] for k in authors}
        names = {}
        for k in authors:
            names[k] = naming.format(author=k, step=step, number=number)
            number += 1
        views, net = dict.fromkeys(authors, 0), dict.fromkeys(authors, 0)
        for reader in range(n):
            read = [k for k in authors if draw.random() < 0.7]
            draw.shuffle(read)
            reactions = []
            for author in read:
                word = draw.choice(("like", "dislike", None))
                name: Any = names[author]
                reactions.append({"post_id": int(name) if name.isdigit() else name, "action": word})
                views[author] += 1
                if word:
                    sign = 1 if word == "like" else -1
                    net[author] += sign
                    b = belief[reader]
                    b += sign * 0.5 * (1 - 0.5 * abs(b)) * 0.1 * (said[author] - b)
                    belief[reader] = max(-1.0, min(1.0, b))
            if reader in said or reactions:
                actions[f"({reader}, {step})"] = {
                    "post": said.get(reader), "interactions": reactions,
                }  # fmt: skip
        for author in authors:
            if views[author]:
                b = belief[author] * (1 + 0.5 * net[author] / views[author])
                belief[author] = max(-1.0, min(1.0, b))
        entries.append(_entry(belief))
    save(folder / "actions.json", actions)
    peak = max(range(len(entries)), key=lambda k: entries[k]["risk"])
    save(folder / "results.json", {"timestep_results": entries, "max_risk_timestep": peak})
    return {"actions": actions, "entries": entries}


def _entry(belief: list[float]) -> dict[str, Any]:
    mean = sum(belief) / len(belief)
    return {"beliefs": [*belief], "risk": sum((b - mean) ** 2 for b in belief) / len(belief)}
