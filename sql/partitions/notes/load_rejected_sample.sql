-- Rows of the table rejected_sample that another store had. In: `given`.
INSERT INTO rejected_sample BY NAME
FROM given
