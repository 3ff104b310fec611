/* The state of a run with --batch-each. run_batch.c makes the requests,
 * batch_check.c reads the ids of the records, batch_place.c puts the ids into
 * the request, and batch_write.c writes the records with their answers.
 * Owns:  everything except the options and the stage. */
#ifndef EXTRACT_BATCH_RUN_H
#define EXTRACT_BATCH_RUN_H

#include "batch/batch.h"
#include "batch/batch_options.h"
#include "batch/join.h"
#include "each_call.h"
#include "http/uri_template.h"
#include "stream/stage.h"

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

#endif
