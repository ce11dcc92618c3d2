"""Times and sizes of an archive, written for people and for names of sources."""

from datetime import UTC, datetime, timedelta

__all__ = ["spell_bytes", "spell_end", "spell_moment", "to_us"]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_us(moment: datetime) -> int:
    """Return a time in µs since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def spell_moment(us: int) -> str:
    """Write a time, given in µs since 1970."""
    try:
        return (_EPOCH + us * _MICROSECOND).strftime("%Y-%m-%d %H:%M:%S UTC")
    except OverflowError:
        return "an invalid time"


def spell_end(moment: datetime) -> str:
    """Write an end of a window as short as it can be: of a whole day its date."""
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
    return text.removesuffix("T00:00:00")


def spell_bytes(size: int) -> str:
    """Write a number of bytes: 3.2 kB, 21.5 GB."""
    for unit, scale in (("GB", 10**9), ("MB", 10**6)):
        if size >= scale:
            return f"{size / scale:,.1f} {unit}"
    return f"{size / 1e3:,.1f} kB"
