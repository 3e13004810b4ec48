/* A set of words. */
#ifndef PREPARE_WORDS_H
#define PREPARE_WORDS_H

#include <apr_hash.h>
#include <apr_tables.h>
#include <stdbool.h>

/* Borrows the word. */
void words_put(apr_hash_t *set, const char *word);
bool words_has(apr_hash_t *set, const char *word);

/* Those that are not in `without` (NULL: nothing), sorted, in an array of const char *. */
apr_array_header_t *words_sorted(apr_hash_t *set, apr_hash_t *without, apr_pool_t *pool);

#endif
