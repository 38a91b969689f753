#ifndef BALEEN_COPENSSL_H
#define BALEEN_COPENSSL_H
#include <openssl/crypto.h>
#include <openssl/evp.h>
#endif
