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

ssize_t clinux_send3(
    int fd, const void *first, size_t first_count, const void *second, size_t second_count, const void *third,
    size_t third_count) {
    struct iovec pieces[3];
    int used = 0;
    if (first_count > 0) pieces[used++] = (struct iovec){(void *)first, first_count};
    if (second_count > 0) pieces[used++] = (struct iovec){(void *)second, second_count};
    if (third_count > 0) pieces[used++] = (struct iovec){(void *)third, third_count};
    if (used == 1) return send(fd, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL);
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = used};
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}
