/* A file system without locks, for a process that is started with this library before all others. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>

static int refuse(void) {
    const char *number = getenv("NO_LOCKS");
    errno = number ? atoi(number) : ENOLCK;
    return -1;
}

int flock(int descriptor, int operation) { return refuse(); }

#define LOCKS(command) \
    ((command) == F_GETLK || (command) == F_SETLK || (command) == F_SETLKW || (command) == F_OFD_GETLK || \
     (command) == F_OFD_SETLK || (command) == F_OFD_SETLKW)

#define FCNTL(name) \
    int name(int descriptor, int command, ...) { \
        va_list arguments; \
        va_start(arguments, command); \
        void *argument = va_arg(arguments, void *); \
        va_end(arguments); \
        if (LOCKS(command) && !getenv("ONLY_FLOCK")) return refuse(); \
        int (*original)(int, int, ...) = (int (*)(int, int, ...))dlsym(RTLD_NEXT, #name); \
        return original(descriptor, command, argument); \
    }

FCNTL(fcntl)
FCNTL(fcntl64)
