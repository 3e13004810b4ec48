/* Compressed siblings of a file: which may be sent, and which the client wants. */
#ifndef SERVE_VARIANT_H
#define SERVE_VARIANT_H

#include "http/coding.h"
#include "serve/resource.h"

/* Opens one sibling beside the identity copy, which must be open. It counts when the catalog has
 * proven it and nobody has touched it since; or when it is smaller than its source, not older, and
 * at rest; else it stays closed. */
void variant_open(struct resource *resource, const struct site *site,
                  const struct catalog_variant *variant, int64_t now);

/* The same for every sibling that may lie beside a live file. */
void variant_open_siblings(struct resource *resource, const struct site *site, int64_t now);

/* The name without the suffix of a sibling; empty when it has none. */
struct slice variant_source_name(struct slice name);

/* Whether the answer depends on Accept-Encoding (RFC 9110 12.5.5). */
bool variant_varies(const struct resource *resource);

/* The copy to send; CODING_COUNT when the client accepts none (406). `trace` (may be NULL) is told
 * how each weighs. */
enum coding variant_choose(const struct resource *resource, struct slice accept_encoding,
                           struct trace *trace);

#endif
