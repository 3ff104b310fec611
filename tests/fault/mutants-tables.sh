#!/bin/sh
# mutants-tables.sh [TEST|NAME...]: shows that the tests of etl-load --tables and
# --nested can fail.  See mutant.sh.
# shellcheck disable=SC2016
. tests/fault/mutant.sh

route=src/etl-load/batch.c
names=src/etl-load/loader.c

mutant etl-load/tables.t 'a record goes to the table of the one before' \
    src/etl-load/spec.c \
    's/if (first < l->n \&\& has_name(&l->v\[first\], name, len))/if (first < l->n)/' \
    'each record is in the table that it names'
mutant etl-load/tables.t 'records without a table are not counted' $route \
    's/r->sums.rejected += r->refused.n;//' \
    'a stream with records of two tables: exit code 0'
mutant etl-load/tables.t 'the name of the tables depends on their order' $names \
    's/qsort(names, n, sizeof(\*names), compare_names);//' \
    'its records are skipped'
mutant etl-load/tables.t 'a table may be listed twice' $names \
    's/if (strcmp(names\[i - 1\], names\[i\]) == 0)/if (false)/' \
    'a table that is given twice: exit code 64'
mutant etl-load/tables.t 'the member with the name is an unknown member' \
    src/etl-load/spec.c 's/if (table_from != NULL \&\&/if (false \&\&/' \
    'each record is in the table that it names'
mutant etl-load/tables.t 'a test is judged in the first table only' \
    src/etl-load/expect.c \
    '/^judge_tables/,/^}/s/i < l->ntables \&\& rc == 0/i < 1 \&\& rc == 0/' \
    'a test that fails in the second table: exit code 1'
mutant etl-load/tables.t 'letters of no table cannot be replayed' $names \
    's/strcmp(target, l->o->table_from) == 0/false/' \
    'a replay of the letters of /type: exit code 0'
mutant etl-load/tables_modes.t 'tombstones of no table are rejects' $route \
    's/if (r->tombstones \&\& change_is_tombstone(l))/if (false)/' \
    'cdc applies each change to its table'
mutant etl-load/tables_modes.t 'a record of no table does not stop a mirror' \
    src/etl-load/batch.c \
    's/\*unreadable += o->table_of\[i\] == NO_TABLE;//' \
    'mirror with a record of no table: exit code 65'
mutant etl-load/tables_modes.t 'rejects of earlier stages have no table' $route \
    's/if (!r->rejects_too)/if (true)/' \
    'mirror: a record that an earlier stage rejected came in its table: exit code 0'
mutant etl-load/tables_faults.t 'missing rows of one table refuse records of another' \
    src/etl-load/sqlite/sqlite_sink.c \
    's/s->store.missing = db_count_orphans(s->store.db);/s->store.missing = 0;/' \
    'all records are in their tables'
mutant etl-load/tables_faults.t 'a change of the second table is not seen' \
    src/etl-load/loader.c \
    '/^tables_changed/,/^}/s/i < loader_count_tables(l)/i < 1/' \
    'one of the tables is made anew during the load: its columns are read again'

rows=src/etl-load/nested.c
lines=src/etl-load/nested.c
equal=src/etl-load/children.c

mutant etl-load/nested.t 'old rows of elements stay' $rows \
    's/if (c->keys.n == 0)/if (true)/' 'sqlite: their rows replace the old ones'
mutant etl-load/nested.t 'the record of a refused element is loaded' $rows \
    's/l->nested->repeat = true;//' 'sqlite: nothing of these records is loaded'
mutant etl-load/nested.t 'a member may have another value than the loader sets' \
    $lines 's/return v->len == t->len \&\&/return true ||/' \
    'sqlite: the record of each is a reject with a pointer to the element'
mutant etl-load/nested.t 'elements have no place' $lines \
    's/(int64_t)number);/0);/' 'sqlite: the elements of objects have key, place and members'
mutant etl-load/nested_keys.t 'the collation of the key is not looked up' $equal \
    '/^put_collation(/,/^}/s/rc = db_next(r, e)) == 1/rc = db_next(r, e)) == 2/' \
    'the parent ignores case, the child is text: no old row stays'
mutant etl-load/nested_keys.t 'the key of a child may have any type' $equal \
    's/if (!same_equality(c, k, kind))/if (false)/' \
    'the parent has integers, the child texts: exit code 78'
done_testing
