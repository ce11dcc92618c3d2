-- How many posts of accounts state it. Grain: one account and text. Needs the temp tables `stated` and
-- `stated_name`.
SELECT account, code, posts
FROM stated
JOIN stated_name USING (said)
