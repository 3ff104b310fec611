/* Tests of etl-load: how the PostgreSQL sink loads a chunk (pg/pg_way.h). */
#include "src/etl-load/pg/pg_way.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The modes. */
#define APPEND .keyed = false
#define UPSERT .keyed = true, .updates = true
#define IGNORE .keyed = true
#define CDC .keyed = true, .updates = true, .changes = true
#define SCD2 .keyed = true, .history = true

/* A table, and chunks of records with `n` shapes: members that are not named
 * are false or 0. N: not counted. */
#define TABLE(mode, ...) { mode, __VA_ARGS__ }
#define READ(n, size, ...) { .state = CHUNK_READ, .records = (n), \
	.bytes = (size), __VA_ARGS__ }
#define SENT(n, ...) { .state = CHUNK_SENT, .shapes = (n), __VA_ARGS__ }
#define MADE(n, ...) { .state = CHUNK_MADE, .records = 9, \
	.stage_lasts = true, .shapes = (n), __VA_ARGS__ }
#define STAGED(n, different, rows, ...) { .state = CHUNK_STAGED, \
	.staged = 5000, .shapes = (n), .keys = (different), .most = (rows), \
	__VA_ARGS__ }
#define N NOT_COUNTED
#define MB (1 << 20)
#define TRIED(way) .tried = 1U << (way)
#define EXPECTS_NEW .all_new = true
#define NEW_KEYS .copies_new_keys = true
#define SCRIPT .fits_script = true
#define LASTS .stage_lasts = true

static const struct {
	const char *name;
	enum pg_way way;
	struct pg_facts f;
	struct pg_mood m;
	struct chunk_facts c;
} cases[] = {
	/* before rows are made */
	{ "append", PG_COPY, TABLE(APPEND, .straight = true), { 0 },
	    READ(5000, 1,) },
	{ "append, few records", PG_COPY,
	    TABLE(APPEND, SCRIPT, .straight = true), { 0 }, READ(9, 1, LASTS) },
	{ "append, triggers", PG_TO_STAGE, TABLE(APPEND, .one_by_one = true),
	    { 0 }, READ(5000, 1,) },
	{ "the first chunk", PG_TO_STAGE, TABLE(UPSERT, NEW_KEYS), { 0 },
	    READ(5000, 1,) },
	{ "new keys", PG_COPY, TABLE(UPSERT, NEW_KEYS), { EXPECTS_NEW },
	    READ(5000, 1,) },
	{ "new keys, few records", PG_COPY, TABLE(UPSERT, NEW_KEYS, SCRIPT),
	    { EXPECTS_NEW }, READ(9, 1, LASTS) },
	{ "new keys, in a pause", PG_TO_STAGE, TABLE(UPSERT, NEW_KEYS),
	    { EXPECTS_NEW, .pause = { .left = 1 } }, READ(5000, 1,) },
	{ "new keys that COPY may not write", PG_TO_STAGE, TABLE(UPSERT,),
	    { EXPECTS_NEW }, READ(5000, 1,) },
	{ "new keys, the last try", PG_TO_STAGE, TABLE(UPSERT, NEW_KEYS),
	    { EXPECTS_NEW }, READ(5000, 1, .judge_all = true) },
	{ "new keys, --expect", PG_TO_STAGE, TABLE(UPSERT, NEW_KEYS),
	    { EXPECTS_NEW }, READ(5000, 1, .notes_keys = true) },
	{ "new keys, many columns", PG_TO_STAGE,
	    TABLE(UPSERT, NEW_KEYS, .too_wide = true), { EXPECTS_NEW },
	    READ(5000, 1,) },
	{ "1000 records, a megabyte", PG_SCRIPT, TABLE(UPSERT, SCRIPT), { 0 },
	    READ(1000, MB, LASTS) },
	{ "1001 records", PG_TO_STAGE, TABLE(UPSERT, SCRIPT), { 0 },
	    READ(1001, MB, LASTS) },
	{ "more than a megabyte", PG_TO_STAGE, TABLE(UPSERT, SCRIPT), { 0 },
	    READ(1000, MB + 1, LASTS) },
	{ "few records, no script", PG_TO_STAGE, TABLE(UPSERT,), { 0 },
	    READ(9, 1, LASTS) },
	{ "few records, a pool", PG_TO_STAGE, TABLE(UPSERT, SCRIPT), { 0 },
	    READ(9, 1,) },
	{ "few records, --expect", PG_TO_STAGE, TABLE(UPSERT, SCRIPT), { 0 },
	    READ(9, 1, LASTS, .notes_keys = true) },
	{ "few records, deferred constraints", PG_TO_STAGE,
	    TABLE(UPSERT, SCRIPT), { .deferred = true },
	    READ(9, 1, LASTS) },

	/* rows that were sent to the table */
	{ "append: sent", PG_COPY, TABLE(APPEND, .straight = true), { 0 },
	    SENT(1,) },
	{ "append: refused", PG_COPY_AROUND, TABLE(APPEND, .straight = true),
	    { 0 }, SENT(1, TRIED(PG_COPY)) },
	{ "append: an empty record", PG_TO_STAGE,
	    TABLE(APPEND, .straight = true), { 0 },
	    SENT(1, TRIED(PG_COPY), .has_empty = true) },
	{ "append: refused, refers to itself", PG_TO_STAGE,
	    TABLE(APPEND, .straight = true, .refers_to_itself = true), { 0 },
	    SENT(1, TRIED(PG_COPY)) },
	{ "append: refused, deferred", PG_TO_STAGE,
	    TABLE(APPEND, .straight = true), { .deferred = true },
	    SENT(1, TRIED(PG_COPY)) },
	{ "append: refused, shapes", PG_COPY_AROUND,
	    TABLE(APPEND, .straight = true), { 0 }, SENT(2, TRIED(PG_COPY)) },
	{ "append: refused, shapes, an index", PG_TO_STAGE,
	    TABLE(APPEND, .straight = true, .other_unique = true), { 0 },
	    SENT(2, TRIED(PG_COPY)) },
	{ "append: refused, an index", PG_COPY_AROUND,
	    TABLE(APPEND, .straight = true, .other_unique = true), { 0 },
	    SENT(1, TRIED(PG_COPY)) },
	{ "append: refused, shapes, an order", PG_TO_STAGE,
	    TABLE(APPEND, .straight = true, .in_order = true), { 0 },
	    SENT(2, TRIED(PG_COPY)) },
	{ "append: refused, many columns", PG_COPY_WIDE,
	    TABLE(APPEND, .straight = true, .too_wide = true), { 0 },
	    SENT(1, TRIED(PG_COPY)) },
	{ "append: many columns, an empty record", PG_COPY_WIDE,
	    TABLE(APPEND, .straight = true, .too_wide = true), { 0 },
	    SENT(2, TRIED(PG_COPY), .has_empty = true) },
	{ "a key was not new", PG_TO_STAGE, TABLE(UPSERT, NEW_KEYS), { 0 },
	    SENT(1, TRIED(PG_COPY)) },

	/* rows of which none was sent, or some to the staging table */
	{ "a script", PG_SCRIPT, TABLE(UPSERT, SCRIPT), { 0 },
	    MADE(1,) },
	{ "a script has failed", PG_TO_STAGE, TABLE(UPSERT, SCRIPT), { 0 },
	    MADE(1, TRIED(PG_SCRIPT)) },
	{ "a script, no row", PG_TO_STAGE, TABLE(UPSERT, SCRIPT), { 0 },
	    MADE(0,) },
	{ "a script, shapes", PG_TO_STAGE, TABLE(UPSERT, SCRIPT), { 0 },
	    MADE(2,) },
	{ "a script, equal keys", PG_TO_STAGE, TABLE(UPSERT, SCRIPT),
	    { .twice = true }, MADE(1,) },
	{ "a script, different keys", PG_SCRIPT, TABLE(UPSERT, SCRIPT),
	    { .twice = true }, MADE(1, .distinct = true) },
	{ "a script, updates first", PG_TO_STAGE, TABLE(UPSERT, SCRIPT), { 0 },
	    MADE(1, .updates_first = true) },
	{ "a script, updates of different keys first", PG_SCRIPT,
	    TABLE(UPSERT, SCRIPT), { 0 },
	    MADE(1, .updates_first = true, .distinct = true) },
	{ "a script, updates first, an order", PG_TO_STAGE,
	    TABLE(UPSERT, SCRIPT), { 0 },
	    MADE(1, .updates_first = true, .distinct = true,
	    .order_matters = true) },
	{ "sent to the staging table", PG_TO_STAGE,
	    TABLE(UPSERT, SCRIPT), { 0 },
	    { .state = CHUNK_STAGING, .stage_lasts = true, .shapes = 1 } },

	/* staged rows */
	{ "one shape", PG_MERGE_SHAPES, TABLE(UPSERT,), { 0 },
	    STAGED(1, N, N,) },
	{ "an order", PG_MERGE_SHAPES, TABLE(UPSERT,), { 0 },
	    STAGED(1, N, N, .order_matters = true) },
	{ "triggers", PG_MERGE_SINGLY, TABLE(UPSERT, .one_by_one = true), { 0 },
	    STAGED(1, N, N,) },
	{ "refused", PG_MERGE_SINGLY, TABLE(UPSERT,), { 0 },
	    STAGED(1, N, N, TRIED(PG_MERGE_SHAPES)) },
	{ "shapes", PG_COUNT_KEYS, TABLE(UPSERT,), { 0 }, STAGED(2, N, N,) },
	{ "shapes, different keys", PG_MERGE_SHAPES, TABLE(UPSERT,), { 0 },
	    STAGED(2, 5000, N,) },
	{ "shapes, equal keys", PG_COUNT_MOST, TABLE(UPSERT,),
	    { .twice = true }, STAGED(2, 4999, N,) },
	{ "shapes, an order", PG_MERGE_SINGLY, TABLE(UPSERT,), { 0 },
	    STAGED(2, N, N, .order_matters = true) },
	{ "shapes, append", PG_MERGE_SHAPES, TABLE(APPEND,), { 0 },
	    STAGED(2, N, N,) },
	{ "shapes, ignore", PG_COUNT_KEYS, TABLE(IGNORE,), { 0 },
	    STAGED(2, N, N,) },
	{ "shapes, ignore, equal keys", PG_MERGE_SINGLY, TABLE(IGNORE,),
	    { .twice = true }, STAGED(2, 4999, N,) },
	{ "ignore, equal keys", PG_MERGE_SHAPES, TABLE(IGNORE,),
	    { .twice = true }, STAGED(1, N, N,) },
	{ "updates first", PG_COUNT_KEYS, TABLE(UPSERT,), { 0 },
	    STAGED(1, N, N, .updates_first = true) },
	{ "updates first, different keys", PG_MERGE_SHAPES, TABLE(UPSERT,),
	    { 0 }, STAGED(1, 5000, N, .updates_first = true) },
	{ "updates first, ignore", PG_MERGE_SHAPES, TABLE(IGNORE,), { 0 },
	    STAGED(1, N, N, .updates_first = true) },
	{ "equal keys", PG_COUNT_MOST, TABLE(UPSERT,), { .twice = true },
	    STAGED(1, N, N,) },
	{ "equal keys were found", PG_COUNT_MOST, TABLE(UPSERT,),
	    { .twice = true }, STAGED(1, N, N, TRIED(PG_MERGE_SHAPES)) },
	{ "different keys", PG_MERGE_SHAPES, TABLE(UPSERT,), { .twice = true },
	    STAGED(1, 5000, 1, .distinct = true) },
	{ "equal keys, the last counts", PG_MERGE_LAST, TABLE(UPSERT,),
	    { .twice = true }, STAGED(1, N, N, .last_counts = true) },
	{ "equal keys, the last is refused", PG_MERGE_SINGLY, TABLE(UPSERT,),
	    { .twice = true },
	    STAGED(1, N, N, .last_counts = true, TRIED(PG_MERGE_LAST)) },
	{ "equal keys, 32 rounds", PG_MERGE_ROUNDS, TABLE(UPSERT,),
	    { .twice = true }, STAGED(1, N, 32,) },
	{ "equal keys, 33 rounds", PG_MERGE_SINGLY, TABLE(UPSERT,),
	    { .twice = true }, STAGED(1, N, 33,) },
	{ "equal keys, shapes, 16 rounds", PG_MERGE_ROUNDS, TABLE(UPSERT,),
	    { .twice = true }, STAGED(2, 4985, 16,) },
	{ "equal keys, shapes, 17 rounds", PG_MERGE_SINGLY, TABLE(UPSERT,),
	    { .twice = true }, STAGED(2, 4984, 17,) },
	{ "equal keys, refused", PG_MERGE_SINGLY, TABLE(UPSERT,),
	    { .twice = true }, STAGED(1, N, 2, TRIED(PG_MERGE_ROUNDS)) },
	{ "equal keys, triggers", PG_MERGE_SINGLY,
	    TABLE(UPSERT, .one_by_one = true), { .twice = true },
	    STAGED(1, N, N,) },
	{ "equal keys, refers to itself", PG_MERGE_SINGLY,
	    TABLE(UPSERT, .refers_to_itself = true), { .twice = true },
	    STAGED(1, N, N,) },
	{ "equal keys, an order", PG_MERGE_SINGLY, TABLE(UPSERT,),
	    { .twice = true }, STAGED(1, N, N, .order_matters = true) },

	/* --mode cdc */
	{ "cdc", PG_COUNT_MOST, TABLE(CDC,), { 0 }, STAGED(1, N, N,) },
	{ "cdc, 32 rounds", PG_MERGE_ROUNDS, TABLE(CDC,), { 0 },
	    STAGED(1, N, 32,) },
	{ "cdc, 33 rounds", PG_MERGE_SINGLY, TABLE(CDC,), { 0 },
	    STAGED(1, N, 33,) },
	{ "cdc, refused", PG_MERGE_SINGLY, TABLE(CDC,), { 0 },
	    STAGED(1, N, 1, TRIED(PG_MERGE_ROUNDS)) },
	{ "cdc, triggers", PG_MERGE_ROUNDS, TABLE(CDC, .one_by_one = true),
	    { 0 }, STAGED(1, N, 1,) },
	{ "cdc, an order", PG_MERGE_SINGLY, TABLE(CDC, .in_order = true), { 0 },
	    STAGED(1, N, 1,) },
	{ "cdc, --strict", PG_MERGE_SINGLY, TABLE(CDC, .strict = true), { 0 },
	    STAGED(1, N, 1,) },
	{ "cdc, refers to itself", PG_MERGE_SINGLY,
	    TABLE(CDC, .refers_to_itself = true), { 0 }, STAGED(1, N, 1,) },
	{ "cdc, an index", PG_MERGE_SINGLY, TABLE(CDC, .other_unique = true),
	    { 0 }, STAGED(1, N, 1,) },
	{ "cdc, a changed key", PG_MERGE_SINGLY, TABLE(CDC,), { 0 },
	    STAGED(1, N, 1, .moves_rows = true) },

	/* --mode scd2 */
	{ "scd2", PG_COUNT_MOST, TABLE(SCD2,), { 0 }, STAGED(1, N, N,) },
	{ "scd2, triggers: counts for a warning", PG_COUNT_MOST,
	    TABLE(SCD2, .one_by_one = true), { 0 }, STAGED(1, N, N,) },
	{ "scd2, 16 rounds", PG_MERGE_ROUNDS, TABLE(SCD2,), { 0 },
	    STAGED(3, N, 16,) },
	{ "scd2, 17 rounds", PG_MERGE_SINGLY, TABLE(SCD2,), { 0 },
	    STAGED(1, N, 17,) },
	{ "scd2, triggers", PG_MERGE_SINGLY, TABLE(SCD2, .one_by_one = true),
	    { 0 }, STAGED(1, N, 1,) },
	{ "scd2, an order", PG_MERGE_SINGLY, TABLE(SCD2,), { 0 },
	    STAGED(1, N, 1, .order_matters = true) },
	{ "scd2, refused", PG_MERGE_SINGLY, TABLE(SCD2,), { 0 },
	    STAGED(1, N, 1, TRIED(PG_MERGE_ROUNDS)) },
};

static void
chooses_ways(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (pg_choose_way(&cases[i].f, &cases[i].m, &cases[i].c) !=
		    cases[i].way)
			fail_msg("%s: way %d, not %d", cases[i].name,
			    (int)pg_choose_way(&cases[i].f, &cases[i].m,
			    &cases[i].c), (int)cases[i].way);
}

/* A pause is counted in the chunks that would have been copied directly. */
static void
uses_moods(void **state)
{
	const struct pg_facts copies = TABLE(UPSERT, NEW_KEYS);
	const struct pg_facts merges = TABLE(UPSERT,);
	const struct chunk_facts c = READ(5000, 1,);
	struct pg_mood m = { EXPECTS_NEW, .pause = { .left = 2 } };

	pg_mood_use(&m, &copies, &c);
	assert_int_equal(1, m.pause.left);
	assert_false(m.all_new);
	pg_mood_use(&m, &copies, &c);
	assert_int_equal(1, m.pause.left);
	m.all_new = true;
	pg_mood_use(&m, &merges, &c);
	assert_int_equal(1, m.pause.left);
	assert_false(m.all_new);
}

/* 16 chunks without equal keys end the expectation. */
static void
forgets_equal_keys(void **state)
{
	struct pg_mood m = { .twice = true };

	for (size_t i = 0; i < 15; i++)
		pg_mood_note_keys(&m, false);
	assert_true(m.twice);
	pg_mood_note_keys(&m, true);
	for (size_t i = 0; i < 15; i++)
		pg_mood_note_keys(&m, false);
	assert_true(m.twice);
	pg_mood_note_keys(&m, false);
	assert_false(m.twice);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chooses_ways),
		cmocka_unit_test(uses_moods),
		cmocka_unit_test(forgets_equal_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
