#include "http/condition.h"

#include "http/date.h"
#include "http/etag.h"

/* RFC 9110 13.1.1. A list that cannot be read is one that does not hold our tag: refusing is safe.
 */
static bool if_match_holds(struct slice list, const struct validators *ours)
{
    enum etag_verdict verdict = etag_find(list, ours->etag, ETAG_STRONG);
    return verdict == ETAG_MATCH || verdict == ETAG_ANY;
}

/* RFC 9110 13.1.4: a date that cannot be read is ignored. */
static bool if_unmodified_since_holds(struct slice date, const struct validators *ours, int64_t now)
{
    int64_t since;
    return !ours->dated || !date_parse(date, now, &since) || ours->modified <= since;
}

/* RFC 9110 13.1.2 */
static bool if_none_match_holds(struct slice list, const struct validators *ours)
{
    enum etag_verdict verdict = etag_find(list, ours->etag, ETAG_WEAK);
    return verdict == ETAG_NO_MATCH || verdict == ETAG_INVALID;
}

/* RFC 9110 13.1.3: a date that cannot be read is ignored. */
static bool if_modified_since_holds(struct slice date, const struct validators *ours, int64_t now)
{
    int64_t since;
    return !ours->dated || !date_parse(date, now, &since) || ours->modified > since;
}

enum condition_verdict condition_judge(const struct conditions *sent, const struct validators *ours,
                                       int64_t now)
{
    if (sent->if_match.at) {
        if (!if_match_holds(sent->if_match, ours)) {
            return CONDITION_FAILED;
        }
    } else if (sent->if_unmodified_since.at &&
               !if_unmodified_since_holds(sent->if_unmodified_since, ours, now)) {
        return CONDITION_FAILED;
    }
    if (sent->if_none_match.at) {
        if (!if_none_match_holds(sent->if_none_match, ours)) {
            return CONDITION_NOT_MODIFIED;
        }
    } else if (sent->if_modified_since.at &&
               !if_modified_since_holds(sent->if_modified_since, ours, now)) {
        return CONDITION_NOT_MODIFIED;
    }
    return CONDITION_NONE;
}

bool condition_range_counts(const struct conditions *sent, const struct validators *ours,
                            int64_t now)
{
    struct slice value = slice_trim(sent->if_range);
    int64_t date;
    if (!sent->if_range.at) {
        return true;
    }
    if (slice_starts(value, slice_of("\"")) || slice_starts(value, slice_of("W/"))) {
        return slice_equal(value, ours->etag);
    }
    /* The date is a strong validator only if it is a second older than the answer (8.8.2.2). */
    return ours->dated && date_parse(value, now, &date) && date == ours->modified &&
           ours->modified < now;
}
