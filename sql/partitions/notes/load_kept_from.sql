-- Rows of the table kept_from that another store had. In: `given`.
INSERT INTO kept_from BY NAME
FROM given
