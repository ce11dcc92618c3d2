-- Count the records that the commit touches. Grain: one summarised day.
UPDATE stored_day
SET corrected = corrected + touches
FROM (SELECT day, count(*) AS touches FROM touched GROUP BY day) AS new
WHERE stored_day.day = new.day
