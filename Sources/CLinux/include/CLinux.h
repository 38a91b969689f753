// Linux calls that Swift's Glibc module does not show. _GNU_SOURCE may be defined in CLinux.c only:
// defined here it would give Swift a second fd_set.
#ifndef BALEEN_CLINUX_H
#define BALEEN_CLINUX_H
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/socket.h>
#endif
