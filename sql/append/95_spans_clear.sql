-- As for the counts.
DELETE FROM span WHERE source = $name
