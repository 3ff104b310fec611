/* LD_PRELOAD: a worker of etl-transform that its filter has taken over. HOSTILE
 * says what it does, all the time and beside its work; SEED makes it random:
 * memory: makes all memory that it shares writable and writes there;
 * pid: writes VICTIM, a process id, where its own stands in this memory;
 * pipes: writes to all its pipes, as if it were another process;
 * stay: never exits by itself. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAPS = 16, BURST = 3000, NEAR = 64 << 10, LAST_FD = 64, WORKER = 2 };

static struct {
	const char *what;
	uint32_t victim;
	uint64_t random;
	unsigned int generation;        /* 2: a worker */
	struct map {
		char *at;
		size_t size;
	} map[MAPS];
	size_t n;
} hostile;

static void __attribute__((constructor))
start(void)
{
	const char *seed = getenv("SEED"), *victim = getenv("VICTIM");

	hostile.what = getenv("HOSTILE");
	hostile.what = hostile.what != NULL ? strdup(hostile.what) : "";
	hostile.random = seed != NULL ? strtoul(seed, NULL, 10) : 1;
	hostile.victim =
	    victim != NULL ? (uint32_t)strtoul(victim, NULL, 10) : 1;
}

static uint64_t
next_random(void)
{
	uint64_t x = hostile.random += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static uint64_t
nasty_number(void)
{
	uint64_t one = next_random();

	switch (next_random() % 9) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	case 2:
		return hostile.victim | (uint64_t)hostile.victim << 32;
	case 3:
		return one % 4;
	case 4:
		return UINT64_C(1) << one % 64;
	case 5:
		return (UINT64_C(1) << one % 64) - 1;
	case 6:
		return one % 1100;
	case 7:
		return one % 3 | (one >> 32) % 3 << 32;
	default:
		return one;
	}
}

static void
find_shared_memory(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long from, to;
	char line[512], rights[8];

	hostile.n = 0;
	while (f != NULL && hostile.n < MAPS &&
	    fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3 &&
		    rights[3] == 's')
			hostile.map[hostile.n++] = (struct map){
			    .at = (char *)(uintptr_t)from, .size = to - from };
	if (f != NULL)
		(void)fclose(f);
}

static void
scribble(const struct map *m)
{
	volatile uint64_t *words = (volatile uint64_t *)(void *)m->at;
	uint64_t kind = next_random() % 4;
	size_t within = kind == 0 && m->size > NEAR ? NEAR : m->size;

	for (uint64_t i = next_random() % BURST; i > 0; i--)
		words[next_random() % (within / sizeof(*words))] =
		    nasty_number();
}

static void
replace_pid(const struct map *m)
{
	volatile uint32_t *words = (volatile uint32_t *)(void *)m->at;

	for (size_t i = 0; i < NEAR / sizeof(*words); i++)
		if (words[i] == (uint32_t)getpid())
			words[i] = hostile.victim;
}

static void
forge(void)
{
	struct stat st;
	uint32_t words[16];

	for (int fd = 4; fd < LAST_FD; fd++) {
		size_t len = next_random() % 8 == 0 ?
		    1 + next_random() % sizeof(words) : 12;

		if (fstat(fd, &st) == -1 || !S_ISFIFO(st.st_mode) ||
		    (fcntl(fd, F_GETFL) & O_ACCMODE) != O_WRONLY)
			continue;
		words[0] = next_random() % 7;
		for (size_t i = 1; i < sizeof(words) / sizeof(words[0]); i++)
			words[i] = (uint32_t)nasty_number();
		(void)!write(fd, words, len);
	}
}

static void *
attack(void *unused)
{
	/* The worker is given time to set itself up. */
	struct timespec pause = { .tv_nsec = 5000000 };

	(void)unused;
	(void)nanosleep(&pause, NULL);
	find_shared_memory();
	for (;;) {
		for (size_t i = 0; i < hostile.n; i++) {
			const struct map *m = &hostile.map[i];

			if (mprotect(m->at, m->size, PROT_READ | PROT_WRITE) ==
			    -1)
				continue;
			if (strstr(hostile.what, "memory") != NULL)
				scribble(m);
			if (strstr(hostile.what, "pid") != NULL)
				replace_pid(m);
		}
		if (strstr(hostile.what, "pipes") != NULL)
			forge();
		pause.tv_nsec = (long)(next_random() % 2000000);
		(void)nanosleep(&pause, NULL);
	}
	return NULL;
}

/* The thread is not in the sandbox, which each thread enters for itself. It
 * stands for code that the filter runs in the worker's only thread. */
pid_t
fork(void)
{
	pid_t (*real)(void) = (pid_t (*)(void))dlsym(RTLD_NEXT, "fork");
	pid_t pid;
	pthread_t thread;

	hostile.random = next_random();
	pid = real();
	if (pid == 0 && ++hostile.generation == WORKER)
		(void)pthread_create(&thread, NULL, attack, NULL);
	return pid;
}

void
exit(int status)
{
	void (*real)(int) = (void (*)(int))dlsym(RTLD_NEXT, "exit");
	volatile bool stay = hostile.generation == WORKER &&
	    strstr(hostile.what, "stay") != NULL;

	while (stay)
		continue;
	real(status);
	_exit(status);
}
