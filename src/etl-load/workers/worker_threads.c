#include "workers/workers.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

struct work {
	pthread_t thread;
	struct worker *worker;
	void (*run)(struct worker *);
	bool started;
};

static void *
run_in_thread(void *arg)
{
	struct work *w = arg;

	w->run(w->worker);
	return NULL;
}

/* If this fails, the worker gets the error. */
static void
start_thread(struct work *w)
{
	int error = pthread_create(&w->thread, NULL, run_in_thread, w);

	w->started = error == 0;
	if (w->started)
		return;
	w->worker->result = WORKER_FAILED;
	(void)err_set(&w->worker->err, ERR_RETRY, false, "--connections: "
	    "cannot start a thread: %s", strerror(error));
}

/* The threads block all signals, so that the signal handler runs in the calling
 * thread. The threads themselves test stop_signal(). */
void
workers_run(struct workers *all, void (*run)(struct worker *))
{
	struct work work[CONNECTIONS_MAX] = { 0 };
	sigset_t every, before;

	(void)sigfillset(&every);
	(void)pthread_sigmask(SIG_SETMASK, &every, &before);
	for (size_t i = 0; i < all->n; i++) {
		if (all->v[i].idle)
			continue;
		work[i].worker = &all->v[i];
		work[i].run = run;
		start_thread(&work[i]);
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	for (size_t i = 0; i < all->n; i++)
		if (work[i].started)
			(void)pthread_join(work[i].thread, NULL);
}
