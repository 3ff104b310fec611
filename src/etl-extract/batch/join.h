/* Joins the elements of an answer to the records of a batch by their ids. Ids
 * are compared as text: 7 and "7" are equal, 7 and 7.0 are not.
 * Owns:  the groups and the list of answers.
 * Borrows: the ids of the batch. An answer is stored as a token number.
 * Gives: one group for each id; records with equal ids have the same group. */
#ifndef EXTRACT_JOIN_H
#define EXTRACT_JOIN_H

#include "batch/batch.h"
#include "page/body.h"

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

#endif
