#!/bin/sh
# examples/postgres-incremental: the source grows and changes from run to run, and
# runs are killed in between.
. tests/support/lib.sh

db_new postgresql
SOURCE_URL=$db
db_new postgresql
DATABASE_URL=$db
export SOURCE_URL DATABASE_URL
pipeline=$top/examples/postgres-incremental/pipeline.sh
at() {
	(db=$1 && sql "$2")
}
rows() {
	at "$1" 'SELECT id, name, credit, tags, updated_at FROM users ORDER BY id' |
	    cksum
}
at "$SOURCE_URL" "CREATE TABLE users (id bigserial PRIMARY KEY, name text,
    credit numeric(12, 2), tags text[], updated_at timestamptz);
    CREATE INDEX ON users (updated_at);
    INSERT INTO users (name, credit, tags, updated_at)
    SELECT 'user \"' || i || '\"', i / 3.0, ARRAY['a', i::text],
        timestamptz '2026-01-01 00:00+00' + i * interval '1 second'
    FROM generate_series(1, 20000) AS i"
# The types of tags differ: an array at the source, JSON where it is loaded.
same() {
	at "$SOURCE_URL" 'CREATE OR REPLACE VIEW shown AS SELECT id, name, credit,
	    to_jsonb(tags) AS tags, updated_at FROM users' >/dev/null
	[ "$(at "$SOURCE_URL" 'SELECT * FROM shown ORDER BY id' | cksum)" = \
	    "$(rows "$DATABASE_URL")" ]
}

is 'the first run loads all users' 0 "$(status sh "$pipeline")"
ok 'both tables then hold the same' same
at "$SOURCE_URL" "UPDATE users SET credit = 0.10, updated_at = '2026-01-02 00:00+00'
    WHERE id % 1000 = 0;
    INSERT INTO users (name, updated_at) VALUES ('new', '2026-01-02 00:00:01+00')"
is 'the next run loads what has changed' 0 "$(status sh "$pipeline")"
ok 'both tables then hold the same again' same
like 'it reads these rows only' '"out":21,' \
    "$(etl-extract --checkpoint users --cursor-field /updated_at --lookback 10m \
    --table users "$SOURCE_URL" | tail -n 1)"

# Runs that are killed: the checkpoint never is past what was loaded.
at "$SOURCE_URL" "UPDATE users SET credit = credit + 1,
    updated_at = timestamptz '2026-01-03 00:00+00' + id * interval '1 second'"
for after in 0.05 0.1 0.2 0.4; do
	killed_after $after sh "$pipeline"
done
is 'after runs that were killed, the next run ends well' 0 \
    "$(status etl-run --name users "$pipeline")"
ok 'and both tables hold the same' same
done_testing
