-- What posts state, as `languages.sql` or `link_hosts.sql` found it. Grain: one text, ascending.
SELECT code, said
FROM stated_name
ORDER BY code
