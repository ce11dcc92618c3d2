-- Days of which so much has changed that they are better summarised anew. Grain: one day.
CREATE OR REPLACE TEMP TABLE stale AS
SELECT day
FROM stored_day
WHERE summarised AND corrected > $slack + records // 20
