/* Content codings and Accept-Encoding (RFC 9110 8.4.1, 12.4.2, 12.5.3; RFC 7932, RFC 8878). */
#ifndef HTTP_CODING_H
#define HTTP_CODING_H

#include "base/slice.h"

#include <stdint.h>

/* In the order of preference at equal weight and size. */
enum coding {
    CODING_BR,
    CODING_ZSTD,
    CODING_GZIP,
    CODING_IDENTITY,
    CODING_COUNT
};

/* The suffixes under which compressed siblings lie beside a file, in the order of preference. */
struct coding_sibling {
    enum coding coding;
    const char *suffix;
};
enum {
    CODING_SIBLINGS = 4
};
extern const struct coding_sibling coding_siblings[CODING_SIBLINGS];

/* How a client weighs each coding, in thousandths; 0: not acceptable. */
struct coding_weights {
    int of[CODING_COUNT];
    bool identity_listed;
};

/* Sizes in bytes of the variants that exist; a coding that does not exist has CODING_ABSENT. */
#define CODING_ABSENT UINT64_MAX
struct coding_offer {
    uint64_t size[CODING_COUNT];
};

/* The name for Content-Encoding; NULL for identity. */
const char *coding_name(enum coding coding);

/* The suffix of a variant's entity tag, inside the quotes: ".br", "" for identity. */
const char *coding_tag_suffix(enum coding coding);

/* Reads Accept-Encoding; an absent or empty field asks for identity. An element that is not
 * well-formed counts as if it were not there. */
struct coding_weights coding_weigh(struct slice accept_encoding);

/* The variant to send: highest weight, then smallest, then the order above; identity comes last
 * unless the client listed it. CODING_COUNT when nothing is acceptable (406). */
enum coding coding_choose(const struct coding_weights *weights, const struct coding_offer *offer);

/* Whether a header field may carry the coding to a web server that removes Content-Encoding: that
 * field itself, or a token that no other decision stands in. */
bool coding_is_header(struct slice name);

#endif
