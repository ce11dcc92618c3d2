-- Grain: one rejected line; the first few of each reason.
INSERT INTO rejected_sample VALUES ($name, $reason, $position, $sample)
