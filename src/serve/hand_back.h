/* Leaving the bytes of an answer to the web server, by whichever of its ways. */
#ifndef SERVE_HAND_BACK_H
#define SERVE_HAND_BACK_H

#include "serve/story.h"

/* How this answer is delivered: as the web server announced or the settings say, or DELIVERY_BODY
 * where the server would decide something otherwise than we did, or cannot be given the file. The
 * operator hears of what could be mended. */
enum delivery hand_back_choose(struct story *story);

/* Adds the fields that name the file to the server, and takes away those that it adds itself. */
void hand_back_set_fields(struct story *story, enum delivery delivery);

#endif
