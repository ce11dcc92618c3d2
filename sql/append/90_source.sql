-- How far the source was read; in the same transaction as its rows. What it says of the source is
-- the whole of it, not an increment. Grain: one source.
INSERT OR REPLACE INTO source VALUES (
    $name, $kind, $fingerprint, $position, $complete, $lines, $kept, $skipped,
    $first_event, $last_event
)
