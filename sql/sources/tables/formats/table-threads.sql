-- A table of one's own in which rows name others by their identifiers: whose they are is looked up in the table.
WITH author AS (
    SELECT record, min(actor) AS actor
    FROM input
    WHERE record IS NOT NULL AND actor IS NOT NULL
    GROUP BY record
)
SELECT
    input.* REPLACE (
        coalesce(input.parent_actor, parents.actor) AS parent_actor,
        coalesce(input.root_actor, roots.actor) AS root_actor,
        coalesce(input.subject_actor, subjects.actor) AS subject_actor,
        coalesce(input.quoted_actor, quotes.actor) AS quoted_actor
    )
FROM input
LEFT JOIN author AS parents ON parents.record = input.parent
LEFT JOIN author AS roots ON roots.record = input.root
LEFT JOIN author AS subjects ON subjects.record = input.subject
LEFT JOIN author AS quotes ON quotes.record = input.quoted
