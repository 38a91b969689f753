#ifndef BALEEN_CCURL_H
#define BALEEN_CCURL_H
#include <curl/curl.h>
#endif
