-- Operations of the PLC directory between the decoder and the store. Grain: one operation.
CREATE OR REPLACE TEMP TABLE staged_plc (
    did VARCHAR,
    event_time TIMESTAMP,
    handle VARCHAR
)
