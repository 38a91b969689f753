// libcurl's variadic setters, which Swift cannot call, one per type of argument.
#ifndef BALEEN_CCURL_H
#define BALEEN_CCURL_H
#include <curl/curl.h>

static inline CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode ccurl_set_offset(CURL *easy, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode ccurl_set_text(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, void *value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode ccurl_set_list(CURL *easy, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(easy, option, value);
}

typedef size_t (*ccurl_data_callback)(char *bytes, size_t size, size_t count, void *transfer);
typedef int (*ccurl_prereq_callback)(void *transfer, char *to, char *from, int to_port, int from_port);

static inline CURLcode ccurl_set_data_callback(CURL *easy, CURLoption option, ccurl_data_callback call) {
    return curl_easy_setopt(easy, option, call);
}
static inline CURLcode ccurl_set_prereq(CURL *easy, ccurl_prereq_callback call, void *transfer) {
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    return curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, call);
}

typedef int (*ccurl_close_callback)(void *sockets, curl_socket_t fd);
static inline CURLcode ccurl_set_close(CURL *easy, ccurl_close_callback call, void *sockets) {
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, sockets);
    return curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, call);
}

typedef int (*ccurl_socket_callback)(CURL *easy, curl_socket_t fd, int what, void *driver, void *socket);
typedef int (*ccurl_timer_callback)(CURLM *multi, long milliseconds, void *driver);

static inline CURLMcode ccurl_multi_set_callbacks(
    CURLM *multi, ccurl_socket_callback on_socket, ccurl_timer_callback on_timer, void *driver) {
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, driver);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    return curl_multi_setopt(multi, CURLMOPT_TIMERDATA, driver);
}
static inline CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

static inline void *ccurl_private(CURL *easy) {
    char *pointer = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &pointer);
    return pointer;
}

// The result of a finished transfer that the message holds; the message's union does not import well.
static inline CURLcode ccurl_result(const CURLMsg *message) { return message->data.result; }

// Any of these as they are in the running libcurl: enumerators that Swift sees as different types.
enum { ccurl_write_pause = CURL_WRITEFUNC_PAUSE, ccurl_read_pause = CURL_READFUNC_PAUSE, ccurl_read_abort = CURL_READFUNC_ABORT };
#endif
