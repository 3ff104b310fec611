-- name: letter_known
-- Returns 1 if an occurrence (one rejection of a record) is already stored,
-- else no row.
SELECT 1 FROM dead_letter_attempts WHERE occurrence = $1

-- name: letter_store
-- Inserts a dead letter. If a letter with the same reject id exists, adds 1 to
-- its attempts and sets its status to open. Returns the id of the row.
INSERT INTO dead_letters (reject_id, pipeline, run, stage, code,
    error_message, pointer, origin, sqlstate, http_status, retryable,
    created_at, last_seen_at, raw, raw_data, bytes, sha256, pipeline_run_id,
    attempts)
VALUES ($1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14, $15,
    $16, $17, $18, 1)
ON CONFLICT (reject_id) DO UPDATE SET
    pipeline = excluded.pipeline, run = excluded.run, stage = excluded.stage,
    code = excluded.code, error_message = excluded.error_message,
    pointer = excluded.pointer, origin = excluded.origin,
    sqlstate = excluded.sqlstate, http_status = excluded.http_status,
    retryable = excluded.retryable, last_seen_at = excluded.last_seen_at,
    raw = excluded.raw, raw_data = excluded.raw_data, bytes = excluded.bytes,
    sha256 = excluded.sha256,
    pipeline_run_id = coalesce(excluded.pipeline_run_id, pipeline_run_id),
    attempts = attempts + 1, status = 'open', resolved_at = NULL,
    resolved_by_run = NULL, reason = NULL, erased_at = NULL
RETURNING id

-- name: letter_attempt
-- Inserts an occurrence, one rejection of the record of a dead letter.
INSERT INTO dead_letter_attempts (dead_letter_id, occurrence,
    pipeline_run_id, at, message)
VALUES ($1, $2, $3, $4, $5)

-- name: letter_resolve
-- Resolves a dead letter whose record was replayed (sent through the pipeline
-- again), but only if resolved_upto is still $3. If another command has changed
-- the letter, this statement changes no row.
UPDATE dead_letters SET
    resolved_upto = $2,
    status = CASE WHEN attempts > $2 THEN 'open' ELSE 'resolved' END,
    resolved_at = CASE WHEN attempts > $2 THEN NULL ELSE
        strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') END,
    resolved_by_run = CASE WHEN attempts > $2 THEN NULL ELSE $4 END,
    reason = NULL
WHERE reject_id = $1 AND resolved_upto = $3 AND $2 BETWEEN $3 AND attempts

-- name: letters_count
-- Counts the dead letters that match a filter, whose conditions are appended to
-- WHERE true.
SELECT count(*) FROM dead_letters AS d WHERE true

-- name: letters_last
-- Reads the highest id of any dead letter.
SELECT coalesce(max(id), 0) FROM dead_letters

-- name: letters_page
-- Reads dead letters in pages, the oldest first. The rejected record (column
-- raw) is left out if it has more than 16 KiB: letter_raw reads it.
SELECT id, attempts, resolved_upto, length(raw), bytes, http_status,
    retryable, reject_id, stage, code, pipeline, run, error_message, pointer,
    origin, created_at, last_seen_at, status, sqlstate, reason, resolved_at,
    resolved_by_run, erased_at, sha256,
    CASE WHEN length(raw) <= 16384 THEN raw END
FROM dead_letters AS d
WHERE true
ORDER BY created_at, id
LIMIT $1

-- name: letters_causes
-- Counts dead letters by cause (stage, code and message), with the id of the
-- oldest letter of each cause.
-- If a query has min(), SQLite guarantees that the other columns, here id, come
-- from the row with the minimum.
SELECT stage, code, error_message, count(*), sum(attempts),
    sum(status = 'open'), min(created_at), id
FROM dead_letters AS d
WHERE true
GROUP BY stage, code, error_message

-- name: letters_words
-- Lists the codes, stages or pipelines of all dead letters; $1 is code, stage
-- or pipeline. If a selection matches no letter, etl-dlq suggests the word that
-- the user probably meant.
SELECT DISTINCT CASE $1 WHEN 'code' THEN code WHEN 'stage' THEN stage
    ELSE coalesce(pipeline, '') END
FROM dead_letters

-- name: letters_groups
-- Counts the dead letters that etl-dlq replay would send through the pipeline
-- again, by the pipeline and stage that rejected them.
SELECT pipeline, stage, count(*)
FROM (SELECT coalesce(pipeline, '') AS pipeline, stage
    FROM dead_letters AS d
    WHERE true
    ORDER BY created_at, id
    LIMIT coalesce($1, -1)) AS c
GROUP BY pipeline, stage
ORDER BY pipeline, stage
LIMIT 17

-- name: letters_runs
-- Counts the runs whose uuid begins with $1 and that have rejected records. An
-- occurrence (one rejection) has an id that begins with the uuid of its run.
SELECT count(DISTINCT substr(occurrence, 1, instr(occurrence, '/') - 1))
FROM dead_letter_attempts
WHERE substr(occurrence, 1, length($1)) = $1

-- name: letters_purge
-- Deletes up to $1 dead letters and, by ON DELETE CASCADE, their occurrences.
-- The caller repeats the statement, so that no lock is held for long.
DELETE FROM dead_letters
WHERE id IN (SELECT id FROM dead_letters AS d WHERE true ORDER BY id LIMIT $1)

-- name: letter_by_number
-- Finds a dead letter by the number in its column id.
SELECT id FROM dead_letters WHERE id = $1

-- name: letter_by_prefix
-- Finds the dead letters whose reject id begins with $1. Two rows are enough to
-- show that the prefix is ambiguous. A reject id has only the digits 0-9 and
-- a-f, so every id with this prefix sorts before the prefix followed by g.
SELECT id FROM dead_letters
WHERE reject_id >= $1 AND reject_id < $1 || 'g'
ORDER BY reject_id
LIMIT 2

-- name: letter_close
-- Sets the status of a dead letter, for etl-dlq resolve and discard.
UPDATE dead_letters
SET status = $2, resolved_upto = attempts, reason = $3,
    resolved_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
WHERE id = $1

-- name: letter_erase
-- Removes the rejected record of a dead letter, and the texts that may quote
-- it, for etl-dlq erase. The row with its counts stays.
UPDATE dead_letters SET
    raw = x'', raw_data = NULL, error_message = '', origin = NULL,
    sha256 = NULL, erased_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
WHERE id = $1

-- name: letter_erase_times
-- Removes the messages of all rejections (occurrences) of a dead letter,
-- because they may quote the record, for etl-dlq erase.
UPDATE dead_letter_attempts SET message = '' WHERE dead_letter_id = $1

-- name: letter_example
-- Reads the message of a dead letter and the start of its record, as an example
-- of the cause.
SELECT error_message, substr(raw, 1, 81) FROM dead_letters WHERE id = $1

-- name: letter_raw
-- Reads the whole record of a dead letter: SQLite would read the whole value
-- for any part of it. Returns no row if the letter has changed: attempts is
-- then not $2.
SELECT raw FROM dead_letters WHERE id = $1 AND attempts = $2

-- name: letter_times
-- Lists up to 256 occurrences (single rejections) of a dead letter, by time and
-- id: those that come after the time $2 and the occurrence id $3.
SELECT occurrence, at, message
FROM dead_letter_attempts
WHERE dead_letter_id = $1 AND (at, occurrence) > ($2, $3)
ORDER BY at, occurrence
LIMIT 256
