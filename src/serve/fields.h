/* The header fields of an answer: which there are, and what stands in them. */
#ifndef SERVE_FIELDS_H
#define SERVE_FIELDS_H

#include "http/multipart.h"
#include "serve/story.h"

void fields_add_nosniff(struct story *story);

/* Whoever may read the file may be led to it as well. */
void fields_add_cors(struct story *story);

/* What belongs to the resource whatever the status is: CORS, and Vary where a variant exists. */
void fields_add_policy(struct story *story);

/* Nobody's upload is a page or a script of the site (RFC 6266, CSP sandbox). */
void fields_add_upload_policy(struct story *story);

/* The fields of a 304 (RFC 9110 15.4.5) and the policy. */
void fields_add_for_304(struct story *story);

/* The fields of a 200 but those that frame its body. */
void fields_add_representation(struct story *story);

void fields_add_last_modified(struct story *story);

/* Content-Range of a 206 with one part, or (NULL) of a 416. */
void fields_add_content_range(struct story *story, const struct range *range);

/* What Content-Type says: the media type with its charset, or what `headers` says instead. */
void fields_content_type(const struct story *story, char type[MULTIPART_TYPE_SIZE]);

/* Applies the mount's own fields whose globs match, the last one of a name last (`headers`). On an
 * error Cache-Control stays what it is. */
void fields_apply_own(struct story *story);

/* Whether one of them is none that we send ourselves. */
bool fields_has_foreign(const struct story *story);

#endif
