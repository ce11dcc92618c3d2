-- The counts of a source are replaced as a whole, so that reading it again counts nothing twice.
DELETE FROM rejected WHERE source = $name
