-- How many posts of accounts state what. Grain: one account and text. Needs the temp table `stated`.
SELECT account, code, posts
FROM stated
