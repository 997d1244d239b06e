// OpenSSL 3 as Swift sees it: the headers, and functions in place of the macros that the importer cannot read.
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static inline long shim_SSL_set_tlsext_host_name(SSL *ssl, const char *name) {
  return SSL_set_tlsext_host_name(ssl, name);
}

static inline int shim_SSL_set_retry_verify(SSL *ssl) {
  return (int)SSL_set_retry_verify(ssl);
}

static inline long shim_SSL_set_min_proto_version(SSL *ssl, int version) {
  return SSL_set_min_proto_version(ssl, version);
}

static inline long shim_SSL_set_max_proto_version(SSL *ssl, int version) {
  return SSL_set_max_proto_version(ssl, version);
}

static inline long shim_SSL_CTX_set_mode(SSL_CTX *context, long mode) {
  return SSL_CTX_set_mode(context, mode);
}

static inline int shim_BIO_reset(BIO *bio) {
  return (int)BIO_reset(bio);
}

static inline long shim_BIO_get_mem_data(BIO *bio, char **bytes) {
  return BIO_get_mem_data(bio, bytes);
}

static inline long shim_BIO_set_mem_eof_return(BIO *bio, int value) {
  return BIO_set_mem_eof_return(bio, value);
}

static inline int shim_ERR_GET_REASON(unsigned long code) {
  return ERR_GET_REASON(code);
}

static inline int shim_ERR_GET_LIB(unsigned long code) {
  return ERR_GET_LIB(code);
}

static inline EVP_PKEY *shim_EVP_EC_gen(const char *curve) {
  return EVP_EC_gen(curve);
}

static inline int shim_sk_X509_num(const STACK_OF(X509) *stack) {
  return sk_X509_num(stack);
}

static inline X509 *shim_sk_X509_value(const STACK_OF(X509) *stack, int index) {
  return sk_X509_value(stack, index);
}

static inline STACK_OF(X509) *shim_sk_X509_new_null(void) {
  return sk_X509_new_null();
}

static inline int shim_sk_X509_push(STACK_OF(X509) *stack, X509 *certificate) {
  return sk_X509_push(stack, certificate);
}

static inline void shim_sk_X509_free(STACK_OF(X509) *stack) {
  sk_X509_free(stack);
}

static inline void shim_SSL_CTX_forbid_renegotiation(SSL_CTX *context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
}

static inline long shim_SSL_CTX_set1_chain(SSL_CTX *context, STACK_OF(X509) *chain) {
  return SSL_CTX_set1_chain(context, chain);
}

static inline long shim_SSL_CTX_set_min_proto_version(SSL_CTX *context, int version) {
  return SSL_CTX_set_min_proto_version(context, version);
}

static inline long shim_SSL_CTX_set_max_proto_version(SSL_CTX *context, int version) {
  return SSL_CTX_set_max_proto_version(context, version);
}
