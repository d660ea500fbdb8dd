// toml++ behind a C face: a document is handed over as a flat list of its values, each with its place.
#pragma once
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

enum ctoml_kind { CTOML_STRING, CTOML_INTEGER, CTOML_FLOAT, CTOML_BOOLEAN, CTOML_TABLE, CTOML_ARRAY, CTOML_OTHER };

/// One value. `path` is like `tariff[0].id`; strings live as long as the call. A table or array comes before its contents.
struct ctoml_value {
	const char *path;
	enum ctoml_kind kind;
	const char *text;
	int64_t integer;
	uint32_t line;
	uint32_t column;
};

/// Parses `length` bytes. 0, or -1 with the reason and its place.
int ctoml_parse(const char *text, size_t length, void *context, void (*visit)(void *context, const struct ctoml_value *value),
                char *reason, size_t reason_size, uint32_t *line, uint32_t *column);

#ifdef __cplusplus
}
#endif
