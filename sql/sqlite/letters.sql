-- name: letter_is_other
-- Returns 1 if the dead letter with the reject id $1 is the letter of another
-- record than the reject line: it has other bytes, or another pipeline, stream
-- or stage.
SELECT 1 FROM dead_letters
WHERE reject_id = $1 AND erased_at IS NULL AND (raw <> $2
    OR coalesce(pipeline, '') <> coalesce($3, '')
    OR coalesce(stream, '') <> coalesce($4, '') OR stage <> $5)

-- name: letter_state
-- Returns 1 if the occurrence $1 (one rejection of a record) is already stored.
-- Else returns 2 if the dead letter with the reject id $2 has other bytes than
-- $3. Else returns 0.
SELECT CASE
    WHEN EXISTS (SELECT 1 FROM dead_letter_attempts WHERE occurrence = $1)
        THEN 1
    WHEN EXISTS (SELECT 1 FROM dead_letters
            WHERE reject_id = $2 AND raw <> $3) THEN 2
    ELSE 0 END

-- name: letter_bytes
-- Reads the bytes of the dead letter with the reject id $1.
SELECT raw FROM dead_letters WHERE reject_id = $1

-- name: letter_keep_bytes
-- Called before a dead letter gets other bytes. Copies its old bytes $2 to the
-- occurrences that have these bytes: those after the last occurrence with bytes
-- of its own. The caller passes the bytes, because a subquery for them would
-- need twice the memory.
UPDATE dead_letter_attempts SET raw = $2
WHERE dead_letter_id = (SELECT id FROM dead_letters WHERE reject_id = $1)
    AND number > coalesce((SELECT max(a.number)
        FROM dead_letter_attempts AS a
            JOIN dead_letters AS d ON d.id = a.dead_letter_id
        WHERE d.reject_id = $1 AND a.raw IS NOT NULL), 0)

-- name: letter_store
-- Inserts a dead letter. If a letter with the same reject id exists, adds 1 to
-- its attempts and sets its status to open. The letter keeps its stage: in a
-- replay that repairs records, a loader has another name, such as load.2, and
-- the next replay must find the letter. Returns the id of the row.
INSERT INTO dead_letters (reject_id, pipeline, run, stage, code,
    error_message, pointer, origin, sqlstate, http_status, retryable,
    created_at, last_seen_at, raw, raw_data, bytes, sha256, stream, target,
    pipeline_run_id, attempts)
VALUES ($1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14, $15,
    $16, $17, $18, $19, $20, 1)
ON CONFLICT (reject_id) DO UPDATE SET
    pipeline = excluded.pipeline, run = excluded.run, code = excluded.code,
    error_message = excluded.error_message,
    pointer = excluded.pointer, origin = excluded.origin,
    sqlstate = excluded.sqlstate, http_status = excluded.http_status,
    retryable = excluded.retryable, last_seen_at = excluded.last_seen_at,
    raw = excluded.raw, raw_data = excluded.raw_data, bytes = excluded.bytes,
    sha256 = excluded.sha256, stream = excluded.stream,
    target = excluded.target,
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
-- again), but only if resolved_upto is still $3, and the letter is of the
-- replay's pipeline $5, stream $6, stage $7 and table $8. If the letter does
-- not match, this statement changes no row. A letter that an older etl has
-- stored has no table.
UPDATE dead_letters SET
    resolved_upto = $2,
    status = CASE WHEN attempts > $2 THEN 'open' ELSE 'resolved' END,
    resolved_at = CASE WHEN attempts > $2 THEN NULL ELSE
        strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') END,
    resolved_by_run = CASE WHEN attempts > $2 THEN NULL ELSE $4 END,
    reason = NULL
WHERE reject_id = $1 AND resolved_upto = $3 AND $2 BETWEEN $3 AND attempts
    AND coalesce(pipeline, '') = coalesce($5, '')
    AND coalesce(stream, '') = coalesce($6, '')
    AND stage = coalesce($7, '')
    AND coalesce(target, $8, '') = coalesce($8, '')

-- name: letters_times
-- Reads when the records of the dead letters $1, a JSON array of reject ids,
-- were last rejected. If the open rejections of a letter have different bytes,
-- returns the time of the first of them. The first column is the place of the
-- letter in the array, from 0.
SELECT l.key, coalesce(
    (SELECT min(o.at)
        FROM (SELECT a.at, a.raw, row_number() OVER (ORDER BY a.number) AS n
            FROM dead_letter_attempts AS a
            WHERE a.dead_letter_id = d.id) AS o
        WHERE o.n > d.resolved_upto
        HAVING max(o.raw IS NOT NULL)),
    d.last_seen_at)
FROM json_each($1) AS l JOIN dead_letters AS d ON d.reject_id = l.value

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
    retryable, EXISTS (SELECT 1 FROM dead_letter_attempts AS a
        WHERE a.dead_letter_id = d.id AND a.raw IS NOT NULL),
    reject_id, stage, code, pipeline, run, error_message, pointer,
    origin, created_at, last_seen_at, status, sqlstate, reason, resolved_at,
    resolved_by_run, erased_at, sha256, stream, target,
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
-- Lists the codes, stages, streams, targets or pipelines of all dead letters;
-- $1 is code, stage, stream, target or pipeline. If a selection matches no
-- letter, etl-dlq suggests the word that the user probably meant.
SELECT DISTINCT CASE $1 WHEN 'code' THEN code WHEN 'stage' THEN stage
    WHEN 'stream' THEN coalesce(stream, '')
    WHEN 'target' THEN coalesce(target, '')
    ELSE coalesce(pipeline, '') END
FROM dead_letters

-- name: letters_groups
-- Counts the dead letters that etl-dlq replay would send through the pipeline
-- again. They are grouped by the pipeline, stream, stage and table that
-- rejected them. The last but one column is 1 if any letter has a stream, and
-- the last one if any letter has a table.
SELECT pipeline, stream, stage, target, count(*),
    max(max(CASE WHEN stream = '' THEN 0 ELSE 1 END))
        OVER (),
    max(max(CASE WHEN target = '' THEN 0 ELSE 1 END))
        OVER ()
FROM (SELECT coalesce(pipeline, '') AS pipeline,
    coalesce(stream, '') AS stream, stage, coalesce(target, '') AS target
    FROM dead_letters AS d
    WHERE true
    ORDER BY created_at, id
    LIMIT coalesce($1, -1)) AS c
GROUP BY pipeline, stream, stage, target
ORDER BY pipeline, stream, stage, target
LIMIT 17

-- name: letters_runs
-- Counts the runs that have rejected records and whose uuid begins with $1. The
-- id of an occurrence (one rejection) begins with the uuid of the run.
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
-- Sets the status of a dead letter, for etl-dlq resolve and discard. Sets
-- resolved_upto to attempts: all its occurrences so far are settled.
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
-- For etl-dlq erase: removes the bytes and the messages of all occurrences
-- (single rejections) of a dead letter. A message may quote the record.
UPDATE dead_letter_attempts SET message = '', raw = x''
WHERE dead_letter_id = $1

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
-- Lists up to 256 occurrences (single rejections) of a dead letter, in the
-- order in which they came: those with a number above $2, without the first $3
-- of them. An occurrence may have bytes of its own; if these are more than 16
-- KiB, they are left out, and letter_time_raw reads them.
SELECT number, length(raw), occurrence, at, message,
    CASE WHEN length(raw) <= 16384 THEN raw END
FROM dead_letter_attempts
WHERE dead_letter_id = $1 AND number > $2
ORDER BY number
LIMIT 256 OFFSET $3

-- name: letter_times_distinct
-- Like letter_times, but takes the $4 occurrences after the first $3 of the
-- letter, and lists only the last one of those with the same bytes.
SELECT number, length(raw), occurrence, at, message,
    CASE WHEN length(raw) <= 16384 THEN raw END
FROM dead_letter_attempts
WHERE dead_letter_id = $1 AND number > $2 AND number IN (
    SELECT max(number)
    FROM (SELECT a.number, coalesce(a.raw, d.raw) AS raw
        FROM dead_letter_attempts AS a
            JOIN dead_letters AS d ON d.id = a.dead_letter_id
        WHERE a.dead_letter_id = $1
        ORDER BY a.number
        LIMIT $4 OFFSET $3) AS o
    GROUP BY raw)
ORDER BY number
LIMIT 256

-- name: letter_time_raw
-- Reads all own bytes of the occurrence with the number $2 of a dead letter:
-- SQLite would read the whole value for any part of it.
SELECT raw FROM dead_letter_attempts
WHERE dead_letter_id = $1 AND number = $2
