CREATE TEMPORARY TABLE IF NOT EXISTS etl_letters (
    n bigint GENERATED ALWAYS AS IDENTITY, reject_id text COLLATE "C",
    occurrence text COLLATE "C", pipeline text, run text, stage text,
    code text, message text, pointer text, origin text, sqlstate text,
    http_status integer, retryable boolean, at timestamptz, raw bytea,
    raw_data text, bytes bigint, sha256 text
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS etl_resolves (
    n bigint, reject_id text COLLATE "C", seen bigint, upto bigint
) ON COMMIT DELETE ROWS
