/* Loads a stream. */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

struct err;
struct load_opts;
struct stdfd;

int load_run(const struct load_opts *o, const struct stdfd *fds,
    struct err *e);

#endif
