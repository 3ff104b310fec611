/* measure [-n TIMES] COMMAND [ARG...]: runs COMMAND and prints "WALL CPU PEAK"
 * in seconds, seconds and KiB: the average wall time of a run, the CPU time,
 * and the peak memory of the largest process.  This is a small C program,
 * because the peak of a child starts with the size of its parent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
run(char *argv[])
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		return 126;
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status);
}

int
main(int argc, char *argv[])
{
	long times = 1;
	struct rusage u;
	double start, cpu;
	int rc = 0;

	if (argc > 3 && strcmp(argv[1], "-n") == 0) {
		times = strtol(argv[2], NULL, 10);
		argv += 2;
	}
	if (argc < 2 || times < 1) {
		fputs("usage: measure [-n TIMES] COMMAND [ARG...]\n", stderr);
		return 64;
	}
	start = seconds();
	for (long i = 0; i < times && rc == 0; i++)
		rc = run(argv + 1);
	start = seconds() - start;
	getrusage(RUSAGE_CHILDREN, &u);
	cpu = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
	printf("%.6f %.6f %ld\n", start / (double)times,
	    cpu / (double)times, u.ru_maxrss);
	return rc;
}
