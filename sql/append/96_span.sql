-- Grain: one uninterrupted stretch of one source.
INSERT INTO span VALUES ($name, $first_event, $last_event, $gap)
