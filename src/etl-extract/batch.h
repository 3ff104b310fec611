/* A run with --batch-each: the records that wait for their request, the request
 * for them, and the ids that join the answers to them. */
#ifndef EXTRACT_BATCH_H
#define EXTRACT_BATCH_H

#include "base/buf.h"
#include "common/extract.h"
#include "each.h"
#include "http/url.h"
#include "page/body.h"
#include "stream/lines.h"
#include "stream/stage.h"

/* The records of --batch-each that wait for their request.
 * Owns:  copies of their lines and of their ids, until batch_clear().
 * Gives: the records in the order of the input. A record without a valid id is
 *        in the batch too: it will be rejected, and its reject must keep its
 *        place in this order. */

struct batch_record {
	struct line line;       /* without data: see batch_line() */
	size_t at;              /* where its bytes are in `lines` */
	struct each_open_record open;
	size_t id_at, id_len;   /* in `ids`; id_len 0: it has no id */
	bool id_is_string;      /* in the record the id is a JSON string; `ids`
				 * has its decoded text */
	size_t group;           /* index in join.group (batch.h) */
};

struct batch {
	struct buf lines, ids;
	struct batch_record *v;
	size_t n, cap;
	size_t id_bytes;        /* length of the encoded ids, with a comma after
				 * each */
	int64_t since;          /* clock_ms() when the first record was added */
};

void batch_init(struct batch *b);
void batch_release(struct batch *b);
void batch_clear(struct batch *b);
/* Adds a copy of the line as a record without an id. *added is valid until the
 * next call. */
int batch_add(struct batch *b, const struct line *l,
    struct batch_record **added, struct err *e);
/* Sets the id of the record that was added last. The id needs id_bytes bytes in
 * the request. */
int batch_set_id(struct batch *b, const struct buf *id, bool is_string,
    size_t id_bytes, struct err *e);
/* True if the records of the batch use so much memory that no more may be
 * added. */
bool batch_is_large(const struct batch *b);

/* The options of --batch-each.
 * Fails: ERR_USAGE for a wrong value, for options that cannot be given
 *        together, and for an option that needs --batch-each. */

/* The parsed options, with defaults for those that were not given. */
struct batch_options {
	const char *ids, *match;
	bool missing_is_null, many;
	int64_t flush;          /* milliseconds */
};

int batch_options_check(const struct extract_opts *o, struct err *e);
int batch_options_parse(struct batch_options *b,
    const struct extract_opts *o, struct err *e);

/* Joins the elements of an answer to the records of a batch by their ids. Ids
 * are compared as text: 7 and "7" are equal, 7 and 7.0 are not.
 * Owns:  the groups and the list of answers.
 * Borrows: the ids of the batch. An answer is stored as a token number.
 * Gives: one group for each id; records with equal ids have the same group. */

struct join_group {
	const char *id;
	size_t id_len;
	size_t record;          /* index of the first record that has this id */
	size_t answers;         /* number of elements that have this id */
	size_t first, last;     /* indexes in join.v of these elements */
};

struct join_answer {
	uint32_t token;
	size_t next;            /* the next answer of this group; not set in the
				 * last one */
};

struct join {
	struct join_group *group;       /* sorted by their ids */
	size_t groups, cap_groups;
	struct join_answer *v;
	size_t n, cap;
	size_t unknown;         /* elements with an id that no record has */
	size_t without;         /* elements without a valid id */
	struct buf value;
	struct buf example;     /* the id of an unknown element */
};

void join_init(struct join *j);
void join_release(struct join *j);
/* Makes the groups of the records from..to of the batch, and sets the group of
 * each record. */
int join_make_groups(struct join *j, struct batch *b, size_t from, size_t to,
    struct err *e);
/* Removes the answers of the previous request. Then adds each element of the
 * array of records in the body to a group: the one whose id equals the
 * element's member `match`. */
int join_add_answers(struct join *j, const struct body *b, const char *match,
    struct err *e);

/* The state of a run with --batch-each. run_batch.c makes the requests,
 * batch.c reads the ids of the records, batch.c puts the ids into
 * the request, and batch.c writes the records with their answers.
 * Owns:  everything except the options and the stage. */

/* In the URL and in a form the ids are percent-encoded. */
enum ids_place { IDS_IN_URL, IDS_IN_FORM, IDS_IN_JSON };

struct batch_run {
	const struct extract_opts *o;
	struct batch_options option;
	struct stage *stage;
	struct each_call call;
	enum ids_place place;
	struct template_list list;      /* the URL or body before and after
					 * {ids} */
	size_t room;                    /* how many bytes of ids the request can
					 * have */
	struct batch batch;
	struct join join;
	struct buf value, encoded;      /* the id of an input record */
	bool is_string;                 /* the id is a JSON string */
	uint64_t unknown;               /* the sum of join.unknown of all
					 * answers */
};

/* Checks an input record and reads its id into x->value, x->encoded and
 * x->is_string. Returns 1 if the id can be requested, else 0. If it returns 0
 * and `rejects` is true, it has also rejected the record. */
int batch_read_id(struct batch_run *x, const struct line *l, bool rejects,
    struct err *e);
/* Writes the records from..to with their answers, or rejects them. If `why` is
 * not NULL, their request has failed for this reason. */
int batch_write(struct batch_run *x, size_t from, size_t to,
    const struct err *why, struct err *e);
/* Appends an id to a message. A long id is cut. */
void batch_show_id(struct buf *b, const char *id, size_t n);

/* Where the ids of --batch-each stand in a request, and how they are written
 * there: at {ids} in the URL or in --body. */

/* Finds {ids}; the client must be open. Sets x->place, x->list and x->room. If
 * {ids} is in --body, also makes the URL, which is then the same for all
 * requests.
 * Fails: ERR_USAGE if {ids} is missing, or stands where a list of values is not
 *        possible. */
int batch_place_init(struct batch_run *x, struct err *e);
/* Appends the id `value`, encoded for x->place. Returns 0 with the code and the
 * reason in *f if the request cannot contain this id. */
int batch_put_id(const struct batch_run *x, const struct buf *value,
    bool is_string, struct buf *out, struct template_fault *f);

#endif
