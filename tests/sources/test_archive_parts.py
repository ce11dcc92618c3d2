"""What is left to read of an archive, after what was read of it before."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from blueattr.provenance import Window
from blueattr.sources.archive.parts import Part, remaining
from support.effort import law
from support.events_builder import at

HOURS, WHO = 8, "abc"


@st.composite
def parts(draw: st.DrawFn) -> Part:
    start, end = sorted(draw(st.lists(st.integers(0, HOURS), min_size=2, max_size=2, unique=True)))
    accounts = draw(st.none() | st.frozensets(st.sampled_from(WHO), min_size=1))
    window = Window(at(3600 * start), at(3600 * end))
    return Part(window, accounts, draw(st.integers(0, 9)), draw(st.booleans()))


def holds(part: Part, hour: int, who: str | None) -> bool:
    """Whether a part has what somebody did in an hour; None: somebody whom no part names."""
    time = at(3600 * hour) + timedelta(minutes=30)
    named = part.accounts is None or (who is not None and who in part.accounts)
    return named and part.window.start <= time < part.window.end


@law(300)
@given(parts(), st.lists(parts(), max_size=4))
def test_what_is_left_is_read_once_from_where_it_was_left(asked: Part, known: list[Part]) -> None:
    asked = Part(asked.window, asked.accounts)
    left = remaining(asked, known)
    for hour in range(HOURS):
        for who in (None, *WHO):
            before = [part for part in known if holds(part, hour, who)]
            if asked.accounts is None:
                # Who asks for all has nothing of what was read of some.
                before = [part for part in before if part.accounts is None]
            found = [part.after for part in left if holds(part, hour, who)]
            if not holds(asked, hour, who) or any(part.complete for part in before):
                assert found == []
            else:
                assert found == [max((part.after for part in before), default=0)]
