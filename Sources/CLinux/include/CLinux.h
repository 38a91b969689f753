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
// One send of up to three pieces that raises no SIGPIPE; each may be empty.
ssize_t clinux_send3(
    int fd, const void *first, size_t first_count, const void *second, size_t second_count, const void *third,
    size_t third_count);
#endif
