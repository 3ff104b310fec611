/* Opens what a load needs: the database, the tables and the sink.
 * Owns:  all of struct loader; loader_close() frees what loader_open() made. */
#ifndef LOAD_OPEN_H
#define LOAD_OPEN_H

struct err;
struct load_opts;
struct loader;
struct stage;

int loader_open(struct loader *l, const struct load_opts *o,
    struct stage *s, struct err *e);
void loader_close(struct loader *l);

#endif
