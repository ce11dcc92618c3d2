-- Begin to keep sums anew.
-- Needs: row_sum, row_hash
-- Makes: nothing

DELETE FROM row_sum;

-- By this it is known whether another release of the engine hashes as this one does.
DELETE FROM row_hash;

INSERT INTO row_hash VALUES (hash('blueattr', 1::BIGINT, NULL::DATE, ['a']));
