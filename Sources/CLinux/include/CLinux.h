// Linux calls that Swift's Glibc module does not show. _GNU_SOURCE may be defined in CLinux.c only:
// defined here it would give Swift a second fd_set.
#ifndef BALEEN_CLINUX_H
#define BALEEN_CLINUX_H
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/socket.h>

// The loop that runs on this thread, or NULL. In C and never inlined, because a Swift optimiser may keep a
// thread-local address across an await.
void *clinux_current_loop(void);
void clinux_set_current_loop(void *loop);

// A non-blocking, close-on-exec descriptor of the next connection, or -1 with errno.
int clinux_accept(int fd, struct sockaddr *address, socklen_t *length);
int clinux_pipe(int fds[2]);
ssize_t clinux_splice(int from, int to, size_t count);
void clinux_name_thread(const char *name);
// Keep epoll's and eventfd's flag constants in one place: they import as different Swift types.
int clinux_epoll_create(void);
int clinux_eventfd(void);
int clinux_signalfd(const sigset_t *signals);
// A part of what is sent; may be empty, without address then.
struct clinux_piece {
    const void *bytes;
    size_t count;
};
enum { CLINUX_MAX_PIECES = 3 };
// One send of all pieces, CLINUX_MAX_PIECES at the most, that raises no SIGPIPE.
ssize_t clinux_send(int fd, const struct clinux_piece *pieces, int count);
#endif
