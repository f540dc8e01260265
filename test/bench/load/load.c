// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The loops that are measured. load MODE COUNT FILE does COUNT rounds and
 * prints the nanoseconds that one took.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char *self;
static int file;

static void end(const char *what)
{
	perror(what);
	exit(1);
}

/* Waits for a child that must end with status 0. */
static void reap(pid_t child)
{
	int status;

	if (child < 0)
		end("fork");
	if (waitpid(child, &status, 0) != child || status)
		end("child");
}

static void do_fork(void)
{
	pid_t child = fork();

	if (!child)
		_exit(0);
	reap(child);
}

static void do_exec(void)
{
	char *argv[] = { self, "nothing", 0 };
	char *envp[] = { 0 };
	pid_t child = fork();

	if (!child) {
		execve(self, argv, envp);
		_exit(127);
	}
	reap(child);
}

static void do_pread(void)
{
	char byte;

	if (pread(file, &byte, 1, 0) != 1)
		end("pread");
}

static void do_open(void)
{
	int fd = open("/proc/self/exe", O_RDONLY);

	if (fd < 0)
		end("open");
	close(fd);
}

static void do_getppid(void)
{
	syscall(SYS_getppid);
}

static const struct {
	const char *name;
	void (*round)(void);
} modes[] = {
	{ "fork", do_fork },
	{ "exec", do_exec },
	{ "pread", do_pread },
	{ "open", do_open },
	{ "getppid", do_getppid },
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv)
{
	unsigned int m;

	if (argc == 2 && !strcmp(argv[1], "nothing"))
		return 0;
	if (argc != 4) {
		fprintf(stderr, "usage: load MODE COUNT FILE\n");
		return 2;
	}
	self = argv[0];
	file = open(argv[3], O_RDONLY);
	if (file < 0)
		end(argv[3]);
	for (m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
		long i, count = atol(argv[2]);
		double began;

		if (strcmp(modes[m].name, argv[1]))
			continue;
		modes[m].round(); /* what only the first round costs */
		began = now();
		for (i = 0; i < count; i++)
			modes[m].round();
		printf("%.1f\n", (now() - began) / count);
		return 0;
	}
	fprintf(stderr, "load: no mode %s\n", argv[1]);
	return 2;
}
