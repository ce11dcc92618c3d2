-- Rows of the table source_account that another store had. In: `given`.
INSERT INTO source_account BY NAME
FROM given
