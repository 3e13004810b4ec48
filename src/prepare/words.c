#include "prepare/words.h"

#include <stdlib.h>
#include <string.h>

void words_put(apr_hash_t *set, const char *word)
{
    apr_hash_set(set, word, APR_HASH_KEY_STRING, word);
}

bool words_has(apr_hash_t *set, const char *word)
{
    return apr_hash_get(set, word, APR_HASH_KEY_STRING) != NULL;
}

static int compare_words(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

apr_array_header_t *words_sorted(apr_hash_t *set, apr_hash_t *without, apr_pool_t *pool)
{
    apr_array_header_t *words =
        apr_array_make(pool, (int)apr_hash_count(set) + 1, sizeof(const char *));
    for (apr_hash_index_t *at = apr_hash_first(pool, set); at; at = apr_hash_next(at)) {
        const char *word = apr_hash_this_key(at);
        if (!without || !words_has(without, word)) {
            APR_ARRAY_PUSH(words, const char *) = word;
        }
    }
    qsort(words->elts, (size_t)words->nelts, (size_t)words->elt_size, compare_words);
    return words;
}
