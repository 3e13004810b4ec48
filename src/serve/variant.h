/* Compressed siblings of a file: which may be sent, and which the client wants. */
#ifndef SERVE_VARIANT_H
#define SERVE_VARIANT_H

#include "http/coding.h"
#include "serve/resource.h"

/* Opens one sibling. Without a record of its digest it counts when it is smaller than its source,
 * not older, and at rest; else it stays closed. The identity copy must be open. */
void variant_open(struct resource *resource, const struct site *site, enum coding coding,
                  struct slice path, int64_t now);

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
