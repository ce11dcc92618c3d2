"""Tables of records, of whatever layout: files → rows of text → record events."""
