-- name: letters_stage
-- Creates the temporary tables for the reject lines (etl_letters) and the
-- resolve marks (etl_resolves) of a transaction.
CREATE TEMPORARY TABLE IF NOT EXISTS etl_letters (
    n bigint GENERATED ALWAYS AS IDENTITY, reject_id text COLLATE "C",
    occurrence text COLLATE "C", pipeline text, run text, stage text,
    code text, message text, pointer text, origin text, sqlstate text,
    http_status integer, retryable boolean, at timestamptz, raw bytea,
    raw_data text, bytes bigint, sha256 text, stream text, target text,
    own_id text COLLATE "C"
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS etl_resolves (
    n bigint, reject_id text COLLATE "C", seen bigint, upto bigint
) ON COMMIT DELETE ROWS

-- name: letters_copy
-- Copies reject lines (rejected records) into the temporary table etl_letters.
COPY pg_temp.etl_letters (reject_id, occurrence, pipeline, run, stage, code,
    message, pointer, origin, sqlstate, http_status, retryable, at, raw,
    raw_data, bytes, sha256, stream, target, own_id)
FROM STDIN

-- name: letters_copy_resolves
-- Copies resolve marks (each says that the record of a dead letter was sent
-- through the pipeline again) into the temporary table etl_resolves.
COPY pg_temp.etl_resolves (n, reject_id, seen, upto) FROM STDIN

-- name: letters_savepoint
-- Sets the savepoint to which letters_without_json rolls back.
SAVEPOINT etl_letters

-- name: letters_without_json
-- Called if letters_merge has failed because jsonb refuses a text, although it
-- is valid JSON. Rolls back, and removes raw_data from the copied lines, so
-- that the next letters_merge succeeds. The column raw still has the bytes.
ROLLBACK TO SAVEPOINT etl_letters;
UPDATE pg_temp.etl_letters SET raw_data = NULL

-- name: letters_lock
-- Locks the rows of dead_letters that the transaction changes, in the order of
-- their reject ids, and inserts the missing ones. So two loaders cannot
-- deadlock, and etl-dlq purge cannot delete one of these rows before the
-- COMMIT. An existing row is locked by DO UPDATE, but WHERE false leaves it
-- unchanged. If several rejects have the same time, created_at is later by a
-- microsecond for each further one, so that their letters are listed and
-- replayed in the order in which their records came.
INSERT INTO {schema}.dead_letters (reject_id, stage, code, error_message,
    created_at, last_seen_at, raw)
SELECT DISTINCT ON (reject_id) reject_id, stage, code, message,
    least(at, pg_catalog.now()) OPERATOR(pg_catalog.+) (
        (pg_catalog.row_number() OVER (PARTITION BY
            least(at, pg_catalog.now()) ORDER BY n)
            OPERATOR(pg_catalog.-) 1)::float8
        OPERATOR(pg_catalog.*) '1 microsecond'::interval),
    least(at, pg_catalog.now()), ''
FROM (
    SELECT reject_id, stage, code, message, at, n FROM pg_temp.etl_letters
    UNION ALL
    SELECT own_id, stage, code, message, at, n FROM pg_temp.etl_letters
    WHERE own_id IS NOT NULL
    UNION ALL
    SELECT reject_id, '', '', '', pg_catalog.now(), NULL
    FROM pg_temp.etl_resolves
) AS touched
ORDER BY reject_id, n
ON CONFLICT (reject_id) DO UPDATE SET attempts = 0 WHERE false

-- name: letters_change_ids
-- A reject line whose id is not computed from its bytes or its key (own_id is
-- not null) may have the id of another record's dead letter: the letter has
-- other bytes, or another pipeline, stream or stage. Such a letter must not
-- change, so the line gets the id own_id. If several new lines with other bytes
-- have one id, only the first one keeps it.
WITH letters AS (
    SELECT d.reject_id, d.raw, d.pipeline, d.stream, d.stage
    FROM {schema}.dead_letters AS d
    WHERE d.attempts > 0 AND d.erased_at IS NULL AND d.reject_id IN (
        SELECT reject_id FROM pg_temp.etl_letters WHERE own_id IS NOT NULL)
), lines AS (
    SELECT DISTINCT ON (l.reject_id) l.reject_id, l.raw, l.pipeline, l.stream,
        l.stage
    FROM pg_temp.etl_letters AS l
    WHERE l.reject_id IN (
            SELECT reject_id FROM pg_temp.etl_letters WHERE own_id IS NOT NULL)
        AND l.reject_id NOT IN (SELECT reject_id FROM letters)
    ORDER BY l.reject_id, l.own_id IS NOT NULL, l.n
)
UPDATE pg_temp.etl_letters AS l SET reject_id = l.own_id, own_id = NULL
FROM (SELECT * FROM letters UNION ALL SELECT * FROM lines) AS o
WHERE l.own_id IS NOT NULL AND l.reject_id = o.reject_id
    AND (l.raw <> o.raw OR l.stage <> o.stage
    OR coalesce(l.pipeline, '') <> coalesce(o.pipeline, '')
    OR coalesce(l.stream, '') <> coalesce(o.stream, ''))

-- name: letters_resolve
-- Resolves dead letters whose records were replayed (sent through the pipeline
-- again). Leaves out letters that another command has changed: their
-- resolved_upto is not the value that the replay has read. If several marks
-- name one letter, upto of each mark must be equal to seen of the mark before
-- it. Resolves only letters of the replay's pipeline $2, stream $3, stage $4
-- and table $5. A letter that an older etl has stored has no table.
WITH marks AS (
    SELECT *, seen >= upto AND upto = pg_catalog.lag(seen, 1, upto)
        OVER (PARTITION BY reject_id ORDER BY n) AS follows
    FROM pg_temp.etl_resolves
), replayed AS (
    SELECT reject_id, pg_catalog.min(upto) AS upto, pg_catalog.max(seen) AS seen
    FROM marks
    GROUP BY reject_id
    HAVING pg_catalog.bool_and(follows)
), resolved AS (
    UPDATE {schema}.dead_letters AS d SET
        resolved_upto = r.seen,
        status = CASE WHEN attempts > r.seen THEN 'open' ELSE 'resolved' END,
        resolved_at = CASE WHEN attempts > r.seen THEN NULL
            ELSE pg_catalog.now() END,
        resolved_by_run = CASE WHEN attempts > r.seen THEN NULL ELSE $1 END,
        reason = NULL
    FROM replayed AS r
    WHERE d.reject_id = r.reject_id AND d.resolved_upto = r.upto
        AND r.seen <= d.attempts AND d.attempts > 0
        AND coalesce(d.pipeline, '') = coalesce($2::text, '')
        AND coalesce(d.stream, '') = coalesce($3::text, '')
        AND d.stage = coalesce($4::text, '')
        AND coalesce(d.target, $5::text, '') = coalesce($5::text, '')
    RETURNING d.reject_id
)
SELECT n FROM marks JOIN resolved USING (reject_id)

-- name: letters_times
-- Reads when the records of the dead letters $1, a JSON array of reject ids,
-- were last rejected. If the open rejections of a letter have different bytes,
-- returns the time of the first of them. The first column is the place of the
-- letter in the array, from 0.
SELECT l.n OPERATOR(pg_catalog.-) 1, pg_catalog.to_char(coalesce(
    (SELECT pg_catalog.min(o.at)
        FROM (SELECT a.at, a.raw FROM {schema}.dead_letter_attempts AS a
            WHERE a.dead_letter_id = d.id
            ORDER BY a.number OFFSET d.resolved_upto) AS o
        HAVING pg_catalog.bool_or(o.raw IS NOT NULL)),
    d.last_seen_at), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
FROM pg_catalog.json_array_elements_text($1::json) WITH ORDINALITY AS l(id, n)
    JOIN {schema}.dead_letters AS d ON d.reject_id = l.id COLLATE "C"

-- name: letters_merge
-- Inserts the occurrences (single rejections of a record) of etl_letters that
-- are not stored yet, and updates their letters in dead_letters. Returns how
-- many occurrences were inserted. A letter has the bytes of its newest
-- occurrence; an occurrence with other bytes keeps them in its own row. A
-- letter keeps its stage: in a replay that repairs records, a loader has
-- another name, such as load.2, and the next replay must find the letter. This
-- statement is not part of letters_lock: only a later statement sees the rows
-- that other transactions committed while letters_lock waited. A rejection is
-- never later than the transaction that stores it, also if the clock of the
-- client is ahead: a replay compares this time with the time at which a row was
-- written (etl-load --touch).
WITH staged AS (
    SELECT DISTINCT ON (l.occurrence) d.id, l.occurrence, l.n,
        least(l.at, pg_catalog.now()) AS at, l.message, l.raw
    FROM pg_temp.etl_letters AS l
        JOIN {schema}.dead_letters AS d USING (reject_id)
    WHERE NOT EXISTS (SELECT FROM {schema}.dead_letter_attempts AS a
        WHERE a.occurrence = l.occurrence)
    ORDER BY l.occurrence, l.n
), newest AS (
    SELECT DISTINCT ON (id) id, n, raw FROM staged ORDER BY id, n DESC
), added AS (
    INSERT INTO {schema}.dead_letter_attempts (dead_letter_id, occurrence,
        pipeline_run_id, at, message, raw)
    SELECT s.id, s.occurrence, $1::bigint, s.at, s.message,
        CASE WHEN s.raw <> w.raw THEN s.raw END
    FROM staged AS s JOIN newest AS w USING (id)
    ORDER BY s.n
    ON CONFLICT (occurrence) DO NOTHING
    RETURNING dead_letter_id
), latest AS (
    SELECT w.id, w.n, pg_catalog.count(*) AS times
    FROM added JOIN newest AS w ON w.id = added.dead_letter_id
    GROUP BY w.id, w.n
), kept AS (
    -- copies the letter's old bytes to its earlier occurrences that have them
    UPDATE {schema}.dead_letter_attempts AS a SET raw = d.raw
    FROM {schema}.dead_letters AS d JOIN newest AS w USING (id)
    WHERE a.dead_letter_id = d.id AND a.raw IS NULL AND d.attempts > 0
        AND d.raw <> w.raw
), merged AS (
    UPDATE {schema}.dead_letters AS d SET
        pipeline = l.pipeline, run = l.run, code = l.code,
        stage = CASE WHEN d.attempts = 0 THEN l.stage ELSE d.stage END,
        error_message = l.message, pointer = l.pointer,
        origin = l.origin::json, sqlstate = l.sqlstate,
        http_status = l.http_status, retryable = l.retryable,
        last_seen_at = least(l.at, pg_catalog.now()), raw = l.raw,
        raw_data = l.raw_data::jsonb,
        bytes = l.bytes, sha256 = l.sha256, stream = l.stream,
        target = l.target,
        pipeline_run_id = coalesce($1::bigint, d.pipeline_run_id),
        attempts = d.attempts + latest.times, status = 'open',
        resolved_at = NULL, resolved_by_run = NULL, reason = NULL,
        erased_at = NULL
    FROM latest JOIN pg_temp.etl_letters AS l USING (n)
    WHERE d.id = latest.id
)
SELECT pg_catalog.count(*) FROM added

-- name: letters_clear_stage
-- Deletes the rows of dead_letters that letters_lock has inserted, but for
-- which no occurrence was stored (attempts is 0). Empties the temporary tables.
DELETE FROM {schema}.dead_letters
WHERE attempts = 0
    AND (reject_id IN (SELECT reject_id FROM pg_temp.etl_letters)
    OR reject_id IN (SELECT own_id FROM pg_temp.etl_letters
        WHERE own_id IS NOT NULL)
    OR reject_id IN (SELECT reject_id FROM pg_temp.etl_resolves));
RELEASE SAVEPOINT etl_letters;
DELETE FROM pg_temp.etl_letters;
DELETE FROM pg_temp.etl_resolves

-- name: letters_drop_stage
-- Drops the temporary tables, because a pool such as PgBouncer may give the
-- session to another client after the transaction.
DROP TABLE pg_temp.etl_letters, pg_temp.etl_resolves

-- name: letters_count
-- Counts the dead letters that match a filter, whose conditions are appended to
-- WHERE true.
SELECT pg_catalog.count(*) FROM {schema}.dead_letters AS d WHERE true

-- name: letters_last
-- Reads the highest id of any dead letter.
SELECT coalesce(pg_catalog.max(id), 0) FROM {schema}.dead_letters

-- name: letters_page
-- Reads dead letters in pages, the oldest first. The rejected record (column
-- raw) is left out if it has more than 16 KiB: letter_raw reads it.
SELECT id, attempts, resolved_upto, pg_catalog.octet_length(raw), bytes,
    http_status, retryable,
    EXISTS (SELECT FROM {schema}.dead_letter_attempts AS a
        WHERE a.dead_letter_id = d.id AND a.raw IS NOT NULL),
    reject_id, stage, code, pipeline, run, error_message, pointer, origin,
    pg_catalog.to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    pg_catalog.to_char(last_seen_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    status, sqlstate, reason,
    pg_catalog.to_char(resolved_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    resolved_by_run,
    pg_catalog.to_char(erased_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    sha256, stream, target,
    CASE WHEN pg_catalog.octet_length(raw) <= 16384 THEN raw END
FROM {schema}.dead_letters AS d
WHERE true
ORDER BY d.created_at, d.id
LIMIT $1

-- name: letters_causes
-- Counts dead letters by cause (stage, code and message), with the id of the
-- oldest letter of each cause.
SELECT stage, code, error_message, pg_catalog.count(*),
    pg_catalog.sum(attempts)::bigint,
    pg_catalog.count(*) FILTER (WHERE status = 'open'),
    pg_catalog.to_char(pg_catalog.min(created_at),
        'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    (pg_catalog.array_agg(id ORDER BY created_at, id))[1]
FROM {schema}.dead_letters AS d
WHERE true
GROUP BY stage, code, error_message

-- name: letters_words
-- Lists the codes, stages, streams, targets or pipelines of all dead letters;
-- $1 is code, stage, stream, target or pipeline. If a selection matches no
-- letter, etl-dlq suggests the word that the user probably meant.
SELECT DISTINCT CASE $1::text WHEN 'code' THEN code WHEN 'stage' THEN stage
    WHEN 'stream' THEN coalesce(stream, '')
    WHEN 'target' THEN coalesce(target, '')
    ELSE coalesce(pipeline, '') END
FROM {schema}.dead_letters

-- name: letters_groups
-- Counts the dead letters that etl-dlq replay would send through the pipeline
-- again. They are grouped by the pipeline, stream, stage and table that
-- rejected them. The last but one column is 1 if any letter has a stream, and
-- the last one if any letter has a table.
SELECT pipeline, stream, stage, target, pg_catalog.count(*),
    pg_catalog.max(pg_catalog.max(CASE WHEN stream = '' THEN 0 ELSE 1 END))
        OVER (),
    pg_catalog.max(pg_catalog.max(CASE WHEN target = '' THEN 0 ELSE 1 END))
        OVER ()
FROM (SELECT coalesce(pipeline, '') AS pipeline,
    coalesce(stream, '') AS stream, stage, coalesce(target, '') AS target
    FROM {schema}.dead_letters AS d
    WHERE true
    ORDER BY created_at, id
    LIMIT $1) AS c
GROUP BY pipeline, stream, stage, target
ORDER BY pipeline, stream, stage, target
LIMIT 17

-- name: letters_runs
-- Counts the runs that have rejected records and whose uuid begins with $1. The
-- id of an occurrence (one rejection) begins with the uuid of the run.
SELECT pg_catalog.count(DISTINCT pg_catalog.split_part(occurrence, '/', 1))
FROM {schema}.dead_letter_attempts
WHERE pg_catalog.starts_with(occurrence, $1)

-- name: letters_purge
-- Deletes up to $1 dead letters and, by ON DELETE CASCADE, their occurrences.
-- The caller repeats the statement, so that no lock is held for long. Skips
-- letters that a loader has locked, so that etl-dlq purge and the loader cannot
-- deadlock.
DELETE FROM {schema}.dead_letters
WHERE id IN (SELECT id FROM {schema}.dead_letters AS d
    WHERE true ORDER BY id LIMIT $1
    FOR UPDATE SKIP LOCKED)

-- name: letter_by_number
-- Finds a dead letter by the number in its column id.
SELECT id FROM {schema}.dead_letters WHERE id = $1

-- name: letter_by_prefix
-- Finds the dead letters whose reject id begins with $1. Two rows are enough to
-- show that the prefix is ambiguous. A reject id has only the digits 0-9 and
-- a-f, so every id with this prefix sorts before the prefix followed by g.
SELECT id FROM {schema}.dead_letters
WHERE reject_id >= $1::text AND reject_id < $1::text || 'g'
ORDER BY reject_id
LIMIT 2

-- name: letter_close
-- Sets the status of a dead letter, for etl-dlq resolve and discard. Sets
-- resolved_upto to attempts: all its occurrences so far are settled.
UPDATE {schema}.dead_letters
SET status = $2, resolved_upto = attempts, reason = $3,
    resolved_at = pg_catalog.now()
WHERE id = $1

-- name: letter_erase
-- Removes the rejected record of a dead letter, and the texts that may quote
-- it, for etl-dlq erase. The row with its counts stays.
UPDATE {schema}.dead_letters SET
    raw = '', raw_data = NULL, error_message = '', origin = NULL,
    sha256 = NULL, erased_at = pg_catalog.now()
WHERE id = $1

-- name: letter_erase_times
-- For etl-dlq erase: removes the bytes and the messages of all occurrences
-- (single rejections) of a dead letter. A message may quote the record.
UPDATE {schema}.dead_letter_attempts SET message = '', raw = ''
WHERE dead_letter_id = $1

-- name: letter_example
-- Reads the message of a dead letter and the start of its record, as an example
-- of the cause.
SELECT error_message, substring(raw FROM 1 FOR 81)
FROM {schema}.dead_letters
WHERE id = $1

-- name: letter_raw
-- Reads $4 bytes of a dead letter's record, from byte $3 on; the first byte is
-- 1. Returns no row if the letter has changed: attempts is then not $2.
SELECT substring(raw FROM $3::integer FOR $4::integer)
FROM {schema}.dead_letters
WHERE id = $1 AND attempts = $2

-- name: letter_times
-- Lists up to 256 occurrences (single rejections) of a dead letter, in the
-- order in which they came: those with a number above $2, without the first $3
-- of them. An occurrence may have bytes of its own; if these are more than 16
-- KiB, they are left out, and letter_time_raw reads them.
SELECT number, pg_catalog.octet_length(raw), occurrence,
    pg_catalog.to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), message,
    CASE WHEN pg_catalog.octet_length(raw) <= 16384 THEN raw END
FROM {schema}.dead_letter_attempts
WHERE dead_letter_id = $1 AND number > $2
ORDER BY number
LIMIT 256 OFFSET $3

-- name: letter_times_distinct
-- Like letter_times, but takes the $4 occurrences after the first $3 of the
-- letter, and lists only the last one of those with the same bytes.
SELECT number, pg_catalog.octet_length(raw), occurrence,
    pg_catalog.to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), message,
    CASE WHEN pg_catalog.octet_length(raw) <= 16384 THEN raw END
FROM {schema}.dead_letter_attempts
WHERE dead_letter_id = $1 AND number > $2 AND number IN (
    SELECT pg_catalog.max(number)
    FROM (SELECT a.number, coalesce(a.raw, d.raw) AS raw
        FROM {schema}.dead_letter_attempts AS a
            JOIN {schema}.dead_letters AS d ON d.id = a.dead_letter_id
        WHERE a.dead_letter_id = $1
        ORDER BY a.number
        LIMIT $4 OFFSET $3) AS o
    GROUP BY raw)
ORDER BY number
LIMIT 256

-- name: letter_time_raw
-- Reads $4 bytes of the own bytes of a dead letter's occurrence with the number
-- $2, from byte $3 on; the first byte is 1.
SELECT substring(raw FROM $3::integer FOR $4::integer)
FROM {schema}.dead_letter_attempts
WHERE dead_letter_id = $1 AND number = $2
