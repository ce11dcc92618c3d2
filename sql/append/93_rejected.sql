-- Grain: one source and reason.
INSERT INTO rejected VALUES ($name, $reason, $lines)
