-- The end of a failed run's stderr.
ALTER TABLE pipeline_runs ADD COLUMN log text;

-- When its bytes were removed by hand.
ALTER TABLE dead_letters ADD COLUMN erased_at timestamptz;

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
