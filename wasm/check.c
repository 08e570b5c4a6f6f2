/* Batches of every size, right and wrong, for a native build that checks the library's invariants; see build.sh. */
#include <stdio.h>
#include "nexus.c"

static int failures = 0;

static void expect(int is, int should, const char *what, size_t n) {
    if (is == should) return;
    printf("%s, batch of %zu: %d\n", what, n, is);
    failures++;
}

/** A signature by one of 16 keys, of a message and with a nonce that follow from `seed`. */
static entry make(unsigned seed) {
    entry e;
    memset(&io, 0, sizeof(io));
    io.signing.secret[31] = 1 + seed % 16;
    memcpy(io.signing.id, &seed, sizeof(seed));
    memcpy(e.id, io.signing.id, 32);
    expect(sign(), 1, "sign", seed);
    memcpy(e.sig, io.signing.sig, 64);
    memset(io.bytes, 0, 32);
    io.bytes[31] = 1 + seed % 16;
    expect(public_key(), 1, "key", seed);
    expect(parse_key(), 1, "parsed key", seed);
    memcpy(&e.key, io.bytes, 64);
    return e;
}

int main(void) {
    static entry all[256];
    unsigned seed;
    size_t n, i;
    start();
    for (seed = 0; seed < 256; seed++) all[seed] = make(seed);
    for (n = 1; n <= MAX_BATCH; n++) {
        for (i = 0; i < n; i++) io.batch[i] = all[(n * 7 + i) % 256];
        expect(verify_all(n), 1, "right", n);
        for (i = 0; i < n; i += 1 + n / 8) {
            io.batch[i].sig[32 + i % 32] ^= 1;
            expect(verify_all(n), 0, "one wrong", n);
            io.batch[i].sig[32 + i % 32] ^= 1;
        }
        for (i = 0; i < n; i++) io.batch[i] = all[n];
        expect(verify_all(n), 1, "all the same", n);
        io.batch[n / 2].id[0] ^= 1;
        expect(verify_all(n), 0, "all the same but one", n);
    }
    return failures != 0;
}
