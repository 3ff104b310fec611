#include "pool/pool.h"

#include "json/pointer.h"
#include "json/write.h"
#include "pool/sandbox.h"
#include "stream/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, OUT_FACTOR = 4 };

static size_t
round_up_to_pages(size_t n)
{
	return (n + PAGE - 1) / PAGE * PAGE;
}

/* Attaches the input twice: to write, and to read. The second attachment has no
 * right to write that mprotect(2) could give, unlike memory of mmap(2) that is
 * read-only at first. (A file of memfd_create(2) would do too, but ulimit -f
 * limits its size.) IPC_RMID frees the memory when no process has it any
 * more. */
static int
attach_input(struct shared *s, size_t size)
{
	int id = shmget(IPC_PRIVATE, size, SHM_NORESERVE | 0600);
	void *rw, *ro;

	if (id == -1)
		return -1;
	rw = shmat(id, NULL, 0);
	ro = shmat(id, NULL, SHM_RDONLY);
	(void)shmctl(id, IPC_RMID, NULL);
	s->input = (intptr_t)rw != -1 ? rw : NULL;
	s->input_readonly = (intptr_t)ro != -1 ? ro : NULL;
	return s->input != NULL && s->input_readonly != NULL ? 0 : -1;
}

/* Maps the memory that parent and workers share. It is large: it has room for
 * the longest allowed record in each slot. But SHM_NORESERVE and MAP_NORESERVE
 * reserve no memory: a page takes memory only after it has been written to. */
int
shared_map(struct shared **out, unsigned int lanes, size_t max_record,
    struct err *e)
{
	struct shared *s = calloc(1, sizeof(*s));
	void *results;

	if (s == NULL)
		return err_nomem(e);
	s->lanes = lanes;
	s->in_max = round_up_to_pages(max_record + SLOT_BYTES);
	s->out_max = round_up_to_pages(
	    max_record * OUT_FACTOR + (size_t)2 * SLOT_OUTPUT_PAUSE);
	s->lines_size = round_up_to_pages(
	    sizeof(struct slot_lines) * SLOTS * lanes);
	s->results_size = round_up_to_pages(sizeof(struct slot) * SLOTS) +
	    s->out_max * SLOTS;
	*out = s;
	if (attach_input(s, s->lines_size + s->in_max * SLOTS * lanes) == -1)
		return err_errno(e, ERR_IO, "cannot get shared memory (shmget, "
		    "shmat) for the worker processes");
	results = mmap(NULL, s->results_size * lanes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (results == MAP_FAILED)
		return err_errno(e, ERR_IO, "cannot map shared memory for the "
		    "worker processes");
	s->results = results;
	return 0;
}

void
shared_unmap(struct shared *s)
{
	if (s == NULL)
		return;
	if (s->input != NULL)
		(void)shmdt(s->input);
	if (s->input_readonly != NULL)
		(void)shmdt(s->input_readonly);
	if (s->results != NULL)
		(void)munmap(s->results, s->results_size * s->lanes);
	free(s);
}

/* Makes the input read-only for this process and those that it forks. They
 * cannot undo this. */
static void
shared_drop_writable(struct shared *s)
{
	(void)shmdt(s->input);
	s->input = s->input_readonly;
	s->input_readonly = NULL;
}

void
shared_drop_readonly(struct shared *s)
{
	(void)shmdt(s->input_readonly);
	s->input_readonly = NULL;
}

/* Unmaps the results of all other lanes. Returns -1 with errno. */
static int
shared_keep_lane(const struct shared *s, unsigned int lane)
{
	char *own = s->results + s->results_size * lane;
	unsigned int after = s->lanes - lane - 1;

	if (lane > 0 && munmap(s->results, s->results_size * lane) == -1)
		return -1;
	return after > 0 ? munmap(own + s->results_size,
	    s->results_size * after) : 0;
}

struct slot_lines *
slot_lines(const struct shared *s, unsigned int lane, unsigned int slot)
{
	return (struct slot_lines *)(void *)s->input +
	    (size_t)lane * SLOTS + slot;
}

struct slot *
slot_at(const struct shared *s, unsigned int lane, unsigned int slot)
{
	return (struct slot *)(void *)(s->results + s->results_size * lane) +
	    slot;
}

char *
slot_input(const struct shared *s, unsigned int lane, unsigned int slot)
{
	return s->input + s->lines_size + s->in_max * (lane * SLOTS + slot);
}

char *
slot_output(const struct shared *s, unsigned int lane, unsigned int slot)
{
	return s->results + s->results_size * (lane + 1) -
	    s->out_max * (SLOTS - slot);
}

void
slot_release_input(
    const struct shared *s, unsigned int lane, unsigned int slot)
{
	(void)madvise(slot_input(s, lane, slot), s->in_max, MADV_REMOVE);
}

void
slot_release_output(
    const struct shared *s, unsigned int lane, unsigned int slot)
{
	(void)madvise(slot_output(s, lane, slot), s->out_max, MADV_REMOVE);
}

static void worker_run(const struct worker_conf *c, unsigned int lane,
    void *engine, struct sandbox *sandbox) __attribute__((noreturn));

/* A worker process whose peak memory has grown by this much exits and is
 * replaced by another process, because libjq leaks a little memory with some
 * errors, and a huge record fragments the heap. */
enum { MAX_GROWTH_KIB = 64 << 10 };

struct worker {
	const struct worker_conf *c;
	unsigned int lane;
	void *engine;
	struct json json;
	struct outcome outcome;
	long start_kib;
};

/* Applies --memory-limit with setrlimit(RLIMIT_AS). The address space that is
 * already in use is added to the limit, because the shared memory and the
 * compiled filter do not count as memory of the filter. */
static void
limit_memory(uint64_t limit)
{
	struct rlimit r;
	unsigned long long pages = 0;
	FILE *f;

	if (limit == 0)
		return;
	if ((f = fopen("/proc/self/statm", "re")) != NULL) {
		if (fscanf(f, "%llu", &pages) != 1)
			pages = 0;
		(void)fclose(f);
	}
	if (pages == 0)
		return;
	r.rlim_cur = pages * (unsigned long long)sysconf(_SC_PAGESIZE) + limit;
	r.rlim_max = r.rlim_cur;
	(void)setrlimit(RLIMIT_AS, &r);
}

static void
add_name_to_pointer(struct buf *b, const struct json *j, uint32_t name)
{
	struct buf text, part;

	buf_init(&text, UINT32_MAX);
	buf_init(&part, UINT32_MAX);
	json_unescape(&text, j, name);
	pointer_put_part(&part, text.data, text.len);
	outcome_put_text(b, part.data, part.len);
	b->failed |= text.failed | part.failed;
	buf_release(&text);
	buf_release(&part);
}

/* Searches the value at token i for the first string with half of a
 * surrogate pair (such as "\ud800" alone), because libjq would silently
 * replace it by another character. Returns true if there is one and appends
 * the JSON Pointer of the string to `pointer`. If the string is a member
 * name, the pointer is that of the object. */
static bool
find_lone_surrogate(const struct json *j, uint32_t i, struct buf *pointer)
{
	const struct json_tok *tok = j->tok;
	size_t len = pointer->len;
	uint32_t n = 0;

	if (tok[i].type == JSON_STRING)
		return tok[i].flags & JSON_LONE;
	if (tok[i].type < JSON_ARRAY)
		return false;
	for (uint32_t k = i + 1; k < tok[i].next; k = tok[k].next) {
		if (tok[i].type == JSON_OBJECT) {
			if (tok[k].flags & JSON_LONE)
				return true;
			add_name_to_pointer(pointer, j, k++);
		} else {
			buf_printf(pointer, "/%u", n++);
		}
		if (find_lone_surrogate(j, k, pointer))
			return true;
		pointer->len = len;
	}
	return false;
}

/* Parses the line. Returns true if it is a record that the filter can run on.
 * Otherwise sets code and message of a reject in w->outcome and returns
 * false. */
static bool
parse_line(struct worker *w, const char *p, size_t n)
{
	struct outcome *o = &w->outcome;
	struct json_fault f = { .code = NULL };
	char why[192];

	if (json_scan(&w->json, p, n, JSON_LEVELS_ALL, w->c->dup, &f) == -1) {
		if (f.nomem)
			_exit(ENGINE_NOMEM);
		json_fault_text(why, sizeof(why), &f);
		outcome_reject(o, f.code, "%s", why);
	} else if (w->json.tok[0].type != JSON_OBJECT) {
		outcome_reject(o, "type", "the record is %s, not an object",
		    json_type_name(w->json.tok[0].type));
	} else if (w->c->plain && is_mark_line(p, n)) {
		outcome_reject(o, "reserved",
		    "a record may not begin with the member @etl: this member "
		    "is reserved for marks");
	} else if (w->json.flags & JSON_LONE) {
		outcome_reject(o, "encoding", "a string has half of a "
		    "surrogate pair, which is no character");
		(void)find_lone_surrogate(&w->json, 0, &o->pointer);
	} else {
		return true;
	}
	return false;
}

/* Prepares the result of a rejected record: empties o->out, which may have
 * outputs of the filter, and writes the code of the reject, its message and its
 * JSON Pointer there, each with a NUL. The parent reads them from there. */
static void
write_reject_fields(struct outcome *o)
{
	buf_clear(&o->out);
	buf_add(&o->out, o->code, strlen(o->code) + 1);
	buf_add(&o->out, o->message.data, o->message.len);
	buf_char(&o->out, '\0');
	buf_add(&o->out, o->pointer.data, o->pointer.len);
	buf_char(&o->out, '\0');
}

/* Runs the filter on record i of the slot, and stores its result for the
 * parent. */
static void
run_record(struct worker *w, struct slot *s, unsigned int k, uint32_t i)
{
	struct shared *m = w->c->shared;
	const struct slot_lines *b = slot_lines(m, w->lane, k);
	const char *line = slot_input(m, w->lane, k) + b->line[i].at;
	struct outcome *o = &w->outcome;
	struct result_place *place = &s->result_place[i];
	uint64_t at = s->len;

	/* The filter writes its outputs directly into the shared memory, after
	 * the `at` bytes of earlier results. buf_add() would reallocate a
	 * buffer whose cap is less than max, so both are equal. `at` is less
	 * than SLOT_OUTPUT_PAUSE here, so the memory has the same room for
	 * every record: out_max - SLOT_OUTPUT_PAUSE bytes. */
	o->out = (struct buf){
		.data = slot_output(m, w->lane, k) + at,
		.cap = m->out_max - SLOT_OUTPUT_PAUSE,
		.max = m->out_max - SLOT_OUTPUT_PAUSE
	};
	outcome_clear(o);
	if (parse_line(w, line, b->line[i].len))
		w->c->engine->run(w->engine, &w->json, o);
	if ((o->message.failed && !o->message.full) ||
	    (o->pointer.failed && !o->pointer.full))
		_exit(ENGINE_NOMEM);
	if (o->code[0] != '\0')
		write_reject_fields(o);
	/* The parent reads the place after s->done, which is stored with
	 * memory_order_release. */
	atomic_store_explicit(&place->turn, b->turn, memory_order_relaxed);
	atomic_store_explicit(&place->at, at, memory_order_relaxed);
	atomic_store_explicit(&place->len, o->out.len, memory_order_relaxed);
	atomic_store_explicit(&place->rejected, o->code[0] != '\0',
	    memory_order_relaxed);
	atomic_store_explicit(&s->len, at + o->out.len, memory_order_relaxed);
}

static void
run_slot(struct worker *w, unsigned int k)
{
	struct slot *s = slot_at(w->c->shared, w->lane, k);
	uint32_t n = slot_lines(w->c->shared, w->lane, k)->n;
	uint32_t i = s->done;

	for (; i < n && s->len < SLOT_OUTPUT_PAUSE; i++) {
		atomic_store_explicit(&s->begun, i + 1, memory_order_release);
		run_record(w, s, k, i);
		atomic_store_explicit(&s->done, i + 1, memory_order_release);
	}
	s->state = SLOT_DONE;
	/* Tell the parent. If the pipe is full, the parent has bytes to read,
	 * so EAGAIN is ignored. */
	while (write(w->c->ready, "", 1) == -1 && errno != EAGAIN)
		if (errno != EINTR)
			_exit(EX_OSERR);        /* the parent has exited */
}

/* Finds the slot that was submitted first among those that wait for this
 * worker. */
static bool
find_oldest_slot(const struct worker *w, unsigned int *k)
{
	const struct slot_lines *b = slot_lines(w->c->shared, w->lane, 0);
	const struct slot *s = slot_at(w->c->shared, w->lane, 0);
	bool found = false;

	for (unsigned int i = 0; i < SLOTS; i++)
		if (s[i].state == SLOT_FULL &&
		    (!found || b[i].turn < b[*k].turn)) {
			*k = i;
			found = true;
		}
	return found;
}

static long
peak_memory_kib(void)
{
	struct rusage u;

	return getrusage(RUSAGE_SELF, &u) == 0 ? u.ru_maxrss : 0;
}

/* Waits until the parent wakes this worker. Returns false if the parent has
 * closed the pipe: the worker then exits. */
static bool
wait_for_wake_up(const struct worker *w)
{
	char bytes[64];
	ssize_t n;

	do
		n = read(w->c->wake_pipes[w->lane], bytes, sizeof(bytes));
	while (n == -1 && errno == EINTR);
	return n > 0;
}

/* Leaves this process nothing of the keeper and of other lanes: only the
 * standard descriptors and its two pipes, its own results, and the input, which
 * the keeper has made read-only. */
static int
give_up_others(const struct worker_conf *c, unsigned int lane)
{
	(void)close(c->commands);
	(void)close(c->events);
	for (unsigned int i = 0; i < c->shared->lanes; i++)
		if (i != lane)
			(void)close(c->wake_pipes[i]);
	return shared_keep_lane(c->shared, lane);
}

/* Runs the slots of the lane until the parent needs the worker no more, and
 * exits. */
static void
worker_run(const struct worker_conf *c, unsigned int lane, void *engine,
    struct sandbox *sandbox)
{
	struct worker w = {
		.c = c, .lane = lane, .engine = engine,
		.start_kib = peak_memory_kib()
	};
	struct sandbox_state in_force;
	unsigned int k = 0;

	if (give_up_others(c, lane) == -1)
		_exit(EX_OSERR);
	limit_memory(c->memory);
	if (sandbox_enter(sandbox, &in_force) == -1)
		_exit(EX_OSERR);
	outcome_init(&w.outcome);
	do {
		while (find_oldest_slot(&w, &k))
			run_slot(&w, k);
	} while (peak_memory_kib() < w.start_kib + MAX_GROWTH_KIB &&
		 wait_for_wake_up(&w));
	outcome_release(&w.outcome);
	json_release(&w.json);
	c->engine->free(engine);
	sandbox_free(sandbox);
	exit(0);
}

struct keeper {
	const struct worker_conf *c;
	void *engine;
	struct sandbox *sandbox;
	struct child {
		pid_t pid;              /* 0: no worker */
		bool death_reported;
	} *child;                       /* one for each lane */
};

/* Asks the kernel to kill this process when its parent exits. If the parent has
 * exited before this request, the kernel sends no signal. getppid() then
 * returns another process id than `parent`, and this process exits itself. */
static void
die_with_parent(int parent)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EX_OSERR);
}

/* Connects the file descriptors 0, 1 and 3 to /dev/null. The parent process
 * reads its input from 0 and writes records to 1 and rejected records to 3. A
 * filter must not be able to read from or write to these files. */
static void
redirect_to_null(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null == -1 || dup2(null, 0) == -1 || dup2(null, 1) == -1 ||
	    dup2(null, 3) == -1)
		_exit(EX_OSERR);
	(void)close(null);
}

/* Closes all file descriptors from 4 on that this process has inherited, except
 * the pipes to and from the parent. One of the closed descriptors may be the
 * file of --rejects, which a filter must not be able to write to. */
static void
close_other_fds(const struct worker_conf *c)
{
	int last = c->events > c->commands ? c->events : c->commands;

	if (c->ready > last)
		last = c->ready;
	for (unsigned int i = 0; i < c->shared->lanes; i++)
		if (c->wake_pipes[i] > last)
			last = c->wake_pipes[i];
	for (int fd = 4; fd < last; fd++) {
		bool ours = fd == c->events || fd == c->commands ||
		    fd == c->ready;

		for (unsigned int i = 0; i < c->shared->lanes; i++)
			ours |= fd == c->wake_pipes[i];
		if (!ours)
			(void)close(fd);
	}
	(void)close_range((unsigned int)last + 1, ~0U, 0);
}

/* Isolates this process, the keeper, and the workers that it will fork, because
 * they run a filter that is not trusted. They get no standard input and output,
 * no inherited files and, without --allow env, no environment. They ignore
 * SIGTERM, SIGINT, SIGHUP and SIGQUIT, because the parent decides when they
 * exit. */
static void
isolate_keeper(const struct worker_conf *c, int parent)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };

	die_with_parent(parent);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)signal(signals[i], SIG_IGN);
	redirect_to_null();
	close_other_fds(c);
	if (!c->env && sandbox_wipe_env() == -1)
		_exit(EX_OSERR);
	/* libjq would read definitions from $HOME/.jq. */
	(void)unsetenv("HOME");
}

static void
send_event(const struct keeper *k, enum event_kind kind, unsigned int lane,
    int status)
{
	struct event v = { .kind = kind, .lane = lane, .status = status };

	while (write(k->c->events, &v, sizeof(v)) == -1)
		if (errno != EINTR)
			_exit(EX_OSERR);        /* the parent has exited */
}

/* Forks a worker for the lane, after it has reaped the one before. */
static void
fork_worker(struct keeper *k, unsigned int lane)
{
	struct child *child = &k->child[lane];
	pid_t self = getpid(), pid;

	/* child is the earlier worker for the same slots (lane). The parent
	 * requests another worker only after this one has exited, so waitpid()
	 * does not block. */
	if (child->pid != 0)
		(void)waitpid(child->pid, NULL, 0);
	*child = (struct child){ .pid = 0 };
	tzset();                /* the worker itself cannot read the file */
	if ((pid = fork()) == 0) {
		die_with_parent(self);
		free(k->child);
		worker_run(k->c, lane, k->engine, k->sandbox);
	}
	if (pid == -1) {
		send_event(k, EVENT_FORK_FAILED, lane, errno);
		return;
	}
	child->pid = pid;
	send_event(k, EVENT_WORKER_STARTED, lane, pid);
}

/* Reports the exit of each worker to the parent once. WNOWAIT keeps the exited
 * process as a zombie until the parent requests another worker. Its process id
 * is not reused before that, so the parent cannot kill an unrelated process. */
static void
report_deaths(struct keeper *k)
{
	for (unsigned int i = 0; i < k->c->shared->lanes; i++) {
		struct child *child = &k->child[i];
		siginfo_t info = { .si_pid = 0 };

		if (child->pid == 0 || child->death_reported)
			continue;
		if (waitid(P_PID, (id_t)child->pid, &info,
		    WEXITED | WNOHANG | WNOWAIT) == -1 || info.si_pid == 0)
			continue;
		child->death_reported = true;
		send_event(k, EVENT_WORKER_DIED, i,
		    info.si_code == CLD_EXITED ? -info.si_status :
		    info.si_status);
	}
}

static void
on_sigchld(int signal)
{
	(void)signal;           /* the signal only has to interrupt ppoll() */
}

/* Reads one command from the parent, the number of a lane (a worker and its
 * slots), and forks a worker for this lane. Returns false if the parent has
 * closed the pipe of the commands: the keeper process then has to exit. */
static bool
serve_command(struct keeper *k)
{
	unsigned char lane;
	ssize_t n = read(k->c->commands, &lane, 1);

	if (n == 1)
		fork_worker(k, lane);
	return n == 1 || (n == -1 && errno == EINTR);
}

/* Runs the commands of the parent, and reports to it when a worker has
 * exited. */
static void
serve_commands(struct keeper *k)
{
	struct pollfd p = { .fd = k->c->commands, .events = POLLIN };
	struct sigaction a = { .sa_handler = on_sigchld };
	sigset_t child, open;

	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &child, &open);
	(void)sigaction(SIGCHLD, &a, NULL);
	for (;;) {
		if (ppoll(&p, 1, NULL, &open) > 0 && !serve_command(k))
			break;
		report_deaths(k);
	}
	for (unsigned int i = 0; i < k->c->shared->lanes; i++)
		if (k->child[i].pid != 0)
			(void)waitpid(k->child[i].pid, NULL, 0);
}

void
keeper_run(const struct worker_conf *c, int parent)
{
	struct keeper k = { .c = c };
	struct err e = { .code = ERR_NONE };

	isolate_keeper(c, parent);
	shared_drop_writable(c->shared);
	k.child = calloc(c->shared->lanes, sizeof(*k.child));
	if (k.child == NULL)
		_exit(EX_OSERR);
	if (c->engine->compile(&k.engine, c->filter, &e) == -1) {
		send_event(&k, EVENT_COMPILE_FAILED, 0, 0);
		if (write(c->events, &e, sizeof(e)) != sizeof(e))
			_exit(EX_OSERR);
	} else {
		if ((k.sandbox = sandbox_new()) == NULL)
			_exit(EX_OSERR);
		send_event(&k, EVENT_COMPILED, 0, 0);
		serve_commands(&k);
		c->engine->free(k.engine);
		sandbox_free(k.sandbox);
	}
	free(k.child);
	exit(0);
}
