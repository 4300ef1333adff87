/* What containers do in the benchmark of the sensor's overhead. Prints what it took as one line of JSON.
 *
 *   loads exec COUNT PROGRAM             execute a program, one after the other, each time with another argument
 *   loads open COUNT FOLDER FILES RATE NEW
 *                                        open and close files 0 .. FILES-1 of a folder in turn, RATE a second (0: at
 *                                        once); of a thousand opens NEW are of files that follow them, each once
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec + at.tv_nsec / 1e9;
}

static double cpu_of(int who)
{
    struct rusage used;
    getrusage(who, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void execute(char *program, long number)
{
    char text[64];
    char *arguments[] = {program, text, NULL}, *environment[] = {NULL};
    pid_t child;
    int status;
    snprintf(text, sizeof text, "%ld-%ld", (long)getpid(), number);
    if (posix_spawn(&child, program, NULL, NULL, arguments, environment) || waitpid(child, &status, 0) != child || status)
        exit(1);
}

static void wait_until(double at)
{
    double left = at - now();
    if (left > 0) {
        struct timespec pause = {(time_t)left, (long)((left - (time_t)left) * 1e9)};
        nanosleep(&pause, NULL);
    }
}

static void open_file(const char *folder, long number)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%ld", folder, number);
    int file = open(path, O_RDONLY);
    if (file < 0)
        exit(1);
    close(file);
}

static void open_files(long count, const char *folder, long files, double rate, long new_ones)
{
    double begun = now();
    long others = 0;
    for (long done = 0; done < count; done++) {
        long due = (done + 1) * new_ones / 1000;
        if (rate > 0 && done % 11 == 0)
            wait_until(begun + done / rate);
        open_file(folder, due > others ? files + others++ : done % files);
    }
}

int main(int argc, char **argv)
{
    long count = argc > 3 ? atol(argv[2]) : 0;
    double begun = now();
    if (argc == 4 && !strcmp(argv[1], "exec")) {
        for (long done = 0; done < count; done++)
            execute(argv[3], done);
    } else if (argc == 7 && !strcmp(argv[1], "open")) {
        open_files(count, argv[3], atol(argv[4]), atof(argv[5]), atol(argv[6]));
    } else {
        return 2;
    }
    printf("{\"seconds\": %f, \"cpu\": %f}\n", now() - begun, cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN));
    return 0;
}
