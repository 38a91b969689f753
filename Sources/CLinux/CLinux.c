#define _GNU_SOURCE
#include "CLinux.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/uio.h>
#include <unistd.h>

static __thread void *current_loop;

__attribute__((noinline)) void *clinux_current_loop(void) { return current_loop; }
__attribute__((noinline)) void clinux_set_current_loop(void *loop) { current_loop = loop; }

int clinux_accept(int fd, struct sockaddr *address, socklen_t *length) {
    return accept4(fd, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int clinux_pipe(int fds[2]) { return pipe2(fds, O_NONBLOCK | O_CLOEXEC); }

ssize_t clinux_splice(int from, int to, size_t count) {
    return splice(from, NULL, to, NULL, count, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

void clinux_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

int clinux_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }
int clinux_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
int clinux_signalfd(const sigset_t *signals) { return signalfd(-1, signals, SFD_CLOEXEC); }

ssize_t clinux_send2(int fd, const void *first, size_t first_count, const void *second, size_t second_count) {
    if (second_count == 0) return send(fd, first, first_count, MSG_NOSIGNAL);
    if (first_count == 0) return send(fd, second, second_count, MSG_NOSIGNAL);
    struct iovec pieces[2] = {{(void *)first, first_count}, {(void *)second, second_count}};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}
