-- Rows of the table rejected that another store had. In: `given`.
INSERT INTO rejected BY NAME
FROM given
