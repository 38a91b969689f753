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

ssize_t clinux_send(int fd, const struct clinux_piece *pieces, int count) {
    struct iovec parts[CLINUX_MAX_PIECES];
    int used = 0;
    for (int i = 0; i < count && used < CLINUX_MAX_PIECES; i++)
        if (pieces[i].count > 0) parts[used++] = (struct iovec){(void *)pieces[i].bytes, pieces[i].count};
    if (used == 1) return send(fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = used};
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}
