/* The mock API of the tests: see plan.h for what its paths can do. */
#include "api.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "usage: mock-api [--posts N] [--items N] [--port N] [--port-file FILE]\n"
    "                [--log FILE] [--token TEXT] [--max-time SECONDS]\n"
    "                [--cert FILE --key FILE]\n";

int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
api_sleep(struct api *a, int64_t ms)
{
	const struct timespec slice = { .tv_nsec = 10000000 };
	int64_t end = now_ms() + ms;

	while (now_ms() < end && !atomic_load(&a->stop))
		nanosleep(&slice, NULL);
}

static void
pem_read(char out[PEM_MAX], const char *path)
{
	FILE *f = fopen(path, "r");
	size_t n = 0;

	if (f != NULL) {
		n = fread(out, 1, PEM_MAX - 1, f);
		(void)fclose(f);
	}
	out[n] = '\0';
	if (n == 0) {
		perror(path);
		exit(EX_NOINPUT);
	}
}

static void
options(struct api *a, int argc, char *argv[])
{
	static const struct option known[] = {
		{ "posts", required_argument, NULL, 'n' },
		{ "items", required_argument, NULL, 'i' },
		{ "port", required_argument, NULL, 'p' },
		{ "port-file", required_argument, NULL, 'f' },
		{ "log", required_argument, NULL, 'l' },
		{ "token", required_argument, NULL, 't' },
		{ "max-time", required_argument, NULL, 'm' },
		{ "cert", required_argument, NULL, 'c' },
		{ "key", required_argument, NULL, 'k' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
		switch (c) {
		case 'n':
			a->posts = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'i':
			atomic_store(&a->items,
			    (unsigned)strtoul(optarg, NULL, 10));
			break;
		case 'p':
			a->port = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'f':
			a->port_file = optarg;
			break;
		case 'l':
			a->log_file = optarg;
			break;
		case 't':
			a->token = optarg;
			break;
		case 'm':
			a->max_time = strtol(optarg, NULL, 10) * 1000;
			break;
		case 'c':
			pem_read(a->cert, optarg);
			break;
		case 'k':
			pem_read(a->key, optarg);
			break;
		default:
			fputs(usage, stderr);
			exit(EX_USAGE);
		}
}

/* Writes a part file and renames it, so that no reader sees half a number. */
static int
port_write(const struct api *a, struct err *e)
{
	char part[4096];
	FILE *f;

	snprintf(part, sizeof(part), "%s.part", a->port_file);
	if ((f = fopen(part, "w")) == NULL)
		return err_errno(e, ERR_CREATE, part);
	fprintf(f, "%u\n", a->port);
	if (fclose(f) != 0 || rename(part, a->port_file) == -1)
		return err_errno(e, ERR_IO, part);
	return 0;
}

/* Waits for a signal, the end of the parent process, or --max-time. */
static void
wait_end(const struct api *a, const sigset_t *set, pid_t parent)
{
	const struct timespec second = { .tv_sec = 1 };

	while (sigtimedwait(set, NULL, &second) == -1)
		if (getppid() != parent || now_ms() - a->started > a->max_time)
			return;
}

int
main(int argc, char *argv[])
{
	struct api a = { .posts = 100, .token = "secret", .log = -1,
	    .max_time = 600000 };
	struct err e = { 0 };
	pid_t parent = getppid();
	void *server = NULL;
	sigset_t set;
	int rc = EX_OSERR;

	atomic_store(&a.items, 100);
	atomic_store(&a.items_from, 1);
	options(&a, argc, argv);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	a.started = now_ms();
	if (a.log_file != NULL && (a.log = open(a.log_file, O_WRONLY | O_CREAT |
	    O_APPEND | O_CLOEXEC, 0666)) == -1)
		err_errno(&e, ERR_CREATE, a.log_file);
	else if ((a.counts = counts_new()) == NULL)
		err_nomem(&e);
	else if ((server = serve(&a, &e)) != NULL &&
	    (a.port_file == NULL || port_write(&a, &e) == 0))
		rc = 0;
	if (rc == 0)
		wait_end(&a, &set, parent);
	else
		fprintf(stderr, "mock-api: %s\n", e.msg);
	atomic_store(&a.stop, true);
	unserve(server);
	counts_free(a.counts);
	if (a.log != -1)
		close(a.log);
	return rc;
}
