#!/bin/sh
# mutants-create.sh [TEST|NAME...]: shows that the tests of etl-load --create can
# fail.  See mutant.sh.
# shellcheck disable=SC2016
. tests/fault/mutant.sh

mutant etl-load/create.t 'the sample ends with the first batch' \
    src/etl-load/sample.c \
    's/while (s->records < SAMPLE_RECORDS)/while (s->records < s->o->batch \&\& s->records < SAMPLE_RECORDS)/'
mutant etl-load/create.t 'the sample has no end after a second' \
    src/etl-load/sample.c \
    's/due = clock_ms() + SAMPLE_MS;/due = clock_ms() + 60 * SAMPLE_MS;/'
mutant etl-load/create.t 'the bytes of the sample are not loaded' \
    lib/stream/lines.c \
    's/l->ahead += size;/l->ahead += size; if (l->ahead > 200) { l->start += size; l->seen = l->start; }/'
mutant etl-load/create.t 'a wide integer makes a column of doubles' \
    src/etl-load/sample.c \
    's/KIND_INT | KIND_WIDE;/KIND_INT;/'
mutant etl-load/create.t 'a leap second makes a column of times' \
    src/etl-load/sample.c 's/ \&\& !t.is_leap//'
mutant etl-load/create.t 'key columns are not checked' \
    src/etl-load/create.c \
    's/check_all_in_sample(s, "--key", o->key, e) == -1 ||//'
mutant etl-load/create.t 'a table that does not fit the options stays' \
    src/etl-load/create.c \
    's/return try_target(db, s->o, e);/return 0;/'
mutant etl-load/create.t 'a table that another loader has made is an error' \
    src/etl-load/create.c 's/return exists ? 0 : -1;/return -1;/'
mutant etl-load/create.t 'names that differ in case are sent to SQLite' \
    src/etl-load/create.c \
    's/strncasecmp(a, b, na) == 0/na == 0/'
mutant etl-load/create_random.t 'a number loses digits in a column of doubles' \
    src/etl-load/sample.c \
    's/return !isinf(d) \&\& number_equals/return !isinf(d) || number_equals/'
mutant etl-load/evolve.t 'a load adds any number of columns' \
    src/etl-load/evolve.c 's/return new <= room;/return true;/; s/ \&\& new <= room;/;/'
mutant etl-load/evolve.t 'a float loses digits when it becomes numeric' \
    src/etl-load/evolve.c 's/::pg_catalog.text::pg_catalog.numeric/::pg_catalog.numeric/'
mutant etl-load/evolve.t 'a column is altered that another loader has widened' \
    src/etl-load/evolve.c 's/^\t    !changed;/\t    1;/'
mutant etl-load/evolve.t 'a member with --columns gets a column' \
    src/etl-load/sample.c 's/return !name_list_has(o->columns, name, len);/return false;/'
mutant etl-load/plan.t 'a plan makes the table' \
    src/etl-load/plan.c 's/db_rollback(l->db);/(void)db_commit(l->db, e);/'

done_testing
