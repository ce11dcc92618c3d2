"""Faults of settings, schedules, names of files and the machine."""

from strength.faults.fault import Fault

__all__ = ["FAULTS"]


FAULTS = (
    # Two names, one file.
    Fault(
        10,
        "topics that differ in a dash have one file",
        "blueattr/report/pages/file_names.py",
        "return file_name(topic.name)",
        "return slug(topic.name)",
        "tests/report/test_file_names.py"
        "::test_topics_that_differ_in_a_dash_do_not_overwrite_each_other",
    ),
    # TOML that is nested deeply.
    Fault(
        11,
        "deep lists are a traceback",
        "blueattr/toml_file.py",
        "        except RecursionError:\n",
        "        except ZeroDivisionError:\n",
        "tests/house/test_toml_file.py"
        "::test_deep_nesting_is_refused_by_each_reader_and_ends_in_no_traceback",
    ),
    # A crontab.
    Fault(
        13,
        "cron takes the backslashes of a path away",
        "blueattr/runs/schedule/cron.py",
        r"""text.replace("\\", r"\\").replace("%", r"\%")""",
        r"""text.replace("%", r"\%")""",
        "tests/runs/test_schedule.py"
        "::test_backslashes_and_percent_signs_reach_the_shell_as_they_are",
    ),
    # Machine code without a home.
    Fault(
        19,
        "machine code is loaded from a folder in the working folder",
        "blueattr/kernels/machine_code.py",
        "        if not caches.is_absolute():  # HOME is set, but to no folder\n",
        "        if False:\n",
        "tests/kernels/test_compiled.py"
        "::test_nothing_is_cached_in_the_working_folder_where_there_is_no_home",
    ),
    # Two units of one name.
    Fault(
        20,
        "settings in folders of one name have the same units",
        "cli/commands/schedule.py",
        "hashlib.sha256(os.fsencode(config)).hexdigest()[:8]",
        "hashlib.sha256(b'').hexdigest()[:8]",
        "tests/runs/test_schedule.py::test_settings_in_folders_of_one_name_have_units_of_their_own",
    ),
    # Little address space.
    Fault(
        22,
        "little address space ends in a crash",
        "cli/space.py",
        "_limited(_LEAST)",
        "_limited(0)",
        "tests/cli/test_exit_codes.py::test_little_address_space_is_refused_before_work",
    ),
    Fault(
        22,
        "what works in little space goes on when what watches it is gone",
        "cli/space.py",
        "        _end_with(watching)\n",
        "",
        "tests/cli/test_space.py::test_what_is_watched_ends_when_what_watches_is_killed",
    ),
)
