/* What is promised of a catalog whatever its bytes are:
 *   - nothing outside them is read, verified or not;
 *   - what is not exactly what was written is not verified;
 *   - without verify (in a CGI) a damaged page is noticed by whoever needs it: an answer is the one
 *     that was written, or CATALOG_DAMAGED, and never another. */
#include "hostile_catalog.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static void the_sample_itself_is_verified(void **state)
{
    (void)state;
    assert_true(is_verified("the sample", sample.block, sample.size));
    check_end();
}

static void check_flipped(const char *label, const unsigned char *block, uint64_t at)
{
    struct catalog damaged, intact;
    struct error error = {0};
    bool opened = catalog_open(&damaged, block, sample.size, &error) == 0;
    CHECK(label, opened == (at >= FORMAT_PAGE)); /* the head of the sample is one page */
    if (!opened) {
        CHECK(label, error.number == HB_CATALOG_INVALID || error.number == HB_CATALOG_VERSION);
        return;
    }
    open_chosen(&damaged, block, sample.size);
    open_chosen(&intact, sample.block, sample.size);
    intact.verified = true; /* only to be quick */
    for (size_t i = 0; i < 2 * COUNT(names); i++) {
        CHECK(label, is_truth_or_damaged(&damaged, &intact, i % 2, names[i / 2]));
    }
    CHECK(label, catalog_verify(&damaged, &error) != 0 && error.number == HB_CATALOG_INVALID);
}

static void every_flipped_byte_is_noticed_and_changes_no_answer(void **state)
{
    static const unsigned char masks[] = {0x01, 0x20, 0x80, 0xff};
    unsigned char *block = copy_of(sample.block, sample.size);
    (void)state;
    assert_int_equal(header_in(block)->head_size, FORMAT_PAGE);
    for (uint64_t at = 0; at < sample.size; at++) {
        for (size_t i = 0; i < COUNT(masks); i++) {
            char label[48];
            snprintf(label, sizeof label, "byte %llu ^ %02x", (unsigned long long)at, masks[i]);
            block[at] ^= masks[i];
            check_flipped(label, block, at);
            block[at] ^= masks[i];
        }
    }
    assert_memory_equal(block, sample.block, sample.size);
    free(block);
    check_end();
}

static void a_catalog_cut_anywhere_is_not_opened(void **state)
{
    (void)state;
    for (uint64_t size = 0; size < sample.size; size++) {
        struct catalog catalog;
        struct error error = {0};
        char label[48];
        snprintf(label, sizeof label, "cut to %llu", (unsigned long long)size);
        unsigned char *cut = copy_of(sample.block, size);
        CHECK(label, catalog_open(&catalog, cut, size, &error) != 0);
        CHECK(label, error.number == HB_CATALOG_INVALID);
        free(cut);
    }
    check_end();
}

static void what_follows_the_end_is_noticed(void **state)
{
    static const uint64_t more[] = {1, 8, FORMAT_PAGE};
    (void)state;
    for (size_t i = 0; i < COUNT(more); i++) {
        unsigned char *longer = calloc(1, sample.size + more[i]);
        assert_non_null(longer);
        memcpy(longer, sample.block, sample.size);
        CHECK("as it is", !is_verified("longer", longer, sample.size + more[i]));
        header_in(longer)->size += more[i];
        sample_sign(longer, sample.size + more[i]);
        CHECK("with that size", !is_verified("longer, signed", longer, sample.size + more[i]));
        free(longer);
    }
    check_end();
}

/* With the right checksums of changed bytes nothing is noticed but by what they mean: any answer is
 * a harmless one, from within. */
static void every_flipped_byte_under_right_checksums_reads_nothing_outside(void **state)
{
    static const unsigned char masks[] = {0x01, 0x80};
    unsigned char *block = copy_of(sample.block, sample.size);
    (void)state;
    for (uint64_t at = 0; at < sample.size; at++) {
        for (size_t i = 0; i < COUNT(masks); i++) {
            char label[48];
            snprintf(label, sizeof label, "byte %llu ^ %02x", (unsigned long long)at, masks[i]);
            memcpy(block, sample.block, sample.size);
            block[at] ^= masks[i];
            sample_sign(block, sample.size);
            is_verified(label, block, sample.size);
        }
    }
    free(block);
    check_end();
}

/* ---- pages of others ---- */

enum {
    MANY = 600,
};

/* What an upload that was broken off, or two that ran at once, may leave: pages that are whole, of
 * a catalog that differs in the sizes of files alone. */
static unsigned check_mixed(const char *label, const unsigned char *block, const struct sample *own)
{
    struct catalog mixed, intact;
    struct error error;
    unsigned damaged = 0;
    open_chosen(&mixed, block, own->size);
    open_chosen(&intact, own->block, own->size);
    intact.verified = true; /* only to be quick */
    for (unsigned i = 0; i < MANY; i++) {
        struct catalog_entry entry;
        const char *name = name_of(i);
        CHECK(label, is_truth_or_damaged(&mixed, &intact, 0, name));
        damaged += catalog_find(&mixed, 0, slice_of(name), &entry) == CATALOG_DAMAGED;
    }
    CHECK(label, catalog_verify(&mixed, &error) != 0 && error.number == HB_CATALOG_INVALID);
    return damaged;
}

static void pages_of_another_catalog_are_noticed(void **state)
{
    struct sample own = write_many(MANY, 1000), other = write_many(MANY, 1001);
    unsigned char *block = copy_of(own.block, own.size);
    uint64_t head = header_in(block)->head_size;
    (void)state;
    assert_int_equal(own.size, other.size);
    for (uint64_t at = head; at < own.size; at += FORMAT_PAGE) {
        char label[48];
        snprintf(label, sizeof label, "the page at %llu", (unsigned long long)at);
        memcpy(block + at, other.block + at, FORMAT_PAGE);
        CHECK(label, check_mixed(label, block, &own) > 0);
        memcpy(block + at, own.block + at, FORMAT_PAGE);
    }
    memcpy(block, other.block, head);
    CHECK("another head", check_mixed("another head", block, &own) == MANY);
    free(block);
    free(own.block);
    free(other.block);
    check_end();
}

static void pages_in_each_others_places_are_noticed(void **state)
{
    struct sample own = write_many(MANY, 1000);
    unsigned char *block = copy_of(own.block, own.size);
    (void)state;
    for (uint64_t at = header_in(block)->head_size; at + FORMAT_PAGE < own.size;
         at += FORMAT_PAGE) {
        char label[48];
        snprintf(label, sizeof label, "the pages at %llu", (unsigned long long)at);
        memcpy(block + at, own.block + at + FORMAT_PAGE, FORMAT_PAGE);
        memcpy(block + at + FORMAT_PAGE, own.block + at, FORMAT_PAGE);
        CHECK(label, check_mixed(label, block, &own) > 0);
        memcpy(block + at, own.block + at, 2 * FORMAT_PAGE);
    }
    free(block);
    free(own.block);
    check_end();
}

/* ---- what one search reads ---- */

/* A map whose pages nobody may read; whoever does is counted, and may from then on. */
static struct {
    unsigned char *block;
    uint64_t size, page, slots_at, leaves_at;
    volatile unsigned slots, leaves; /* pages of each part that were read */
} watched;

static void count_page(int number, siginfo_t *information, void *context)
{
    uint64_t at = (uint64_t)((unsigned char *)information->si_addr - watched.block);
    (void)number;
    (void)context;
    if ((unsigned char *)information->si_addr < watched.block || at >= watched.size) {
        signal(SIGSEGV, SIG_DFL); /* a fault of the program: it happens again, and ends it */
        return;
    }
    watched.slots += at >= watched.slots_at && at < watched.leaves_at;
    watched.leaves += at >= watched.leaves_at;
    mprotect(watched.block + at / watched.page * watched.page, watched.page, PROT_READ);
}

static void watch(const struct sample *made)
{
    const struct format_header *header = header_in(made->block);
    watched.page = (uint64_t)sysconf(_SC_PAGESIZE);
    watched.size = made->size;
    watched.slots_at = header->head_size;
    watched.leaves_at = header->head_size + header->slot_pages * FORMAT_PAGE;
    watched.block =
        mmap(NULL, made->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(watched.block != MAP_FAILED);
    memcpy(watched.block, made->block, made->size);
}

/* Looks a name up while nothing but the head may be read unnoticed. */
static enum catalog_verdict find_watched(const struct catalog *catalog, const char *name)
{
    struct catalog_entry entry;
    watched.slots = watched.leaves = 0;
    mprotect(watched.block + watched.slots_at, watched.size - watched.slots_at, PROT_NONE);
    return catalog_find(catalog, 0, slice_of(name), &entry);
}

/* Besides the head: one page of slots for an original name, two for a hashed name of a site with a
 * chosen release, and the page of the leaf. */
static void a_search_reads_the_slots_and_one_leaf_of_twenty_thousand(void **state)
{
    enum {
        NAMES = 20000
    };
    struct sample made = write_many(NAMES, 1000);
    struct sigaction action = {.sa_sigaction = count_page, .sa_flags = SA_SIGINFO}, before;
    struct catalog catalog;
    (void)state;
    watch(&made);
    open_chosen(&catalog, watched.block, made.size);
    assert_int_equal(sigaction(SIGSEGV, &action, &before), 0);
    for (unsigned i = 0; i < NAMES; i += 7) {
        char *name = name_of(i);
        unsigned parts = i % 3 == 0 ? 1 : 2;
        CHECK(name, find_watched(&catalog, name) == CATALOG_FOUND);
        CHECK(name, watched.leaves == 1 && watched.slots >= 1 && watched.slots <= parts);
        name[0] = 'D';
        CHECK(name, find_watched(&catalog, name) == CATALOG_ABSENT);
        CHECK(name, watched.leaves == 0 && watched.slots <= 2);
    }
    sigaction(SIGSEGV, &before, NULL);
    munmap(watched.block, watched.size);
    free(made.block);
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_itself_is_verified),
        cmocka_unit_test(every_flipped_byte_is_noticed_and_changes_no_answer),
        cmocka_unit_test(a_catalog_cut_anywhere_is_not_opened),
        cmocka_unit_test(what_follows_the_end_is_noticed),
        cmocka_unit_test(every_flipped_byte_under_right_checksums_reads_nothing_outside),
        cmocka_unit_test(pages_of_another_catalog_are_noticed),
        cmocka_unit_test(pages_in_each_others_places_are_noticed),
        cmocka_unit_test(a_search_reads_the_slots_and_one_leaf_of_twenty_thousand),
    };
    return cmocka_run_group_tests(tests, make_sample, free_sample);
}
