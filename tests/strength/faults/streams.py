"""Faults of what follows streams, reads their times and asks servers."""

from strength.faults.fault import Fault

__all__ = ["FAULTS"]


_STREAM, _RESUME = "blueattr/sources/live/stream.py", "blueattr/ingest/resume.py"
_FOLLOW, _PACE = "blueattr/ingest/follow.py", "blueattr/ingest/pace.py"
_CLOCK, _RELAY = "blueattr/decode/clock.py", "blueattr/decode/binary/relay_times.py"
_SOCKET = "blueattr/sources/live/socket.py"
_MEMORY = "blueattr/store/engine/memory.py"
_PROGRESS = (
    "tests/ingest/test_follow_progress.py"
    "::test_whatever_ends_connections_a_stream_gets_on_and_nothing_is_lost"
)
_TIMES, _SCRIPTED = "tests/ingest/test_follow_times.py", "tests/ingest/test_follow_scripted.py"
_SLOW = "tests/ingest/test_slow_clocks.py"
_QUIET = (
    f"{_SCRIPTED}::test_a_quiet_stream_is_live_only_if_its_server_answers_and_its_events_are_of_now"
)

_SLOWLY = f"{_SCRIPTED}::test_a_clock_of_events_that_goes_as_slowly_as_we_do_says_nothing"


FAULTS = (
    # A stream's position walks back.
    Fault(
        1,
        "what is replayed moves the position back",
        _STREAM,
        "if read.last_seq is None or (read.last_seq <= seen.position and not renumbered):",
        "if read.last_seq is None:",
        _PROGRESS,
    ),
    Fault(
        1,
        "each connection asks for all that led up to the last event",
        _RESUME,
        "rewind = (stream.dialect.rewind, 0, -1)[tries]",
        "rewind = stream.dialect.rewind",
        _PROGRESS,
    ),
    Fault(
        1,
        "a stream that brought rejected events alone begins anew",
        _RESUME,
        "is_known = mine is not None and mine.position and",
        "is_known = mine is not None and mine.position < 0 and",
        "tests/ingest/test_follow_progress.py"
        "::test_a_stream_whose_first_events_are_rejected_gets_beyond_them",
    ),
    Fault(
        1,
        "a process does not know that the last one ended within the replay",
        "blueattr/store/commit/writer.py",
        "SourceState(**row) for",
        'SourceState(**(row | {"stalled": 0})) for',
        "tests/ingest/test_follow_progress.py"
        "::test_a_process_knows_that_the_one_before_it_ended_within_the_replay",
    ),
    # A time in the future.
    Fault(
        2,
        "a relay's time may be of any year",
        _RELAY,
        "if self._latest_us is not None and time_us > self._latest_us:",
        "if False:",
        f"{_TIMES}::test_an_event_of_2099_neither_ends_a_stream_nor_moves_it",
    ),
    Fault(
        2,
        "a relay's time may be dated back",
        _RELAY,
        "return time_us if self.reached_us is None else max(time_us, self.reached_us - _BEHIND_US)",
        "return time_us",
        "tests/decode/binary/test_relay_times.py"
        "::test_a_time_is_not_earlier_than_ten_minutes_before_what_was_reached",
    ),
    Fault(
        2,
        "a server's time may lie ahead of the clock",
        _CLOCK,
        "if last_us >= END_US:",
        "if last_us:",
        f"{_TIMES}::test_an_event_of_2099_neither_ends_a_stream_nor_moves_it",
    ),
    Fault(
        2,
        "a server is asked for a cursor ahead of the clock",
        _RESUME,
        "cursor = cursor if is_far and resume.tries > 1 else min(cursor, microseconds(now))",
        "del is_far",
        f"{_TIMES}::test_no_server_is_asked_for_a_time_ahead_of_the_clock",
    ),
    Fault(
        2,
        "a server is asked for a time ahead of the clock",
        _RESUME,
        "since=since and min(since, now)",
        "since=since",
        f"{_TIMES}::test_no_server_is_asked_for_a_time_ahead_of_the_clock",
    ),
    Fault(
        2,
        "what a slow clock refused is not asked for again",
        _RESUME,
        "return is_kept or (is_timely and after.is_doubt_over(now.replace(tzinfo=None)))",
        "return False",
        f"{_SLOW}::test_a_process_knows_what_the_one_before_it_refused_by_a_slow_clock",
    ),
    Fault(
        2,
        "a process does not know what a slow clock refused before",
        "blueattr/store/commit/writer.py",
        "SourceState(**row) for",
        'SourceState(**(row | {"doubt_after": None, "doubt_from": None})) for',
        f"{_SLOW}::test_a_process_knows_what_the_one_before_it_refused_by_a_slow_clock",
    ),
    Fault(
        2,
        "a decision that the clock is wrong is taken for events that are of now",
        "blueattr/store/commit/batch.py",
        "if after.ahead > before.ahead:",
        "if False:",
        f"{_SLOW}::test_what_a_slow_clock_refused_of_a_stream_is_asked_for_again",
    ),
    Fault(
        2,
        "what is rightly refused is asked for again",
        "blueattr/store/commit/checkpoint.py",
        "self.doubt_after = self.doubt_from = self.doubt_until = None",
        "pass",
        f"{_SLOW}::test_an_event_that_is_rightly_refused_is_not_asked_for_again",
    ),
    Fault(
        1,
        "a run ends between what it had before and what came together with it",
        _FOLLOW,
        "if chunk.goes_on:",
        "if False:",
        _PROGRESS,
    ),
    Fault(
        2,
        "a lag is negative",
        _FOLLOW,
        "return None if age < -AHEAD else max(age, timedelta(0))",
        "return age",
        f"{_TIMES}::test_an_event_minutes_ahead_of_the_clock_has_no_negative_age",
    ),
    Fault(
        2,
        "one far event of a file moves the default window",
        "blueattr/store/stretches.py",
        "size < _FEW and size * _FEW_OF_LARGEST < largest",
        "False",
        "tests/store/test_stretches.py"
        "::test_an_event_far_from_all_others_is_kept_and_moves_nothing",
    ),
    # A stream that stalls.
    Fault(
        14,
        "a server that answers no ping is live once it is quiet",
        _FOLLOW,
        "if quiet > self.pace.quiet and chunk.answered:",
        "if quiet > self.pace.quiet:",
        _QUIET,
    ),
    Fault(
        14,
        "a quiet stream is live whatever its newest event's age",
        _PACE,
        "if lag is not None and lag >= self.quiet_age:",
        "if False:",
        _QUIET,
    ),
    Fault(
        14,
        "a stream that repeats what is known for long is live",
        _FOLLOW,
        "if chunk.again:",
        "if False:",
        _SLOWLY,
    ),
    Fault(
        14,
        "a stream of which more waits than we take is live",
        _PACE,
        "not more",
        "True",
        _SLOWLY,
    ),
    Fault(
        14,
        "a socket takes any pong for an answer to the last ping",
        _SOCKET,
        "return self._answer == _payload(kept)",
        "return bool(self._answer)",
        "tests/sources/test_socket.py::test_an_answer_to_an_earlier_ping_is_no_sign_of_life",
    ),
    # A message that is too long.
    Fault(
        15,
        "a long message ends the connection",
        _SOCKET,
        "max_frame_size=_PASSED_OVER,",
        "max_frame_size=MESSAGE_LIMIT,",
        "tests/sources/test_socket.py::test_a_message_that_is_too_long_is_passed_over",
    ),
    Fault(
        15,
        "a longer one is asked for again and again",
        _FOLLOW,
        "isinstance(lost, MessageTooLong) and self._pass_over(str(lost))",
        "False",
        f"{_SCRIPTED}::test_a_message_that_ends_each_connection_by_its_length_is_passed_over",
    ),
    Fault(
        15,
        "what was passed over is no gap",
        _STREAM,
        "said = None if is_again else gap",
        "said = None if gap else gap",
        f"{_SCRIPTED}::test_a_message_that_is_too_long_is_passed_over_and_is_a_gap",
    ),
    # An AppView's junk.
    Fault(
        21,
        "who is missing beside junk is taken for unknown",
        "blueattr/sources/appview.py",
        "if any(self.faults[fault] for fault in _OF_NOBODY):",
        "if False:",
        "tests/ingest/test_hydrate.py::test_who_is_missing_beside_junk_is_asked_about_again",
    ),
    Fault(
        21,
        "an answer of nothing but junk is an answer",
        "blueattr/sources/appview.py",
        "    if faults and not profiles:\n",
        "    if False:\n",
        "tests/ingest/test_hydrate.py::test_garbage_is_asked_for_again_and_never_kept",
    ),
    # Memory.
    Fault(
        23,
        "a commit is not due by bytes",
        _PACE,
        "is_much = rows >= self._pace.commit_rows or size >= self._writer.shares.lines",
        "is_much = rows >= self._pace.commit_rows or size < 0",
        f"{_SCRIPTED}::test_what_waits_for_a_commit_is_bounded_by_memory",
    ),
    Fault(
        23,
        "what may wait for a commit does not depend on --memory-limit",
        _MEMORY,
        "lines = min(",
        "lines = max(",
        "tests/store/engine/test_memory_shares.py::test_shares_of_a_small_memory_fit_into_it",
    ),
    Fault(
        23,
        "what waits to be decoded does not depend on --memory-limit",
        "blueattr/ingest/follow.py",
        "stream.holding(writer.shares.messages)",
        "stream",
        f"{_SCRIPTED}::test_messages_that_wait_to_be_decoded_are_bounded_by_memory",
    ),
    Fault(
        23,
        "a checkpoint merges row groups of long posts, whose vectors no limit of the engine counts",
        _MEMORY,
        "return size * _VECTOR <= self.vector * max(rows, 1)",
        "return True",
        "tests/store/engine/test_memory_shares.py::test_row_groups_of_long_posts_are_merged_only_where_vectors_of_them_fit",
    ),
    Fault(
        23,
        "a limit that nothing could keep to is accepted",
        "blueattr/analysis/asked/sizes.py",
        "_LEAST_MEMORY, _MOST_MEMORY = 900 << 20, 1 << 50",
        "_LEAST_MEMORY, _MOST_MEMORY = 256 << 20, 1 << 50",
        "tests/store/engine/test_memory_shares.py::test_a_memory_that_nothing_could_keep_to_is_refused_with_the_least",
    ),
    Fault(
        23,
        "the window of a decompressor is beside the memory of an ingest",
        _MEMORY,
        "window=max(memory - LIBRARIES - engine - _IN_COMMIT * lines - _BESIDE_WINDOW, 0)",
        "window=memory // 2",
        "tests/store/engine/test_memory_shares.py::test_shares_of_a_small_memory_fit_into_it",
    ),
    Fault(
        23,
        "long lines are decoded with what an engine has as a rule",
        "blueattr/store/commit/batch.py",
        "with self._store.ample_memory():",
        "if True:",
        "tests/ingest/test_read_memory.py::test_lines_of_megabytes_are_decoded_within_the_least_memory",
    ),
)
