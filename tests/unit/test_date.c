#include "check.h"
#include "http/date.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    NOW = 1795219200 /* 2026-11-21 00:00:00 UTC */
};
#define BAD INT64_MIN

static int64_t parsed(const char *text, int64_t now)
{
    int64_t seconds;
    return date_parse(slice_of(text), now, &seconds) ? seconds : BAD;
}

static void the_three_formats_are_read_and_no_other(void **state)
{
    static const struct {
        const char *label, *text;
        int64_t seconds;
    } rows[] = {
        {"RFC 9110 5.6.7 IMF-fixdate", "Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"RFC 9110 5.6.7 rfc850-date", "Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"RFC 9110 5.6.7 asctime-date", "Sun Nov  6 08:49:37 1994", 784111777},
        {"asctime, two digits", "Wed Nov 16 08:49:37 1994", 784975777},
        {"spaces around", " Sun, 06 Nov 1994 08:49:37 GMT\t", 784111777},
        {"the beginning", "Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"before 1970", "Wed, 31 Dec 1969 23:59:59 GMT", -1},
        {"after 2038", "Tue, 19 Jan 2038 03:14:08 GMT", 2147483648},
        {"the last day that is written", "Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
        {"leap day", "Thu, 29 Feb 2024 00:00:00 GMT", 1709164800},
        {"leap day of 2000", "Tue, 29 Feb 2000 00:00:00 GMT", 951782400},
        {"a leap second", "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},
        {"no leap day in 2023", "Wed, 29 Feb 2023 00:00:00 GMT", BAD},
        {"no leap day in 2100", "Mon, 29 Feb 2100 00:00:00 GMT", BAD},
        {"day 0", "Sun, 00 Nov 1994 08:49:37 GMT", BAD},
        {"day 31 of a month of 30", "Sun, 31 Nov 1994 08:49:37 GMT", BAD},
        {"hour 24", "Sun, 06 Nov 1994 24:00:00 GMT", BAD},
        {"minute 60", "Sun, 06 Nov 1994 08:60:00 GMT", BAD},
        {"second 61", "Sun, 06 Nov 1994 08:49:61 GMT", BAD},
        {"another zone", "Sun, 06 Nov 1994 08:49:37 UTC", BAD},
        {"an offset", "Sun, 06 Nov 1994 08:49:37 +0000", BAD},
        {"no zone", "Sun, 06 Nov 1994 08:49:37", BAD},
        {"one digit of day", "Sun, 6 Nov 1994 08:49:37 GMT", BAD},
        {"a month in full", "Sun, 06 November 1994 08:49:37 GMT", BAD},
        {"month in lower case", "Sun, 06 nov 1994 08:49:37 GMT", BAD},
        {"GMT in lower case", "Sun, 06 Nov 1994 08:49:37 gmt", BAD},
        {"no such day of week", "Xyz, 06 Nov 1994 08:49:37 GMT", BAD},
        {"no day of week", "06 Nov 1994 08:49:37 GMT", BAD},
        {"day of week in full with a fixdate", "Sunday, 06 Nov 1994 08:49:37 GMT", BAD},
        {"junk behind it", "Sun, 06 Nov 1994 08:49:37 GMT; length=5", BAD},
        {"junk before it", "x Sun, 06 Nov 1994 08:49:37 GMT", BAD},
        {"two members", "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT", BAD},
        {"two spaces", "Sun,  06 Nov 1994 08:49:37 GMT", BAD},
        {"a sign", "Sun, +6 Nov 1994 08:49:37 GMT", BAD},
        {"ISO 8601", "1994-11-06T08:49:37Z", BAD},
        {"a number", "784111777", BAD},
        {"rfc850 with four digits of year", "Sunday, 06-Nov-1994 08:49:37 GMT", BAD},
        {"rfc850 with a short day of week", "Sun, 06-Nov-94 08:49:37 GMT", BAD},
        {"asctime with a zone", "Sun Nov  6 08:49:37 1994 GMT", BAD},
        {"asctime with one space", "Sun Nov 6 08:49:37 1994", BAD},
        {"empty", "", BAD},
        {"absent", NULL, BAD},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t seconds = parsed(rows[i].text, NOW);
        if (!CHECK(rows[i].label, seconds == rows[i].seconds)) {
            print_error("    %lld\n", (long long)seconds);
        }
    }
    check_end();
}

static void a_date_cut_anywhere_is_none(void **state)
{
    static const char *const dates[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
                                        "Sunday, 06-Nov-94 08:49:37 GMT",
                                        "Sun Nov  6 08:49:37 1994"};
    (void)state;
    for (size_t i = 0; i < COUNT(dates); i++) {
        for (size_t len = 0; len < strlen(dates[i]); len++) {
            int64_t seconds;
            CHECK(dates[i], !date_parse((struct slice){dates[i], len}, NOW, &seconds));
        }
    }
    check_end();
}

static void a_year_of_two_digits_is_never_more_than_50_years_ahead(void **state)
{
    static const struct {
        const char *label, *text;
        int64_t now;
        const char *same;
    } rows[] = {
        {"this year", "Saturday, 21-Nov-26 00:00:00 GMT", NOW, "Sat, 21 Nov 2026 00:00:00 GMT"},
        {"last century", "Sunday, 06-Nov-94 08:49:37 GMT", NOW, "Sun, 06 Nov 1994 08:49:37 GMT"},
        {"25 years ahead", "Friday, 01-Dec-51 00:00:00 GMT", NOW, "Fri, 01 Dec 2051 00:00:00 GMT"},
        {"49 years ahead", "Friday, 01-Nov-75 00:00:00 GMT", NOW, "Fri, 01 Nov 2075 00:00:00 GMT"},
        {"a day under 50 years", "Friday, 20-Nov-76 00:00:00 GMT", NOW,
         "Fri, 20 Nov 2076 00:00:00 GMT"},
        {"a day over 50 years", "Monday, 22-Nov-76 00:00:00 GMT", NOW,
         "Mon, 22 Nov 1976 00:00:00 GMT"},
        {"over 50 years", "Friday, 31-Dec-76 23:59:59 GMT", NOW, "Fri, 31 Dec 1976 23:59:59 GMT"},
        {"51 years", "Saturday, 01-Jan-77 00:00:00 GMT", NOW, "Sat, 01 Jan 1977 00:00:00 GMT"},
        {"99 in 1999", "Friday, 01-Jan-99 00:00:00 GMT", 915148800,
         "Fri, 01 Jan 1999 00:00:00 GMT"},
        {"00 in 1999 is ahead", "Saturday, 01-Jan-00 00:00:00 GMT", 915148800,
         "Sat, 01 Jan 2000 00:00:00 GMT"},
        {"70 in 2026", "Thursday, 01-Jan-70 00:00:00 GMT", NOW, "Wed, 01 Jan 2070 00:00:00 GMT"},
        {"99 in 2000", "Friday, 31-Dec-99 00:00:00 GMT", 946684800,
         "Fri, 31 Dec 1999 00:00:00 GMT"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t seconds = parsed(rows[i].text, rows[i].now), same = parsed(rows[i].same, 0);
        if (!CHECK(rows[i].label, seconds == same && same != BAD)) {
            char text[DATE_SIZE];
            date_write(seconds, text);
            print_error("    RFC 9110 5.6.7: read as %s\n", text);
        }
    }
    check_end();
}

/* Checked against the C library, a day and some seconds at a time. */
static void every_day_for_three_centuries_is_written_and_read_alike(void **state)
{
    const int64_t step = 86400 + 3601;
    (void)state;
    for (int64_t seconds = 0; seconds < INT64_C(9500000000); seconds += step) {
        time_t time = (time_t)seconds;
        struct tm tm;
        char text[DATE_SIZE], expected[64], other[80];
        gmtime_r(&time, &tm);
        strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        date_write(seconds, text);
        CHECK(expected, strcmp(text, expected) == 0);
        CHECK(expected, parsed(text, NOW) == (int64_t)timegm(&tm));
        strftime(other, sizeof other, "%a %b %e %H:%M:%S %Y", &tm);
        CHECK(other, parsed(other, NOW) == seconds);
        char before[32], after[16]; /* the compiler warns of %y, which is what is wanted here */
        strftime(before, sizeof before, "%A, %d-%b", &tm);
        strftime(after, sizeof after, "%H:%M:%S GMT", &tm);
        snprintf(other, sizeof other, "%s-%02d %s", before, tm.tm_year % 100, after);
        CHECK(other, parsed(other, seconds + step) == seconds);
        if (check_failures > 5) {
            break;
        }
    }
    check_end();
}

static void what_cannot_be_written_is_clamped(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {
        {-1, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {INT64_MIN, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {253402300800, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[DATE_SIZE];
        date_write(rows[i].seconds, text);
        CHECK(rows[i].text, strcmp(text, rows[i].text) == 0);
    }
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_three_formats_are_read_and_no_other),
        cmocka_unit_test(a_date_cut_anywhere_is_none),
        cmocka_unit_test(a_year_of_two_digits_is_never_more_than_50_years_ahead),
        cmocka_unit_test(every_day_for_three_centuries_is_written_and_read_alike),
        cmocka_unit_test(what_cannot_be_written_is_clamped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
