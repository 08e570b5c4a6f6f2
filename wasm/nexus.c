/*
 * What the relay needs of libsecp256k1, as one WebAssembly module: SHA-256, BIP-340 verification, one by one and in
 * batches, and signing. README.md says how it is built. All data passes through `io`; nothing is allocated.
 */
#define ENABLE_MODULE_EXTRAKEYS 1
#define ENABLE_MODULE_SCHNORRSIG 1
#include "src/secp256k1.c"
#include "src/precomputed_ecmult.c"
#include "src/precomputed_ecmult_gen.c"

/* The package renames every symbol of the library. */
#define LIB(name) rustsecp256k1_v0_14_##name
#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(#name)))
#else
#define EXPORT(name)
#endif

/* The library reports misuse by the caller and broken invariants: both are bugs here. */
void LIB(default_illegal_callback_fn)(const char *text, void *data) { (void)text; (void)data; __builtin_trap(); }
void LIB(default_error_callback_fn)(const char *text, void *data) { (void)text; (void)data; __builtin_trap(); }

#ifdef __wasm__
/* One instruction each, where the compiler leaves a call. */
void *memcpy(void *to, const void *from, size_t n) { return __builtin_memcpy(to, from, n); }
void *memmove(void *to, const void *from, size_t n) { return __builtin_memmove(to, from, n); }
void *memset(void *to, int byte, size_t n) { return __builtin_memset(to, byte, n); }
#endif

#define MAX_BATCH 64

typedef struct {
    unsigned char sig[64];
    unsigned char id[32];
    /* As `parse_key` leaves it. */
    LIB(xonly_pubkey) key;
} entry;

static union {
    unsigned char bytes[65536];
    entry batch[MAX_BATCH];
    struct {
        unsigned char secret[32], id[32], aux[32], sig[64];
    } signing;
} io;

static union {
    LIB(context) context;
    unsigned char bytes[sizeof(LIB(context))];
} built;

static LIB(sha256) sha;

/** Must be called once, first. Returns where `io` is. */
EXPORT(start) unsigned char *start(void) {
    return LIB(context_preallocated_create)(&built, SECP256K1_CONTEXT_NONE) == NULL ? NULL : io.bytes;
}

/** Adds `length` bytes of `io` to the hash of one text. After the last, `io` begins with the hash. */
EXPORT(hash) void hash(size_t length, int is_first, int is_last) {
    if (is_first) LIB(sha256_initialize)(&sha);
    LIB(sha256_write)(&built.context.hash_ctx, &sha, io.bytes, length);
    if (is_last) LIB(sha256_finalize)(&built.context.hash_ctx, &sha, io.bytes);
}

/** Turns the x-only key that `io` begins with into the 64 bytes that an entry has. 0 if it is not on the curve. */
EXPORT(parse_key) int parse_key(void) {
    unsigned char x[32];
    memcpy(x, io.bytes, 32);
    return LIB(xonly_pubkey_parse)(&built.context, (LIB(xonly_pubkey) *)io.bytes, x);
}

/** Whether one signature verifies, by the library. */
static int verify(const entry *e) {
    return LIB(schnorrsig_verify)(&built.context, e->sig, e->id, 32, &e->key);
}

static int signer(LIB(keypair) *pair) {
    return LIB(keypair_create)(&built.context, pair, io.signing.secret);
}

/** Puts the x-only public key of the secret in the place of the secret. 0 if the secret is 0 or not below n. */
EXPORT(public_key) int public_key(void) {
    LIB(keypair) pair;
    LIB(xonly_pubkey) key;
    int ok = signer(&pair) && LIB(keypair_xonly_pub)(&built.context, &key, NULL, &pair);
    memset(&io.signing, 0, sizeof(io.signing));
    if (ok) LIB(xonly_pubkey_serialize)(&built.context, io.bytes, &key);
    LIB(memclear_explicit)(&pair, sizeof(pair));
    return ok;
}

/** Signs (BIP-340) and wipes the secret. 0 if the secret is 0 or not below n. */
EXPORT(sign) int sign(void) {
    LIB(keypair) pair;
    int ok = signer(&pair) && LIB(schnorrsig_sign32)(&built.context, io.signing.sig, io.signing.id, &pair, io.signing.aux);
    memset(io.signing.secret, 0, 32);
    memset(io.signing.aux, 0, 32);
    LIB(memclear_explicit)(&pair, sizeof(pair));
    return ok;
}

#include "batch.h"

/** Whether all of the first `n` entries verify, 1 <= n <= MAX_BATCH (BIP-340). */
EXPORT(verify_all) int verify_all(size_t n) {
    return n == 1 ? verify(&io.batch[0]) : verify_batch(io.batch, n);
}
