// toml++ behind a C face: a document is handed over as a list of its values, each with its parent and its place.
#pragma once
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

enum ctoml_kind {
	CTOML_STRING,
	CTOML_INTEGER,
	CTOML_FLOAT,
	CTOML_BOOLEAN,
	CTOML_TABLE,
	CTOML_ARRAY,
	CTOML_TIME, // a date, a time, or both
};

// One value. The first is the document itself; each parent comes before its contents. Text is UTF-8, may hold NUL,
// and lives as long as the call.
struct ctoml_value {
	int32_t parent;  // number of the table or array it is in, counted from 0; -1: the document itself
	const char *key; // empty in an array
	size_t key_length;
	enum ctoml_kind kind;
	const char *text;
	size_t text_length;
	int64_t integer; // also 0 or 1 of a boolean
	uint32_t line;   // of its key, or of itself in an array; from 1
	uint32_t column;
};

// Why a document was refused, and where.
struct ctoml_error {
	char reason[256];
	uint32_t line;
	uint32_t column;
};

// Parses `length` bytes and calls `visit` with every value. 0, or -1 and `error`; then nothing was visited.
int ctoml_parse(const char *text, size_t length, void *context, void (*visit)(void *context, const struct ctoml_value *value),
                struct ctoml_error *error);

#ifdef __cplusplus
}
#endif
