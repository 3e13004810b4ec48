#include "http/date.h"

#include <stdio.h>
#include <string.h>

static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char days[7][10] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                 "Thursday", "Friday", "Saturday"};

struct civil {
    int year, month, day, hour, minute, second; /* month 1 to 12 */
};

/* Days since 1970-01-01 in the proleptic Gregorian calendar; years begin in March, so that the leap
 * day is the last one. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

/* The inverse of days_of. */
static void civil_of_days(int64_t day, struct civil *civil)
{
    day += 719468;
    int64_t era = day / 146097;
    int64_t day_of_era = day - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    civil->day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    civil->month = (int)(month < 10 ? month + 3 : month - 9);
    civil->year = (int)(year_of_era + era * 400) + (civil->month <= 2);
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool civil_seconds(const struct civil *civil, int64_t *seconds)
{
    static const int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int last = civil->month == 2 && is_leap(civil->year) ? 29 : lengths[civil->month - 1];
    /* 60 is a leap second (RFC 9110 5.6.7). */
    if (civil->day < 1 || civil->day > last || civil->hour > 23 || civil->minute > 59 ||
        civil->second > 60) {
        return false;
    }
    *seconds =
        ((days_of(civil->year, civil->month, civil->day) * 24 + civil->hour) * 60 + civil->minute) *
            60 +
        civil->second;
    return true;
}

/* The readers below take what they expect off the front of *text, or say false. */
static bool take(struct slice *text, const char *expected)
{
    if (!slice_starts(*text, slice_of(expected))) {
        return false;
    }
    *text = slice_from(*text, strlen(expected));
    return true;
}

static bool take_number(struct slice *text, size_t digits, int *number)
{
    if (text->len < digits) {
        return false;
    }
    *number = 0;
    for (size_t i = 0; i < digits; i++) {
        char c = text->at[i];
        if (c < '0' || c > '9') {
            return false;
        }
        *number = *number * 10 + (c - '0');
    }
    *text = slice_from(*text, digits);
    return true;
}

static bool take_month(struct slice *text, int *month)
{
    for (int i = 0; i < 12; i++) {
        if (take(text, months[i])) {
            *month = i + 1;
            return true;
        }
    }
    return false;
}

static bool take_time(struct slice *text, struct civil *civil)
{
    return take_number(text, 2, &civil->hour) && take(text, ":") &&
           take_number(text, 2, &civil->minute) && take(text, ":") &&
           take_number(text, 2, &civil->second);
}

/* "Sun" with or without the rest of the name. */
static bool take_day_name(struct slice *text, bool whole)
{
    for (int i = 0; i < 7; i++) {
        char name[10];
        memcpy(name, days[i], sizeof name);
        if (!whole) {
            name[3] = '\0';
        }
        if (take(text, name)) {
            return true;
        }
    }
    return false;
}

static bool parse_imf_fixdate(struct slice text, struct civil *civil)
{
    return take_day_name(&text, false) && take(&text, ", ") && take_number(&text, 2, &civil->day) &&
           take(&text, " ") && take_month(&text, &civil->month) && take(&text, " ") &&
           take_number(&text, 4, &civil->year) && take(&text, " ") && take_time(&text, civil) &&
           take(&text, " GMT") && text.len == 0;
}

static bool parse_rfc850(struct slice text, int64_t now, struct civil *civil)
{
    int year;
    if (!(take_day_name(&text, true) && take(&text, ", ") && take_number(&text, 2, &civil->day) &&
          take(&text, "-") && take_month(&text, &civil->month) && take(&text, "-") &&
          take_number(&text, 2, &year) && take(&text, " ") && take_time(&text, civil) &&
          take(&text, " GMT") && text.len == 0)) {
        return false;
    }
    struct civil today;
    civil_of_days(now / 86400, &today);
    int64_t latest = days_of(today.year + 50, today.month, today.day) * 86400 + now % 86400;
    int64_t seconds;
    civil->year = today.year - today.year % 100 + 100 + year;
    while (civil_seconds(civil, &seconds) ? seconds > latest : civil->year > today.year) {
        civil->year -= 100;
    }
    return true;
}

static bool parse_asctime(struct slice text, struct civil *civil)
{
    return take_day_name(&text, false) && take(&text, " ") && take_month(&text, &civil->month) &&
           take(&text, " ") &&
           (take(&text, " ") ? take_number(&text, 1, &civil->day)
                             : take_number(&text, 2, &civil->day)) &&
           take(&text, " ") && take_time(&text, civil) && take(&text, " ") &&
           take_number(&text, 4, &civil->year) && text.len == 0;
}

bool date_parse(struct slice text, int64_t now, int64_t *seconds)
{
    struct civil civil = {0};
    text = slice_trim(text);
    return (parse_imf_fixdate(text, &civil) || parse_rfc850(text, now, &civil) ||
            parse_asctime(text, &civil)) &&
           civil_seconds(&civil, seconds);
}

void date_write(int64_t seconds, char text[DATE_SIZE])
{
    const int64_t last = 253402300799; /* 9999-12-31 23:59:59 */
    struct civil civil;
    seconds = seconds < 0 ? 0 : seconds > last ? last : seconds;
    int64_t day = seconds / 86400;
    unsigned rest = (unsigned)(seconds % 86400);
    civil_of_days(day, &civil);
    snprintf(text, DATE_SIZE, "%.3s, %02u %s %04u %02u:%02u:%02u GMT", days[(day + 4) % 7],
             (unsigned)civil.day % 100, months[civil.month - 1], (unsigned)civil.year % 10000,
             rest / 3600, rest / 60 % 60, rest % 60);
}
