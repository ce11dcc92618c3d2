-- Lines of a PLC directory export to operations with a verdict each. Grain: one line.
-- In: `lines`, $end and so `ahead`, as for decode_lines.sql. An operation that was nullified never held.
-- web.plc.directory/spec/v0.1/did-plc: `create` is the legacy form and has a plain handle; later
-- forms list aliases, and the handle is the first that is an at:// URI of a valid one
-- (atproto.com/specs/did, "DID Documents"). Likewise the host of the account's repository: `create` has the
-- address of its service, later forms have it among others. Addresses
-- have at most 261 letters.
CREATE OR REPLACE TEMP TABLE decoded AS
SELECT
    position,
    CASE
        WHEN j IS NULL THEN 'not JSON'
        WHEN j.did IS NULL OR j.operation IS NULL THEN 'not a PLC operation'
        WHEN NOT regexp_full_match(j.did, 'did:plc:[2-7a-z]{24}') THEN 'bad DID'
        WHEN event_time IS NULL OR event_time < TIMESTAMP '2020-01-01'
            OR event_time >= $end THEN 'bad time'
        WHEN coalesce(j.nullified, false) THEN 'skip'
        ELSE ''
    END AS verdict,
    coalesce(
        verdict = 'bad time' AND event_time BETWEEN $end AND TIMESTAMP '2100-01-01', false
    ) AS ahead,
    event_time,
    j.did AS did,
    -- An alias is checked below.
    CASE WHEN strlen(named) <= 253 AND lower(named) <> 'handle.invalid'
            AND (j.operation.handle IS NULL OR regexp_full_match(named, $handle))
        THEN lower(named)
    END AS handle,
    CASE
        WHEN strlen(service) > 261 THEN NULL
        -- As nearly all are: to match takes a fifth of the time that it takes to find a part.
        WHEN regexp_full_match(service, 'https://([a-z0-9-]+\.)*[a-z0-9-]+') THEN substr(service, 9)
        ELSE nullif(lower(regexp_extract(service, $host, 1)), '')
    END AS host,
    false AS synthetic
FROM (
    SELECT
        *,
        try_cast(j.createdAt AS TIMESTAMPTZ)::TIMESTAMP AS event_time,
        coalesce(
            j.operation.handle,
            list_filter(
                list_transform(
                    list_filter(j.operation.alsoKnownAs, lambda alias: starts_with(alias, 'at://')),
                    lambda alias: substr(alias, 6)
                ),
                lambda name: strlen(name) <= 253 AND regexp_full_match(name, $handle)
            )[1]
        ) AS named,
        coalesce(j.operation.services.atproto_pds.endpoint, j.operation.service) AS service
    FROM (SELECT position, line, try(from_json(line, $plc)) AS j FROM lines)
)
