-- Who is gone at the window's end. Grain: one account. Needs the temp table `inactive`.
SELECT account
FROM inactive
