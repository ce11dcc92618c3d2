"""Faults of the store: who writes to it, what is in it, and what is made of it."""

from strength.faults.fault import Fault

__all__ = ["FAULTS"]


_DATABASE, _WRITER = "blueattr/store/database.py", "blueattr/store/commit/writer.py"
_ENGINE, _LOCK, _SEAL = (
    "blueattr/store/engine/engine.py",
    "blueattr/store/lock.py",
    "blueattr/store/integrity/seal.py",
)
_CHECKPOINT, _FOLD = "blueattr/store/commit/checkpoint.py", "sql/store/commit/fold"
_ONE_WRITER, _DAMAGE = "tests/store/test_one_writer.py", "tests/store/integrity/test_damage.py"
_HOSTILE = "tests/store/test_hostile_stores.py"
_OF_THE_FOLD = "tests/store/commit/test_fold.py"
_TIES = f"{_OF_THE_FOLD}::test_of_other_versions_of_one_revision_the_same_wins_in_any_order"


FAULTS = (
    # Two writers.
    Fault(
        3,
        "the lock is beside a symbolic link, not beside the file",
        _LOCK,
        'Path(f"{path.resolve()}.lock")',
        'Path(f"{path}.lock")',
        f"{_ONE_WRITER}::test_links_stay_and_what_is_beside_a_store_is_beside_its_file",
    ),
    Fault(
        3,
        "the file itself, which a hard link leads to, is not locked",
        _LOCK,
        "fcntl.flock(self._store, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "fcntl.flock(self._store, fcntl.LOCK_SH | fcntl.LOCK_NB)",
        f"{_ONE_WRITER}::test_a_second_writer_is_refused_whatever_the_path",
    ),
    Fault(
        3,
        "a lock that was removed stays so",
        _LOCK,
        "if not self._file.is_in_place():",
        "if False:",
        f"{_ONE_WRITER}::test_a_lock_that_was_removed_is_there_again_from_the_next_commit_on",
    ),
    Fault(
        3,
        "a lock that was removed and taken by another is not missed",
        _LOCK,
        "if not self._file.is_in_place():",
        "if False:",
        f"{_ONE_WRITER}::test_whoever_took_a_lock_that_was_removed_has_it",
    ),
    # The store under one's feet.
    Fault(
        4,
        "a store that was removed or replaced is written to",
        _LOCK,
        "if self._store is not None and not is_at(self._store, self._path):",
        "if False:",
        f"{_ONE_WRITER}::test_a_store_that_is_exchanged_between_commits_is_left_alone",
    ),
    Fault(
        4,
        "a store that was removed as it was opened is made anew",
        _WRITER,
        "        # The engine would make a store that is not there.\n        self._lock.check()\n",
        "",
        f"{_ONE_WRITER}"
        "::test_a_store_that_is_exchanged_as_it_is_opened_is_neither_made_nor_taken_for_damaged",
    ),
    Fault(
        4,
        "a backup that was put into the file is written to",
        _WRITER,
        "if self._read_mark() != self._mark:",
        "if False:",
        f"{_ONE_WRITER}::test_a_store_that_is_exchanged_between_commits_is_left_alone",
    ),
    Fault(
        4,
        "a store that came meanwhile is compacted over",
        "blueattr/store/compact.py",
        "                writer.check()\n",
        "",
        f"{_ONE_WRITER}::test_it_is_not_compacted_over",
    ),
    Fault(
        4,
        "answers of an AppView go to whoever has the account's number now",
        f"{_FOLD}/hydration.sql",
        "    WHERE account.did = answers.did",
        "    WHERE true",
        f"{_ONE_WRITER}::test_answers_of_an_appview_are_about_accounts_not_numbers",
    ),
    Fault(
        4,
        "a store may be written over while it is read",
        _DATABASE,
        "if kind is None and self._headers != there:",
        "if False:",
        f"{_ONE_WRITER}::test_a_store_that_is_written_over_while_it_is_read_is_noticed",
    ),
    # A damaged store.
    Fault(
        5,
        "what the engine says of a damaged block is a traceback",
        _ENGINE,
        "        if not _is_of_engine(error):\n",
        "        if not isinstance(error, duckdb.IOException | duckdb.FatalException):\n",
        "tests/store/test_store.py::test_a_damaged_block_is_a_store_error",
    ),
    Fault(
        5,
        "the seal is not looked at",
        _DATABASE,
        "if seal.is_whole(file) or headers(file) == self._tried:",
        "if True:",
        f"{_DAMAGE}::test_rows_that_no_commit_wrote_are_noticed",
    ),
    Fault(
        5,
        "a file that nothing vouches for is opened by the process that asks",
        _DATABASE,
        "while process := self._try(file) or self._attempt(read_only=read_only):",
        "while process := self._attempt(read_only=read_only):",
        f"{_DAMAGE}::test_where_the_engine_crashes_on_a_file_the_sentence_says_damaged",
    ),
    Fault(
        5,
        "a crash of the engine says nothing of a store",
        "blueattr/store/engine/trial.py",
        "    if done.returncode < 0:\n",
        "    if False:\n",
        f"{_DAMAGE}::test_where_the_engine_crashes_on_a_file_the_sentence_says_damaged",
    ),
    Fault(
        5,
        "the seal says nothing of the blocks",
        _SEAL,
        '        digest.update(b"".join([os.pread(file, _HEAD, place) for place in places]))\n',
        "",
        f"{_DAMAGE}"
        "::test_a_store_of_any_size_is_refused_or_the_same_whichever_two_blocks_are_exchanged",
    ),
    Fault(
        5,
        "a commit does not seal the file",
        _DATABASE,
        "            self._seal(self._lock.store)\n",
        "",
        f"{_DAMAGE}::test_whatever_writes_to_a_store_leaves_it_sealed",
    ),
    Fault(
        5,
        "the sums of a store whose seal is broken are not compared",
        _DATABASE,
        "        sums.check(self)\n",
        "",
        f"{_DAMAGE}::test_rows_that_no_commit_wrote_are_noticed",
    ),
    Fault(
        5,
        "status --check compares nothing",
        "blueattr/analysis/upkeep/status.py",
        "sums.check(store) if check else None",
        "1 if check else None",
        f"{_DAMAGE}::test_rows_that_no_commit_wrote_are_noticed",
    ),
    Fault(
        5,
        "what is older than the seal is migrated",
        _DATABASE,
        "            if seal.is_there(file):\n",
        "            if False:\n",
        f"{_DAMAGE}::test_what_is_older_than_its_seal_is_not_migrated",
    ),
    # An open engine.
    Fault(
        6,
        "the engine reads and writes any file",
        _ENGINE,
        '    connection.execute("SET enable_external_access = false")\n',
        "",
        f"{_HOSTILE}::test_the_engine_does_nothing_but_for_its_store",
    ),
    Fault(
        6,
        "the engine's settings can be changed",
        _ENGINE,
        '    connection.execute("SET lock_configuration = true")\n',
        "",
        f"{_HOSTILE}::test_the_engine_does_nothing_but_for_its_store",
    ),
    Fault(
        6,
        "the engine looks for secrets that a user keeps for it",
        _ENGINE,
        '"allow_persistent_secrets": False',
        '"allow_persistent_secrets": True',
        f"{_HOSTILE}::test_the_engine_does_not_look_for_secrets_that_a_user_keeps_for_it",
    ),
    Fault(
        6,
        "a store may hold views, macros and tables of its own",
        _DATABASE,
        "        if known != catalog.KNOWN.get(version):\n",
        "        if False:\n",
        f"{_HOSTILE}::test_a_catalog_that_is_not_that_of_its_schema_is_refused",
    ),
    Fault(
        6,
        "a name of the engine's own, such as md:x, is taken for a store",
        "blueattr/store/store_file.py",
        "if _NO_FILE.match(str(path)):",
        "if False:",
        "tests/store/test_store.py"
        "::test_a_name_with_another_meaning_is_no_store_and_leaves_nothing",
    ),
    # Words in samples of rejected lines.
    Fault(
        7,
        "a sample is how the line begins",
        _CHECKPOINT,
        "(position, shape(sample)) for",
        "(position, str(sample)[:200]) for",
        "tests/store/test_forget.py::test_samples_of_rejected_lines_keep_no_words",
    ),
    Fault(
        7,
        "a shape has the strings of its line",
        "blueattr/decode/shapes.py",
        """part = f'"{_value(key, token["body"])}"'""",
        """part = f'"{token["body"]}"'""",
        "tests/decode/test_shapes.py::test_no_word_comes_into_a_shape_wherever_it_stands",
    ),
    Fault(
        7,
        "a shape has the keys of its line",
        "blueattr/decode/shapes.py",
        """part = f'"{key}"' if key in _KEYS else f'"…{len(key)}"'""",
        """part = f'"{key}"'""",
        "tests/decode/test_shapes.py::test_no_word_comes_into_a_shape_wherever_it_stands",
    ),
    Fault(
        7,
        "an old store keeps what it quoted",
        "sql/store/schema/008_trust.sql",
        "UPDATE rejected_sample\nSET sample = ''\n",
        "UPDATE rejected_sample\nSET sample = sample\n",
        "tests/store/test_old_stores.py::test_what_an_old_store_quoted_of_rejected_lines_is_gone",
    ),
    # A file replaced under its name.
    Fault(
        8,
        "the new file takes the old one's coverage away",
        _CHECKPOINT,
        "            earlier_spans=self.earlier_spans + len(self.spans),\n",
        "",
        "tests/ingest/test_replaced.py"
        "::test_a_file_replaced_under_its_name_keeps_what_the_old_one_covered",
    ),
    Fault(
        8,
        "a span of a stream grows back over the gap before it",
        _CHECKPOINT,
        "if span.gap and before is not None and span.first_event <= before:",
        "if False:",
        "tests/ingest/test_replaced.py"
        "::test_a_span_of_a_stream_does_not_grow_back_over_the_gap_before_it",
    ),
    # Equal revisions with other contents.
    Fault(
        9,
        "of two versions of a record in a batch any wins",
        f"{_FOLD}/versions.sql",
        "content: CASE WHEN tied THEN content(\n",
        "content: CASE WHEN false THEN content(\n",
        _TIES,
    ),
    Fault(
        9,
        "of two versions of a record the stored one wins",
        f"{_FOLD}/changes.sql",
        "SET newer = true, changed = true\n",
        "SET changed = changed\n",
        _TIES,
    ),
    Fault(
        9,
        "of two profiles any wins",
        f"{_FOLD}/accounts.sql",
        "        max({rev: rev, bot: bot, labels: coalesce(labels, '')}) AS latest,\n",
        "        {rev: max(rev), bot: arg_max(bot, rev), labels: ''} AS latest,\n",
        _TIES,
    ),
    Fault(
        9,
        "of two profiles the stored one wins",
        f"{_FOLD}/accounts.sql",
        "latest > {rev: old.rev, bot: old.bot, labels: coalesce(old.labels, '')} OR",
        "latest.rev > old.rev OR",
        _TIES,
    ),
    Fault(
        9,
        "of two handles of one time any wins",
        f"{_FOLD}/accounts.sql",
        "SELECT id, max({event_time: event_time, handle: handle}) AS latest\n",
        "SELECT id, {event_time: max(event_time), handle: arg_max(handle, event_time)} AS latest\n",
        _TIES,
    ),
    Fault(
        9,
        "of two handles of one time the stored one wins",
        f"{_FOLD}/accounts.sql",
        "latest > {event_time: old.event_time, handle: old.handle}",
        "latest.event_time > old.event_time",
        _TIES,
    ),
    Fault(
        9,
        "of two handles of one time in a directory the stored one wins",
        f"{_FOLD}/directory.sql",
        "new.latest > {event_time: old.handle_time, handle: old.handle}",
        "new.latest.event_time > old.handle_time",
        "tests/ingest/test_ingest.py::test_plc_export_folds_in_any_order",
    ),
    Fault(
        9,
        "of two answers of one moment the later one counts",
        f"{_FOLD}/hydration.sql",
        "THEN greatest(new.followers, old.followers)",
        "THEN coalesce(new.followers, old.followers)",
        "tests/ingest/test_hydrate.py::test_of_two_answers_of_one_moment_the_order_decides_nothing",
    ),
    # A store called :memory:.
    Fault(
        12,
        "a store may be called :memory:",
        "blueattr/store/store_file.py",
        'r":|[A-Za-z]',
        'r"[A-Za-z]',
        "tests/store/test_store.py"
        "::test_a_name_with_another_meaning_is_no_store_and_leaves_nothing",
    ),
    # A full disk.
    Fault(
        16,
        "only the engine's first line is shown",
        _ENGINE,
        "return first if full is None else",
        "return first if full else",
        f"{_DAMAGE}::test_where_there_is_no_space_the_sentence_says_so",
    ),
    # Texts in free blocks.
    Fault(
        17,
        "compacting copies free blocks, too",
        "blueattr/store/compact.py",
        "writer.copy_to(new)",
        "shutil.copy(target, new)",
        "tests/store/test_compact.py::test_what_was_forgotten_is_in_the_bytes_before_and_not_after",
    ),
    # What a crash of the machine leaves.
    Fault(
        18,
        "the name of a new store is not on the disk",
        _WRITER,
        "            sync(self._file.parent)\n",
        "",
        f"{_ONE_WRITER}::test_what_is_renamed_is_on_the_disk",
    ),
)
