"""Mutants of the fold, which is SQL: a mutant is a piece of a step's text and what replaces it."""

from importlib import resources
from typing import NamedTuple
from unittest import mock

from blueattr.store.engine import statements

__all__ = ["MUTANTS", "Mutant", "install"]


class Mutant(NamedTuple):
    """A change of a step of the fold: `old`, which occurs once in its file, becomes `new`.

    `equivalent` says why no test can tell the two apart.
    """

    step: str
    what: str
    old: str
    new: str
    equivalent: str = ""

    def text(self) -> str:
        """Return the text of the step with the change."""
        path = resources.files("blueattr.sql") / "store/commit/fold" / f"{self.step}.sql"
        text = path.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.step}.sql has {text.count(self.old)} times {self.old!r}")
        return text.replace(self.old, self.new)


MUTANTS = (
    # Comparisons, turned or shifted.
    Mutant(
        "accounts",
        "an old deletion departs again",
        "known.event_time >= new.deleted_at",
        "known.event_time > new.deleted_at",
    ),
    Mutant(
        "accounts",
        "the earlier handle wins",
        "latest > {event_time: old.event_time",
        "latest < {event_time: old.event_time",
    ),
    Mutant(
        "accounts",
        "a newer profile is not noted",
        "WHERE is_later\n    OR",
        "WHERE old.account IS NULL\n    OR",
    ),
    Mutant(
        "accounts",
        "an older bot label wins",
        "    latest > {rev: old.rev, bot: old.bot, labels",
        "    latest < {rev: old.rev, bot: old.bot, labels",
    ),
    Mutant(
        "changes",
        "an older revision wins",
        "new_rev > old_rev OR new_rev",
        "new_rev < old_rev OR new_rev",
    ),
    Mutant(
        "changes",
        "a delete of the same revision loses",
        "new_removed > old_removed AS newer",
        "new_removed < old_removed AS newer",
    ),
    Mutant(
        "changes",
        "an earlier sighting is not noted",
        "newer OR better_time OR new_first < old_first AS changed",
        "newer AS changed",
    ),
    Mutant(
        "records",
        "posts after a deletion lose their texts",
        "NOT removed AND least(event_time, first_time) <= deleted_at",
        "NOT removed AND event_time >= deleted_at",
    ),
    Mutant(
        "records",
        "a late post keeps its text",
        "CASE WHEN has_words THEN text END",
        "text",
    ),
    Mutant(
        "summaries",
        "a day is never stale",
        "corrected > $slack + records // 20",
        "corrected > $slack * records + 1000000",
    ),
    Mutant(
        "summaries",
        "a matched record that went stays matched",
        "AND touched.sign <= 0",
        "AND touched.sign < -1",
    ),
    Mutant(
        "summaries",
        "what goes waits to be matched, what comes does not",
        "WHERE sign >= 0 AND",
        "WHERE sign <= 0 AND",
    ),
    # Orders, and the choice of first and last.
    Mutant(
        "accounts",
        "the alphabetically first handle wins",
        "max({event_time: event_time, handle: handle})",
        "min({event_time: event_time, handle: handle})",
    ),
    Mutant(
        "accounts",
        "the oldest profile of a batch wins",
        "max({rev: rev, bot: bot, labels: coalesce(labels, '')})",
        "min({rev: rev, bot: bot, labels: coalesce(labels, '')})",
    ),
    Mutant(
        "versions",
        "of equal revisions in a batch any wins",
        "content: CASE WHEN tied THEN content(\n",
        "content: CASE WHEN false THEN content(\n",
    ),
    Mutant(
        "versions",
        "of equal revisions in usual and unusual lines the unusual one wins",
        "    tied OR (account, collection_word(collection), rkey) IN (FROM met) AS tied\n",
        "    tied\n",
    ),
    Mutant(
        "changes",
        "of equal revisions the stored one wins",
        "SET newer = true, changed = true\n",
        "SET changed = changed\n",
    ),
    Mutant(
        "relations",
        "the last record of a relation counts",
        "        ORDER BY event_time, record_key.rkey",
        "        ORDER BY event_time DESC, record_key.rkey",
    ),
    Mutant(
        "relations",
        "of records of one time the one written first counts",
        "record_key.rkey NULLS FIRST, one.rkey\n",
        "one.rkey\n",
    ),
    Mutant(
        "relations",
        "earlier commits are forgotten",
        "    WHERE rowid IN (SELECT place FROM between_them)\n",
        "    WHERE false\n",
    ),
    Mutant(
        "relations",
        "what a deleted record left is not seen to count",
        "\nWHERE changed AND NOT old_removed AND (collection",
        "\nWHERE false AND (collection",
    ),
    Mutant(
        "relations",
        "repeats within a commit count",
        "\nWHERE related;",
        "\nWHERE false;",
    ),
    Mutant(
        "versions",
        "reposts of what is no post are one",
        "(collection = 'follow' OR collection = 'repost' AND subject_rkey IS NOT NULL)",
        "(collection = 'follow' OR collection = 'repost')",
    ),
    Mutant(
        "accounts",
        "the later creation is kept",
        "least(old.created_at, new.created_at)",
        "greatest(old.created_at, new.created_at)",
    ),
    Mutant(
        "accounts",
        "accounts are numbered in another order than `coded` names them",
        "row_number() OVER (ORDER BY code)",
        "row_number() OVER (ORDER BY code DESC)",
        "equivalent: `codes` reads the numbers in the order of the codes; none leaves the store",
    ),
    Mutant("codes", "numbers of accounts come in another order", "ORDER BY code", "ORDER BY -code"),
    Mutant(
        "keys",
        "record keys are numbered upwards, over those of others",
        "min(id), 0) FROM record_key) - row_number()",
        "min(id), 0) FROM record_key) + row_number()",
    ),
    Mutant("versions", "the lowest revision of a batch wins", "unnest(arg_max(", "unnest(arg_min("),
    Mutant(
        "versions",
        "the time is that of the last sighting",
        "min({\n            rank:",
        "max({\n            rank:",
    ),
    Mutant(
        "changes",
        "the later time is kept",
        "            < (greatest(enum_code(old_from)",
        "            > (greatest(enum_code(old_from)",
    ),
    Mutant(
        "changes",
        "a server's time is one of many",
        "(greatest(enum_code(new_from), 1), new_time, new_from)",
        "(greatest(enum_code(old_from), 1), new_time, new_from)",
    ),
    Mutant("notes", "spans are noted backwards", "ORDER BY number", "ORDER BY -number"),
    Mutant(
        "directory",
        "the latest creation is kept",
        "least(old.created_at, new.created_at)",
        "greatest(old.created_at, new.created_at)",
    ),
    Mutant(
        "hydration",
        "an older answer counts",
        "new.asked_at >= old.asked_at",
        "new.asked_at <= old.asked_at",
    ),
    # Joins and conditions, dropped.
    Mutant("accounts", "known accounts are numbered anew", "ANTI JOIN dids USING (did)\n", ""),
    Mutant(
        "accounts", "every identity is a status", "WHERE kind = 'account'\n    AND NOT", "WHERE NOT"
    ),
    Mutant(
        "accounts",
        "what leaves is not only who is deleted",
        "WHERE kind = 'account' AND status = 'deleted'",
        "WHERE kind = 'account'",
    ),
    Mutant(
        "accounts",
        "old handles stay",
        "WHERE rowid IN (SELECT place FROM latest_handle)",
        "WHERE false",
    ),
    Mutant(
        "accounts",
        "old profiles stay",
        "WHERE rowid IN (SELECT place FROM latest_profile)",
        "WHERE false",
    ),
    Mutant(
        "keys",
        "likes and profiles number their keys too",
        " WHERE kind IN ('post', 'repost', 'follow')",
        "",
    ),
    Mutant(
        "versions",
        "sightings that `coded` folded come again",
        "ANTI JOIN met USING (account, collection, rkey)\nWHERE",
        "WHERE",
    ),
    Mutant(
        "versions",
        "the time of what is removed is kept",
        "CASE WHEN NOT removed THEN event_time END",
        "event_time",
    ),
    Mutant(
        "changes",
        "far keys match records of other accounts",
        "        AND old.account = new.account\n",
        "",
    ),
    Mutant(
        "changes",
        "far keys match records of other collections",
        "        AND old.collection = new.collection\n",
        "",
    ),
    Mutant(
        "changes",
        "what is known is written again",
        "FROM batch\nANTI JOIN seen USING (account, collection, rkey)\n",
        "FROM batch\n",
    ),
    Mutant(
        "records",
        "removed records are orphaned too",
        "collection = 'post' AND NOT removed AND",
        "collection = 'post' AND",
        "equivalent: a removed record has no text to lose",
    ),
    Mutant(
        "records",
        "restored accounts count as departed",
        "FROM account_status\nWHERE status = 'deleted'\n",
        "FROM account_status\n",
    ),
    Mutant(
        "records",
        "records with far keys are lost",
        "WHERE rkey NOT BETWEEN $low AND $high;",
        "WHERE false;",
    ),
    Mutant(
        "corrections",
        "removed records are touched",
        "WHERE NOT removed AND summarised;",
        "WHERE summarised;",
    ),
    Mutant(
        "corrections",
        "unsummarised days are corrected",
        "WHERE NOT removed AND summarised;",
        "WHERE NOT removed;",
    ),
    Mutant(
        "summaries",
        "what one gives oneself counts as received",
        "subject <> account AND NOT is_repeat\n    UNION ALL\n    SELECT day, quoted, 0,",
        "NOT is_repeat\n    UNION ALL\n    SELECT day, quoted, 0,",
    ),
    Mutant(
        "summaries",
        "what nobody watches is noted as given",
        "WHERE account IN (SELECT account FROM watched)",
        "WHERE true",
    ),
    Mutant(
        "corrections",
        "matches of orphaned posts of other keys go",
        "    AND topic_event.rkey = orphaned.rkey\n",
        "",
    ),
    Mutant(
        "notes",
        "spans of other sources go",
        "JOIN noted_source ON noted_source.name = span.source",
        "CROSS JOIN noted_source",
    ),
    Mutant("notes", "earlier spans of a source go", "    WHERE number > earlier_spans\n", ""),
    Mutant(
        "notes",
        "rejected lines are counted twice",
        "DELETE FROM rejected\nWHERE source IN (SELECT name FROM noted_source);",
        "",
    ),
)
"""One of each kind for what a step decides: a comparison, an order, a join or a condition."""


def install(mutant: Mutant) -> None:
    """Have the store of this process read the mutant in the place of its step."""
    text, read = mutant.text(), statements.sql

    def read_mutant(name: str) -> str:
        return text if name == f"store/commit/fold/{mutant.step}" else read(name)

    mock.patch.object(statements, "sql", read_mutant).start()
