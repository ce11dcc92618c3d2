-- Begin to forget: what goes from days that are summarised. Grain: one record.
-- Needs: forgetting, record, stored_day
-- Makes: touched

CREATE OR REPLACE TEMP TABLE touched AS
SELECT day, (-1)::TINYINT AS sign, collection, event_time, record.account, rkey, subject,
    is_repeat, quoted
FROM record
JOIN forgetting USING (account)
JOIN stored_day ON stored_day.day = event_time::DATE
WHERE NOT removed AND summarised;
