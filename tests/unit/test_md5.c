#include "base/md5.h"
#include "check.h"
#include "scratch.h"

#include <errno.h>

static void digest(const void *bytes, size_t len, char hex[MD5_HEX + 1])
{
    struct md5 md5;
    md5_begin(&md5);
    md5_add(&md5, bytes, len);
    md5_end(&md5, hex);
}

static void the_vectors_of_the_rfc_come_out(void **state)
{
    static const struct {
        const char *label, *text, *hex;
    } rows[] = {
        {"RFC 1321 A.5 empty", "", "d41d8cd98f00b204e9800998ecf8427e"},
        {"RFC 1321 A.5 a", "a", "0cc175b9c0f1b6a831c399e269772661"},
        {"RFC 1321 A.5 abc", "abc", "900150983cd24fb0d6963f7d28e17f72"},
        {"RFC 1321 A.5 message digest", "message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
        {"RFC 1321 A.5 alphabet", "abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
        {"RFC 1321 A.5 letters and digits",
         "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
         "d174ab98d277d9f5a5611c2c9f419d9f"},
        {"RFC 1321 A.5 digits",
         "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
         "57edf4a22be3c955ac49da2e2107b67a"},
    };
    char hex[MD5_HEX + 1];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        digest(rows[i].text, strlen(rows[i].text), hex);
        CHECK(rows[i].label, strcmp(hex, rows[i].hex) == 0);
    }
    check_end();
}

static void lengths_around_the_padding_come_out(void **state)
{
    static const struct {
        const char *label;
        size_t len;
        const char *hex;
    } rows[] = {
        {"55", 55, "ef1772b6dff9a122358552954ad0df65"},
        {"56", 56, "3b0c8ac703f828b04c6c197006d17218"},
        {"57", 57, "652b906d60af96844ebd21b674f35e93"},
        {"63", 63, "b06521f39153d618550606be297466d5"},
        {"64", 64, "014842d480b571495a4a0363793f7367"},
        {"65", 65, "c743a45e0d2e6a95cb859adae0248435"},
        {"119", 119, "8a7bd0732ed6a28ce75f6dabc90e1613"},
        {"120", 120, "5f61c0ccad4cac44c75ff505e1f1e537"},
        {"128", 128, "e510683b3f5ffe4093d021808bc6ff70"},
    };
    char bytes[128], hex[MD5_HEX + 1];
    (void)state;
    memset(bytes, 'a', sizeof bytes);
    for (size_t i = 0; i < COUNT(rows); i++) {
        digest(bytes, rows[i].len, hex);
        CHECK(rows[i].label, strcmp(hex, rows[i].hex) == 0);
    }
    check_end();
}

/* The digest of all digests was computed with Python's hashlib. */
static void every_length_to_200_comes_out_however_it_is_split(void **state)
{
    unsigned char bytes[200];
    char whole[MD5_HEX + 1], split[MD5_HEX + 1], label[48];
    struct md5 all, md5;
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(i * 7 + 3);
    }
    md5_begin(&all);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        digest(bytes, len, whole);
        md5_add(&all, whole, MD5_HEX);
        for (size_t at = 0; at <= len; at++) {
            md5_begin(&md5);
            md5_add(&md5, bytes, at);
            md5_add(&md5, bytes + at, len - at);
            md5_end(&md5, split);
            snprintf(label, sizeof label, "%zu bytes split at %zu", len, at);
            CHECK(label, strcmp(whole, split) == 0);
        }
    }
    md5_end(&all, whole);
    assert_string_equal(whole, "f61c2a2a9665fae68ada4af04c99be2f");
    check_end();
}

static void a_file_is_read_whole_whatever_its_offset(void **state)
{
    static unsigned char bytes[100000];
    struct scratch scratch = scratch_make();
    char hex[MD5_HEX + 1];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(i * 7 + 3);
    }
    scratch_write_bytes(&scratch, "f", bytes, sizeof bytes);
    int fd = openat(scratch.fd, "f", O_RDONLY);
    lseek(fd, 4711, SEEK_SET);
    assert_int_equal(md5_file(fd, hex), 0);
    assert_string_equal(hex, "59f08777fcd1aa2b8e0c8f892cfaae09");
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 4711);
    close(fd);
    scratch_remove(&scratch);
}

static void what_cannot_be_read_is_said_with_errno(void **state)
{
    char hex[MD5_HEX + 1];
    int directory = open(".", O_RDONLY);
    (void)state;
    assert_int_equal(md5_file(directory, hex), -1);
    assert_int_equal(errno, EISDIR);
    close(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_rfc_come_out),
        cmocka_unit_test(lengths_around_the_padding_come_out),
        cmocka_unit_test(every_length_to_200_comes_out_however_it_is_split),
        cmocka_unit_test(a_file_is_read_whole_whatever_its_offset),
        cmocka_unit_test(what_cannot_be_read_is_said_with_errno),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
