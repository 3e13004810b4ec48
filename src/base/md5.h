/* MD5 (RFC 1321), because Django names files by it: an integrity check of names, not security.
 * Written here since the static CGI links no library. */
#ifndef BASE_MD5_H
#define BASE_MD5_H

#include <stddef.h>
#include <stdint.h>

enum {
    MD5_HEX = 32
};

struct md5 {
    uint32_t state[4];
    uint64_t length;
    unsigned char block[64];
};

void md5_begin(struct md5 *md5);
void md5_add(struct md5 *md5, const void *bytes, size_t length);

/* Lower-case hexadecimal digits and a NUL. */
void md5_end(struct md5 *md5, char hex[MD5_HEX + 1]);

/* The digest of a file from its first to its last byte, whatever its offset.
 * Returns 0, or -1 with errno when it cannot be read. */
int md5_file(int fd, char hex[MD5_HEX + 1]);

#endif
