-- Rows of the table source that another store had. In: `given`.
INSERT INTO source BY NAME
FROM given
