#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
// Arrays and inline tables within each other: deeper than any configuration, and shallow enough for any stack.
#define TOML_MAX_NESTED_VALUES 16
// toml++ 3.3 calls parse_key with what its own assertion forbids, e.g. for "[[[" (fixed upstream, marzer/tomlplusplus
// pull request 301), and then refuses it properly. Its assertions would abort a debug build and be undefined behaviour in a
// release build: they are taken out of both.
#undef NDEBUG
#define TOML_ASSERT(expression) static_assert(true)
#include "CTOML.h"
#include <cstdio>
#include <string_view>
#include <toml++/toml.h>

namespace {
// Parts of dotted keys on a line. toml++ 3.3 makes a table of each and recurses through them, without a limit of its own.
constexpr int dots_limit = 16;

// Where strings and comments end, as far as counting the dots outside them takes.
bool has_too_many_dots(std::string_view text, ctoml_error *error) {
	uint32_t line = 1;
	size_t line_start = 0;
	int dots = 0;
	for (size_t at = 0; at < text.size();) {
		char c = text[at];
		if (c == '\n') {
			line++, line_start = ++at, dots = 0;
		} else if (c == '#') {
			while (at < text.size() && text[at] != '\n') at++;
		} else if (c == '"' || c == '\'') {
			const bool is_block = at + 2 < text.size() && text[at + 1] == c && text[at + 2] == c;
			const std::string_view end = text.substr(at, is_block ? 3 : 1);
			for (at += end.size(); at < text.size() && text.compare(at, end.size(), end) != 0; at++) {
				if (text[at] == '\n' && !is_block) break; // not a string after all; toml++ will say so
				if (text[at] == '\\' && c == '"' && at + 1 < text.size()) at++;
				if (text[at] == '\n') line++, line_start = at + 1;
			}
			if (at < text.size() && text[at] != '\n') at += end.size();
			for (int extra = 0; is_block && extra < 2 && at < text.size() && text[at] == c; extra++) at++; // """a"""""
		} else {
			if (c == '.' && ++dots > dots_limit) {
				std::snprintf(error->reason, sizeof error->reason, "more than %d dots in a line", dots_limit);
				error->line = line;
				error->column = static_cast<uint32_t>(at - line_start + 1);
				return true;
			}
			at++;
		}
	}
	return false;
}

struct Walk {
	void *context;
	void (*visit)(void *, const ctoml_value *);
	int32_t visited = 0;

	void value(int32_t parent, std::string_view key, const toml::source_region &place, const toml::node &node) {
		const int32_t number = visited++;
		ctoml_value value{parent, key.data(), key.size(), CTOML_TIME, "", 0, 0, place.begin.line, place.begin.column};
		if (auto string = node.as_string()) {
			value.kind = CTOML_STRING;
			value.text = string->get().data();
			value.text_length = string->get().size();
		} else if (auto integer = node.as_integer()) {
			value.kind = CTOML_INTEGER;
			value.integer = integer->get();
		} else if (node.is_floating_point()) {
			value.kind = CTOML_FLOAT;
		} else if (auto boolean = node.as_boolean()) {
			value.kind = CTOML_BOOLEAN;
			value.integer = boolean->get();
		} else if (node.is_table()) {
			value.kind = CTOML_TABLE;
		} else if (node.is_array()) {
			value.kind = CTOML_ARRAY;
		}
		visit(context, &value);
		if (auto table = node.as_table())
			for (auto &&[name, inner] : *table) this->value(number, name.str(), name.source(), inner);
		if (auto array = node.as_array())
			for (auto &&inner : *array) this->value(number, {}, inner.source(), inner);
	}
};
} // namespace

extern "C" int ctoml_parse(const char *text, size_t length, void *context, void (*visit)(void *, const ctoml_value *),
                           ctoml_error *error) {
	const std::string_view document(text, length);
	if (has_too_many_dots(document, error)) return -1;
	auto result = toml::parse(document);
	if (!result) {
		auto reason = result.error().description();
		std::snprintf(error->reason, sizeof error->reason, "%.*s", static_cast<int>(reason.size()), reason.data());
		error->line = result.error().source().begin.line;
		error->column = result.error().source().begin.column;
		return -1;
	}
	Walk{context, visit}.value(-1, {}, result.table().source(), result.table());
	return 0;
}
