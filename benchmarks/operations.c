/* Counts the instructions of operations in a machine whose time-stamp counter is a count of instructions (qemu -icount
 * shift=0). Prints the median of each as one line of JSON; `ruler` is a loop of RULER instructions and the way to the
 * counter and back.
 *
 *   operations COUNT FOLDER PROGRAM NAME...   do each that is named COUNT times, after as many that warm the caches up
 *
 * FOLDER has files 0 .. COUNT - 1; `new` opens each of them once. PROGRAM is what `exec` executes.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#define RULER 100000
#define PAGE 4096

static const char *folder;
static char *program;
static char path[256];
static int mapped, listener;
static struct sockaddr_in address = {.sin_family = AF_INET};

static void check(int holds, const char *what)
{
    if (!holds) {
        perror(what);
        exit(1);
    }
}

static void ruler(void)
{
    unsigned long left = RULER / 2;
    __asm__ volatile("1: dec %0\n jnz 1b" : "+r"(left));
}

static void call(void)
{
    syscall(SYS_getppid);
}

static void open_path(void)
{
    int file = open(path, O_RDONLY);
    check(file >= 0, path);
    close(file);
}

static void map(void)
{
    void *place = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, mapped, 0);
    check(place != MAP_FAILED, "mmap");
    munmap(place, PAGE);
}

static void execute(void)
{
    char *arguments[] = {program, NULL}, *environment[] = {NULL};
    int status;
    pid_t child = vfork(); /* posix_spawn asks for the handler of every signal */
    if (!child) {
        execve(program, arguments, environment);
        _exit(127);
    }
    check(waitpid(child, &status, 0) == child && !status, program);
}

/* A reset at the end: what waited for late packets would use up the ports. */
static void connect_once(void)
{
    struct linger at_once = {.l_onoff = 1};
    int mine = socket(AF_INET, SOCK_STREAM, 0);
    check(!connect(mine, (struct sockaddr *)&address, sizeof address), "connect");
    int theirs = accept(listener, NULL, NULL);
    check(theirs >= 0, "accept");
    check(!setsockopt(mine, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), "setsockopt");
    close(mine);
    close(theirs);
}

static void nothing(long number)
{
    (void)number;
}

static void first(long number)
{
    (void)number;
    snprintf(path, sizeof path, "%s/0", folder);
}

/* Looked at beforehand, so that what is counted is no reading of directories. */
static void next(long number)
{
    struct stat found;
    snprintf(path, sizeof path, "%s/%ld", folder, number < 0 ? 0 : number);
    check(!stat(path, &found), path);
}

static const struct operation {
    const char *name;
    void (*once)(void);
    void (*prepare)(long number); /* not counted; below 0 while warming up */
} operations[] = {
    {"ruler", ruler, nothing}, {"call", call, nothing},       {"open", open_path, first},
    {"new", open_path, next},  {"map", map, nothing},         {"exec", execute, nothing},
    {"connect", connect_once, nothing},
};

static int compare(const void *one, const void *other)
{
    unsigned long long a = *(const unsigned long long *)one, b = *(const unsigned long long *)other;
    return (a > b) - (a < b);
}

static unsigned long long median_of(const struct operation *operation, long count)
{
    unsigned long long found[count];
    for (long number = -count; number < count; number++) {
        operation->prepare(number);
        unsigned long long begun = __rdtsc();
        operation->once();
        found[number < 0 ? 0 : number] = __rdtsc() - begun;
    }
    qsort(found, count, sizeof *found, compare);
    return found[count / 2];
}

static const struct operation *find(const char *name)
{
    for (size_t number = 0; number < sizeof operations / sizeof *operations; number++)
        if (!strcmp(operations[number].name, name))
            return &operations[number];
    fprintf(stderr, "no operation is called %s\n", name);
    exit(2);
}

static void prepare(void)
{
    socklen_t length = sizeof address;
    mapped = open(program, O_RDONLY);
    check(mapped >= 0, program);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    check(!bind(listener, (struct sockaddr *)&address, sizeof address) && !listen(listener, 8), "listen");
    check(!getsockname(listener, (struct sockaddr *)&address, &length), "getsockname");
}

int main(int argc, char **argv)
{
    long count = argc > 4 ? atol(argv[1]) : 0;
    if (count <= 0)
        return 2;
    folder = argv[2];
    program = argv[3];
    prepare();
    for (int number = 4; number < argc; number++)
        printf("%s\"%s\": %llu", number == 4 ? "{" : ", ", argv[number], median_of(find(argv[number]), count));
    puts("}");
    return 0;
}
