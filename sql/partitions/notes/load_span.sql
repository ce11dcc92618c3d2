-- Rows of the table span that another store had. In: `given`.
INSERT INTO span BY NAME
FROM given
