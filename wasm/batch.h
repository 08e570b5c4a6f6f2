/*
 * Batch verification of BIP-340 signatures: with random coefficients a[i],
 *
 *     sum(a[i] * s[i]) * G  -  sum(a[i] * R[i])  -  sum(a[i] * e[i] * P[i])  =  0
 *
 * holds if all signatures are right, and by chance only, once in 2^128, if one is wrong. The coefficients come from a
 * hash of all that is verified, so nobody can choose signatures to suit them.
 *
 * Sums of many points are made in affine coordinates. One addition takes a division there, but divisions that do not
 * depend on one another share a single one, which leaves 6 multiplications for an addition; in Jacobian coordinates, as
 * in the library, it takes 11. So all digits of all scalars are sorted by the bit they stand at, the points of each bit
 * are added pair by pair in rounds, and only one point for each bit is left for the usual walk over the bits.
 */

/* Digits are odd, less than 2^(WINDOW-1), and at least WINDOW bits apart. */
#define WINDOW 5
#define ODD (1 << (WINDOW - 2))
#define BITS 129
#define MAX_DIGITS ((BITS + WINDOW - 1) / WINDOW)
/* One half of a scalar for each R, two for each P. */
#define MAX_HALVES (3 * MAX_BATCH)
#define MAX_POINTS (MAX_HALVES * MAX_DIGITS)

/** Affine, never infinity. Magnitudes: 1 for x; 1 for y, or 2 where a point was negated into `sums`. */
typedef struct {
    LIB(fe) x, y;
} point;

/** A point of which multiples are taken: the negative of an R, or a P. */
typedef struct {
    LIB(scalar) factor;
    const LIB(xonly_pubkey) *key;
} term;

static term terms[2 * MAX_BATCH];
/* odd[k][t] is (2k + 1) times the point of term t; x_lambda its x when multiplied by lambda. */
static point odd[ODD][2 * MAX_BATCH];
static LIB(fe) x_lambda[ODD][2 * MAX_BATCH];
static point twice[2 * MAX_BATCH];

/** The digits of a part of a scalar. */
typedef struct {
    int8_t digits[BITS];
    uint16_t term;
    uint8_t bits, is_lambda;
} half;

static half halves[MAX_HALVES];
static point sums[2][MAX_POINTS];
static LIB(fe) inverses[MAX_POINTS / 2], products[MAX_POINTS / 2];
/* Where two points are, and where their sum goes. */
static struct {
    uint32_t from, to;
} pairs[MAX_POINTS / 2];

/** Replaces each of n > 0 elements, none of them 0, by its inverse. Magnitudes of at most 8 before, 1 after. */
static void invert_all(LIB(fe) *r, size_t n) {
    LIB(fe) inverse;
    size_t i;
    products[0] = r[0];
    for (i = 1; i < n; i++) LIB(fe_mul)(&products[i], &products[i - 1], &r[i]);
    LIB(fe_inv_var)(&inverse, &products[n - 1]);
    for (i = n - 1; i > 0; i--) {
        LIB(fe) rest = inverse;
        LIB(fe_mul)(&inverse, &inverse, &r[i]);
        LIB(fe_mul)(&r[i], &rest, &products[i - 1]);
    }
    r[0] = inverse;
}

/** b.x - a.x, of magnitude 3. */
static SECP256K1_INLINE void run(LIB(fe) *r, const point *a, const point *b) {
    LIB(fe_negate)(r, &a->x, 1);
    LIB(fe_add)(r, &b->x);
}

/** The third point on the line through a and b with this slope, mirrored. r may be a or b. */
static SECP256K1_INLINE void follow(point *r, const point *a, const LIB(fe) *b_x, const LIB(fe) *slope) {
    LIB(fe) x, y, t;
    LIB(fe_sqr)(&x, slope);
    LIB(fe_negate)(&t, &a->x, 1);
    LIB(fe_add)(&x, &t);
    LIB(fe_negate)(&t, b_x, 1);
    LIB(fe_add)(&x, &t);
    LIB(fe_normalize_weak)(&x);
    LIB(fe_negate)(&t, &x, 1);
    LIB(fe_add)(&t, &a->x);
    LIB(fe_mul)(&y, &t, slope);
    LIB(fe_negate)(&t, &a->y, 2);
    LIB(fe_add)(&y, &t);
    LIB(fe_normalize_weak)(&y);
    r->x = x;
    r->y = y;
}

/** r = a + b, given 1 / (b.x - a.x). */
static SECP256K1_INLINE void add(point *r, const point *a, const point *b, const LIB(fe) *inverse) {
    LIB(fe) slope;
    LIB(fe_negate)(&slope, &a->y, 2);
    LIB(fe_add)(&slope, &b->y);
    LIB(fe_mul)(&slope, &slope, inverse);
    follow(r, a, &b->x, &slope);
}

/** Fills `odd` from its first row. The order of the group is a large prime: no division by 0 comes up. */
static void make_tables(size_t n) {
    size_t t, k;
    for (t = 0; t < n; t++) {
        inverses[t] = odd[0][t].y;
        LIB(fe_mul_int)(&inverses[t], 2);
    }
    invert_all(inverses, n);
    for (t = 0; t < n; t++) {
        const point *p = &odd[0][t];
        LIB(fe) slope;
        LIB(fe_sqr)(&slope, &p->x);
        LIB(fe_mul_int)(&slope, 3);
        LIB(fe_mul)(&slope, &slope, &inverses[t]);
        follow(&twice[t], p, &p->x, &slope);
    }
    for (k = 1; k < ODD; k++) {
        for (t = 0; t < n; t++) run(&inverses[t], &odd[k - 1][t], &twice[t]);
        invert_all(inverses, n);
        for (t = 0; t < n; t++) add(&odd[k][t], &odd[k - 1][t], &twice[t], &inverses[t]);
    }
}

/** Where the digits of a bit are in `sums`, and what of them could not be added in affine coordinates. */
typedef struct {
    uint32_t at, count;
    LIB(gej) rest;
} column;

static column columns[BITS];

static void add_to_rest(column *c, const point *p) {
    LIB(ge) ge;
    LIB(ge_set_xy)(&ge, &p->x, &p->y);
    LIB(gej_add_ge_var)(&c->rest, &c->rest, &ge, NULL);
}

/** Sorts the points that the digits stand for into the columns of their bits. */
static void fill_columns(size_t n) {
    uint32_t next[BITS];
    uint32_t at = 0;
    size_t h;
    int bit;
    for (bit = 0; bit < BITS; bit++) columns[bit].count = 0;
    for (h = 0; h < n; h++) {
        for (bit = 0; bit < halves[h].bits; bit++) columns[bit].count += halves[h].digits[bit] != 0;
    }
    for (bit = 0; bit < BITS; bit++) {
        columns[bit].at = next[bit] = at;
        LIB(gej_set_infinity)(&columns[bit].rest);
        at += columns[bit].count;
    }
    for (h = 0; h < n; h++) {
        const half *f = &halves[h];
        for (bit = 0; bit < f->bits; bit++) {
            int digit = f->digits[bit];
            int k = (digit < 0 ? -digit : digit) >> 1;
            point *to;
            if (digit == 0) continue;
            to = &sums[0][next[bit]++];
            to->x = f->is_lambda ? x_lambda[k][f->term] : odd[k][f->term].x;
            to->y = odd[k][f->term].y;
            if (digit < 0) LIB(fe_negate)(&to->y, &to->y, 1);
        }
    }
}

/** One round: adds the points of each column in pairs, from one array into the other. False if there was none to add. */
static int halve_columns(const point *from, point *to) {
    size_t n = 0, i;
    uint32_t end = 0;
    int bit;
    for (bit = 0; bit < BITS; bit++) {
        column *c = &columns[bit];
        uint32_t at = c->at;
        uint32_t left = c->count;
        c->at = end;
        for (; left > 1; left -= 2, at += 2) {
            run(&inverses[n], &from[at], &from[at + 1]);
            if (EXPECT(LIB(fe_normalizes_to_zero_var)(&inverses[n]), 0)) {
                /* The same point twice, or a point and its negative. */
                add_to_rest(c, &from[at]);
                add_to_rest(c, &from[at + 1]);
            } else {
                pairs[n].from = at;
                pairs[n++].to = end++;
            }
        }
        if (left == 1) to[end++] = from[at];
        c->count = end - c->at;
    }
    if (n == 0) return 0;
    invert_all(inverses, n);
    for (i = 0; i < n; i++) {
        const point *pair = &from[pairs[i].from];
        add(&to[pairs[i].to], &pair[0], &pair[1], &inverses[i]);
    }
    return 1;
}

/** Whether g * G and the terms add up to infinity. */
static int is_zero_sum(const LIB(scalar) *g, size_t half_count) {
    LIB(scalar) low, high;
    LIB(gej) r;
    LIB(ge) ge;
    int low_digits[BITS], high_digits[BITS];
    int which = 0;
    int bit;
    fill_columns(half_count);
    while (halve_columns(sums[which], sums[!which])) which = !which;
    LIB(scalar_split_128)(&low, &high, g);
    LIB(ecmult_wnaf)(low_digits, BITS, &low, WINDOW_G);
    LIB(ecmult_wnaf)(high_digits, BITS, &high, WINDOW_G);
    LIB(gej_set_infinity)(&r);
    for (bit = BITS - 1; bit >= 0; bit--) {
        const column *c = &columns[bit];
        LIB(gej_double_var)(&r, &r, NULL);
        LIB(gej_add_var)(&r, &r, &c->rest, NULL);
        if (c->count == 1) {
            LIB(ge_set_xy)(&ge, &sums[which][c->at].x, &sums[which][c->at].y);
            LIB(gej_add_ge_var)(&r, &r, &ge, NULL);
        }
        if (low_digits[bit]) {
            LIB(ecmult_table_get_ge_storage)(&ge, LIB(pre_g), low_digits[bit], WINDOW_G);
            LIB(gej_add_ge_var)(&r, &r, &ge, NULL);
        }
        if (high_digits[bit]) {
            LIB(ecmult_table_get_ge_storage)(&ge, LIB(pre_g_128), high_digits[bit], WINDOW_G);
            LIB(gej_add_ge_var)(&r, &r, &ge, NULL);
        }
    }
    return LIB(gej_is_infinity)(&r);
}

static void add_half(size_t *count, const LIB(scalar) *part, size_t t, int is_lambda) {
    half *h = &halves[(*count)++];
    h->bits = LIB(ecmult_wnaf_small)(h->digits, BITS, part, WINDOW);
    h->term = t;
    h->is_lambda = is_lambda;
}

/** The coefficient of entry i: 128 bits that depend on all that is verified. */
static void coefficient(LIB(scalar) *a, const unsigned char *seed, uint32_t i) {
    unsigned char hash[32];
    LIB(sha256) state;
    LIB(sha256_initialize)(&state);
    LIB(sha256_write)(&built.context.hash_ctx, &state, seed, 32);
    LIB(sha256_write)(&built.context.hash_ctx, &state, (const unsigned char *)&i, sizeof(i));
    LIB(sha256_finalize)(&built.context.hash_ctx, &state, hash);
    memset(hash, 0, 16);
    LIB(scalar_set_b32)(a, hash, NULL);
}

/** The number of the term of this key among those from `first` on; a new one if there is none, with factor 0. */
static size_t term_of(const LIB(xonly_pubkey) *key, size_t first, size_t *count) {
    LIB(ge) p;
    size_t t;
    for (t = first; t < *count; t++) {
        if (LIB(memcmp_var)(terms[t].key, key, sizeof(*key)) == 0) return t;
    }
    LIB(xonly_pubkey_load)(&built.context, &p, key);
    odd[0][t].x = p.x;
    odd[0][t].y = p.y;
    terms[t].key = key;
    LIB(scalar_set_int)(&terms[t].factor, 0);
    ++*count;
    return t;
}

/** Whether all of n entries verify. */
static int verify_batch(const entry *entries, size_t n) {
    unsigned char seed[32], x[32];
    LIB(sha256) state;
    LIB(scalar) a, s, e, g;
    size_t term_count = n;
    size_t half_count = 0;
    size_t i, k, t;
    int overflow;

    LIB(sha256_initialize)(&state);
    LIB(sha256_write)(&built.context.hash_ctx, &state, (const unsigned char *)entries, n * sizeof(entry));
    LIB(sha256_finalize)(&built.context.hash_ctx, &state, seed);
    LIB(scalar_set_int)(&g, 0);
    for (i = 0; i < n; i++) {
        const entry *from = &entries[i];
        LIB(fe) r_x;
        LIB(ge) r;
        LIB(scalar_set_b32)(&s, &from->sig[32], &overflow);
        /* Minus R is the point with odd y. */
        if (overflow || !LIB(fe_set_b32_limit)(&r_x, from->sig) || !LIB(ge_set_xo_var)(&r, &r_x, 1)) return 0;
        LIB(fe_normalize_weak)(&r.y);
        odd[0][i].x = r.x;
        odd[0][i].y = r.y;
        coefficient(&a, seed, i);
        add_half(&half_count, &a, i, 0);

        t = term_of(&from->key, n, &term_count);
        LIB(fe_get_b32)(x, &odd[0][t].x);
        LIB(schnorrsig_challenge)(&built.context.hash_ctx, &e, from->sig, from->id, 32, x);
        LIB(scalar_mul)(&e, &e, &a);
        LIB(scalar_negate)(&e, &e);
        LIB(scalar_add)(&terms[t].factor, &terms[t].factor, &e);
        LIB(scalar_mul)(&s, &s, &a);
        LIB(scalar_add)(&g, &g, &s);
    }
    make_tables(term_count);
    for (t = n; t < term_count; t++) {
        LIB(scalar) one, lambda;
        LIB(scalar_split_lambda)(&one, &lambda, &terms[t].factor);
        add_half(&half_count, &one, t, 0);
        add_half(&half_count, &lambda, t, 1);
        for (k = 0; k < ODD; k++) LIB(fe_mul)(&x_lambda[k][t], &odd[k][t].x, &LIB(const_beta));
    }
    return is_zero_sum(&g, half_count);
}
