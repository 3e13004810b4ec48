/* A sequence of fields that are added, set and removed. The head is what a list of them gives, and
 * every line is sound. */
#include "fuzz.h"
#include "http/head.h"

#include <strings.h>

enum {
    FIELDS_MAX = HEAD_SIZE / 5,
    TIMES_MAX = 63
};

enum {
    REMOVE,
    SET,
    ADD,
    WHAT_COUNT
};

/* The value is a piece of the input, so many times: a small input can fill a head. */
struct field {
    char name[8];
    struct slice piece;
    size_t times;
};

struct list {
    size_t count, size;
    bool overflow;
    struct field field[FIELDS_MAX];
};

static size_t size_of(const struct field *field)
{
    return strlen(field->name) + field->piece.len * field->times + 4;
}

static void list_add(struct list *list, const struct field *field)
{
    if (list->size + size_of(field) > HEAD_SIZE) {
        list->overflow = true;
        return;
    }
    list->field[list->count++] = *field;
    list->size += size_of(field);
}

static void list_remove(struct list *list, const char *name)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (strcasecmp(list->field[i].name, name) == 0) {
            list->size -= size_of(&list->field[i]);
        } else {
            list->field[kept++] = list->field[i];
        }
    }
    list->count = kept;
}

static void take(struct slice *rest, struct slice expected)
{
    MUST(slice_starts(*rest, expected));
    *rest = slice_from(*rest, expected.len);
}

static void check(const struct head *head, const struct list *list)
{
    struct slice rest = {head->text, head->len};
    MUST(head->len <= HEAD_SIZE && head->len == list->size && head->overflow == list->overflow);
    for (size_t i = 0; i < list->count; i++) {
        const struct field *field = &list->field[i];
        take(&rest, slice_of(field->name));
        take(&rest, slice_of(": "));
        for (size_t n = 0; n < field->times; n++) {
            take(&rest, field->piece);
        }
        take(&rest, slice_of("\r\n"));
    }
    MUST(rest.len == 0);
}

static unsigned take_byte(struct slice *input)
{
    unsigned byte = input->len > 0 ? (unsigned char)input->at[0] : 0;
    *input = slice_from(*input, 1);
    return byte;
}

/* As many bytes as the first one says, `max` at most. */
static struct slice take_piece(struct slice *input, size_t max)
{
    size_t len = take_byte(input);
    len = len < max ? len : max;
    len = len < input->len ? len : input->len;
    struct slice piece = {input->at, len};
    *input = slice_from(*input, len);
    return piece;
}

static bool is_one_line(struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (strchr("\r\n", value.at[i])) { /* finds the NUL too */
            return false;
        }
    }
    return true;
}

static bool holds_control(struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char byte = (unsigned char)value.at[i];
        if (byte != '\t' && (byte < ' ' || byte == 0x7f)) {
            return true;
        }
    }
    return false;
}

static void put(struct head *head, const struct field *field, bool set)
{
    static char text[255 * TIMES_MAX];
    struct slice value = {text, field->piece.len * field->times};
    for (size_t i = 0; i < field->times; i++) {
        memcpy(text + i * field->piece.len, field->piece.at, field->piece.len);
    }
    if (set) {
        head_set(head, slice_of(field->name), value);
    } else {
        head_add(head, field->name, value);
    }
}

/* One byte says what to do and how often the value is repeated; name and value follow it. */
static void step(struct head *head, struct list *list, struct slice *input)
{
    unsigned what = take_byte(input) % WHAT_COUNT;
    struct field field = {.times = take_byte(input) % (TIMES_MAX + 1)};
    struct slice name = take_piece(input, sizeof field.name - 1);
    field.piece = take_piece(input, 255);
    bool one_line = is_one_line(field.piece);
    MUST(head_is_value(field.piece) == !holds_control(field.piece));
    if (!head_is_token(name)) {
        head_remove(head, name); /* finds nothing */
        return;
    }
    MUST(slice_copy(name, field.name, sizeof field.name));
    if (what == REMOVE || what == SET || !one_line) {
        list_remove(list, field.name);
    }
    if (what == REMOVE || !one_line) {
        head_remove(head, name);
        return;
    }
    put(head, &field, what == SET);
    list_add(list, &field);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct head head;
    static struct list list;
    char *copy = fuzz_copy(data, size);
    head_clear(&head);
    list.count = list.size = 0;
    list.overflow = false;
    for (struct slice input = {copy, size}; input.len > 0;) {
        step(&head, &list, &input);
        check(&head, &list);
    }
    free(copy);
    return 0;
}
