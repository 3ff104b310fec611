/* Finds the streams of a run that failed. */
#ifndef RUN_STREAMS_JUDGE_H
#define RUN_STREAMS_JUDGE_H

#include "stream_reports.h"

/* Compares the reports of all stages. Sets r->found (the streams that failed,
 * and the rejects that no program has stored), r->code and r->append_ended. */
int streams_judge(struct reports *r, struct err *e);

#endif
