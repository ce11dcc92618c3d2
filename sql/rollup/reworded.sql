-- Records that lose their words in this commit count as before, and have to be matched anew.
INSERT INTO touched
SELECT stored_day.day, 0, collection, event_time, account, rkey, subject
FROM orphaned
JOIN stored_day ON stored_day.day = event_time::DATE
WHERE NOT removed AND summarised
