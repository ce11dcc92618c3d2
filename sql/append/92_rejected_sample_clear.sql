-- As for the counts.
DELETE FROM rejected_sample WHERE source = $name
