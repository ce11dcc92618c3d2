-- What each record of the panel is worth to its author. Grain: one record. It may be one that does
-- not count itself, if others answered, reposted or quoted it; $influence has what counts of that.
-- Needs: counted_part, named
-- Makes: record_value

CREATE OR REPLACE TEMP TABLE record_value AS
SELECT
    account,
    collection,
    rkey,
    sum(written)::INTEGER AS written,
    sum(replies_received)::INTEGER AS replies_received,
    sum(reposts_received)::INTEGER AS reposts_received,
    sum(quotes_received)::INTEGER AS quotes_received,
    sum(written) * any_value(unit_a) AS value_own,
    (sum(replies_received) + sum(reposts_received) + sum(quotes_received)) * any_value(unit_c)
        AS value_received
FROM counted_part($influence)
JOIN named USING (account)
GROUP BY account, collection, rkey
