-- The sums that the store keeps, where the engine still hashes as it did. Grain: one table, of records
-- one day.
SELECT name, day, rows, total
FROM row_sum
WHERE EXISTS (FROM row_hash WHERE known = hash('blueattr', 1::BIGINT, NULL::DATE, ['a']))
ORDER BY ALL
