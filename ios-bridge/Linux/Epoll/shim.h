// The kernel's event queue: Swift's Glibc module leaves this header out.
#include <sys/epoll.h>
