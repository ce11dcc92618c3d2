-- Members of objects of JSON as text. Grain: one line that is JSON, in order.
-- In: `lines` (line VARCHAR), an Arrow table; $paths, of the members.
SELECT json_extract_string(line, $paths::VARCHAR[]) AS members
FROM lines
WHERE json_valid(line)
