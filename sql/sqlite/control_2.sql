-- The end of a failed run's stderr.
ALTER TABLE pipeline_runs ADD COLUMN log TEXT;

-- When its bytes were removed by hand.
ALTER TABLE dead_letters ADD COLUMN erased_at TEXT;

-- Times of six digits always, so that they sort as texts.
UPDATE dead_letters SET
    created_at = substr(rtrim(created_at, 'Z') || CASE instr(created_at, '.')
        WHEN 0 THEN '.' ELSE '' END || '000000', 1, 26) || 'Z',
    last_seen_at = substr(rtrim(last_seen_at, 'Z') ||
        CASE instr(last_seen_at, '.') WHEN 0 THEN '.' ELSE '' END ||
        '000000', 1, 26) || 'Z',
    resolved_at = substr(rtrim(resolved_at, 'Z') || '000000', 1, 26) || 'Z'
WHERE length(created_at) <> 27 OR length(last_seen_at) <> 27
    OR length(resolved_at) <> 27;
UPDATE dead_letter_attempts SET
    at = substr(rtrim(at, 'Z') || CASE instr(at, '.')
        WHEN 0 THEN '.' ELSE '' END || '000000', 1, 26) || 'Z'
WHERE length(at) <> 27;

-- Letters are read in pages, the oldest first.
DROP INDEX dead_letters_status;
CREATE INDEX dead_letters_status ON dead_letters (status, created_at, id);
CREATE INDEX dead_letters_order ON dead_letters (created_at, id);
DROP INDEX dead_letter_attempts_letter;
CREATE INDEX dead_letter_attempts_letter
    ON dead_letter_attempts (dead_letter_id, at, occurrence);
CREATE INDEX dead_letter_attempts_run ON dead_letter_attempts (pipeline_run_id)
    WHERE pipeline_run_id IS NOT NULL;

UPDATE etl_control SET version = 2;
