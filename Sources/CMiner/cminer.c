#define _GNU_SOURCE
#include "cminer.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// MARK: Yielding

int cminer_yield_always(void) {
	struct sched_param none = {0};
	if (sched_setscheduler(0, SCHED_IDLE, &none) != 0) return -errno;
	int group = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
	if (group < 0) return 0;  // a kernel without it
	// The kernel takes one change in 100 ms from an ordinary user.
	for (int attempt = 0; attempt < 5 && write(group, "19", 2) < 0 && errno == EAGAIN; attempt++) usleep(120000);
	close(group);
	return 0;
}

int cminer_processors(void) {
	cpu_set_t set;
	return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

// MARK: Confinement

uint64_t cminer_address_space(void) {
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	if (!file) return 0;
	if (fscanf(file, "%lu", &pages) != 1) pages = 0;
	fclose(file);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "which architecture is this?"
#endif
#define ALLOW(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE(name, error) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))

static int filter(void) {
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(futex), ALLOW(read), ALLOW(write), ALLOW(recvfrom), ALLOW(sendto), ALLOW(ppoll), ALLOW(close),
		// memory: also executable, for the compiled hash
		ALLOW(mmap), ALLOW(munmap), ALLOW(mprotect), ALLOW(madvise), ALLOW(mremap), ALLOW(brk),
		// threads of its own, and signals to them
		REFUSE(clone3, ENOSYS), ALLOW(clone), ALLOW(set_robust_list), ALLOW(rseq), ALLOW(gettid), ALLOW(getpid), ALLOW(tgkill),
		ALLOW(sched_setscheduler), ALLOW(sched_getaffinity), ALLOW(sched_yield), ALLOW(rt_sigprocmask), ALLOW(rt_sigaction),
		ALLOW(rt_sigreturn), ALLOW(sigaltstack), ALLOW(restart_syscall),
		// time
		ALLOW(clock_gettime), ALLOW(clock_nanosleep), ALLOW(nanosleep), ALLOW(getrandom),
#ifdef __NR_poll
		ALLOW(poll),
#endif
		// what the C library may look at and can do without
		REFUSE(openat, EACCES), REFUSE(newfstatat, EACCES), REFUSE(fstat, EACCES), REFUSE(prlimit64, EACCES), REFUSE(uname, EACCES),
		ALLOW(exit), ALLOW(exit_group),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = {.len = sizeof rules / sizeof *rules, .filter = rules};
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0 ? 0 : -errno;
}

int cminer_confine(uint64_t bytes) {
	// One arena: the limit below counts addresses, and each further arena takes 64 MiB of them.
	mallopt(M_ARENA_MAX, 1);
	struct rlimit none = {0, 0};
	uint64_t most = cminer_address_space() + bytes;
	struct rlimit memory;
	if (getrlimit(RLIMIT_AS, &memory) != 0) return -errno;
	// Whoever started it may allow less.
	if (memory.rlim_max > most) memory.rlim_max = most;
	memory.rlim_cur = memory.rlim_max;
	if (setrlimit(RLIMIT_CORE, &none) != 0 || setrlimit(RLIMIT_FSIZE, &none) != 0 || setrlimit(RLIMIT_AS, &memory) != 0) return -errno;
	// It stays "dumpable": the daemon, of the same user, must see its name and its processor time, and there is no secret in it.
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -errno;
	return filter();
}

// MARK: Holding

enum { OUTSIDE, INSIDE, STANDING };
static struct { atomic_int place; atomic_int known; pthread_t thread; } threads[CMINER_THREADS];
static atomic_uint held;
static _Thread_local int own = -1;

static void stand_while_held(void) {
	while (atomic_load(&held)) {
		atomic_store(&threads[own].place, STANDING);
		syscall(SYS_futex, &held, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
	}
	atomic_store(&threads[own].place, INSIDE);
}

// Only what a signal handler may do: the thread may be anywhere, also in compiled code.
static void on_signal(int signal) {
	(void)signal;
	int saved = errno;
	stand_while_held();
	errno = saved;
}

static void let_signal_in(int how) {
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(how, &set, NULL);
}

int cminer_holdable(int number) {
	if (number < 0 || number >= CMINER_THREADS) return -EINVAL;
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	if (sigaction(SIGUSR1, &action, NULL) != 0) return -errno;
	let_signal_in(SIG_BLOCK);
	own = number;
	threads[number].thread = pthread_self();
	atomic_store(&threads[number].known, 1);
	return 0;
}

void cminer_enter(void) {
	atomic_store(&threads[own].place, INSIDE);
	let_signal_in(SIG_UNBLOCK);
	// Who comes in after the signals were sent.
	if (atomic_load(&held)) stand_while_held();
}

void cminer_leave(void) {
	let_signal_in(SIG_BLOCK);
	atomic_store(&threads[own].place, OUTSIDE);
}

static int all_stand(void) {
	for (int index = 0; index < CMINER_THREADS; index++)
		if (atomic_load(&threads[index].known) && atomic_load(&threads[index].place) == INSIDE) return 0;
	return 1;
}

int cminer_rest(int descriptor, const void *message, size_t size, int timeout_milliseconds) {
	atomic_store(&held, 1);
	for (int index = 0; index < CMINER_THREADS; index++)
		if (atomic_load(&threads[index].known) && atomic_load(&threads[index].place) == INSIDE)
			pthread_kill(threads[index].thread, SIGUSR1);
	// Who has not come to stand by then is not running: with its signal pending it computes nothing more before it stands.
	for (int waited = 0; !all_stand() && waited < timeout_milliseconds * 10; waited++) {
		struct timespec pause = {0, 100000};
		nanosleep(&pause, NULL);
	}
	int result = send(descriptor, message, size, MSG_NOSIGNAL) < 0 ? -errno : 0;
	struct pollfd readable = {.fd = descriptor, .events = POLLIN};
	while (ppoll(&readable, 1, NULL, NULL) < 0 && errno == EINTR) {}
	atomic_store(&held, 0);
	syscall(SYS_futex, &held, FUTEX_WAKE_PRIVATE, CMINER_THREADS, NULL, NULL, 0);
	return result;
}

// MARK: Spawning

int cminer_spawn(const char *path, char *const arguments[], int *end, int *pid) {
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return -errno;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
#endif
	sigset_t all, none;
	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	char *environment[] = {NULL};
	pid_t child = 0;
	int error = posix_spawn(&child, path, &actions, &attributes, arguments, environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	close(ends[1]);
	if (error != 0) {
		close(ends[0]);
		return -error;
	}
	*end = ends[0];
	*pid = child;
	return 0;
}
