/*
 * Answers in XML, as STS gives them: the texts of some elements, asked for by their paths.
 *
 * A path is made of local names from the root on: namespaces and prefixes count for
 * nothing. A document has no DOCTYPE, so no entities but XML's own five, and is of UTF-8,
 * UTF-16, ISO-8859-1 or US-ASCII, which the reader (expat) knows. What is read of it is
 * wiped, as it may hold secrets.
 *
 * Threads: any. Nothing here has state.
 */
#ifndef GOV_CODEC_XML_H
#define GOV_CODEC_XML_H

#include "base/buffer.h"

#include <mskgov/error.h>

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a document, elements within one another, and bytes of a path at most. Answers
   of STS have below 32 KiB, are 5 deep, and their longest path has 80 bytes. */
#define GOV_XML_LENGTH_MAX ((size_t)1024 * 1024)
#define GOV_XML_DEPTH_MAX 16
#define GOV_XML_PATH_MAX 512

/* A text to read. */
typedef struct gov_xml_field {
  const char *path; /* such as "ErrorResponse/Error/Code"; borrowed for the call */
  gov_buffer *text; /* empty; what it gets is UTF-8 without a NUL. Its limit counts, with
                       the white space that follows the text in the document */
  bool found;       /* set by the call */
} gov_xml_field;

/*
 * Reads a whole document. A field gets the text of the first element at its path, without
 * the white space around; text->data is then no NULL, be the text empty. If the element
 * has elements in it, their texts do not count, but what stands between them does.
 *
 * The paths may begin with several names: one of them has to be the root's.
 *
 * Returns 0; MSKGOV_ERR_PROTOCOL: the document is malformed, has a DOCTYPE, another root
 * than the paths, or passes a limit; or MSKGOV_ERR_NO_MEMORY. The error names the line,
 * never a text. After an error the fields hold what was read before it.
 */
int gov_xml_read(const char *text, size_t length, gov_xml_field *fields, size_t count,
                 mskgov_error_info *error);

#endif
