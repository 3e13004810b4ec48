/* What the fuzz targets share. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that must hold for every input. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* The input as a text in memory of exactly its size, so that AddressSanitizer watches its end. The
 * caller frees it. */
static inline char *fuzz_copy(const uint8_t *data, size_t size)
{
    char *copy = malloc(size ? size : 1);
    MUST(copy);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    return copy;
}

/* Takes a number off the front of the input; what is missing counts as zeros. */
static inline uint64_t fuzz_number(const uint8_t **data, size_t *size)
{
    uint64_t number = 0;
    size_t take = *size < sizeof number ? *size : sizeof number;
    if (take > 0) {
        memcpy(&number, *data, take);
        *data += take;
        *size -= take;
    }
    return number;
}

#endif
