#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
// The parser asserts in places that hostile text can reach (toml++ 3.3, parse_key): that must refuse the text, not end the program.
struct ctoml_refused {};
#define TOML_ASSERT(expression) do { if (!(expression)) throw ctoml_refused{}; } while (0)
#define TOML_ASSERT_ASSUME(expression) TOML_ASSERT(expression)
#include "CTOML.h"
#include <cstdio>
#include <string>
#include <string_view>
#include <toml++/toml.h>

namespace {
// Deeper than any configuration, and shallow enough for any stack.
constexpr int depth_limit = 16;

struct Walk {
	void *context;
	void (*visit)(void *, const ctoml_value *);

	void value(const std::string &path, const toml::node &node, int depth) const {
		ctoml_value value{path.c_str(), CTOML_OTHER, "", 0, node.source().begin.line, node.source().begin.column};
		std::string text;
		if (auto string = node.as_string()) {
			value.kind = CTOML_STRING;
			text = string->get();
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
			value.integer = static_cast<int64_t>(node.as_array()->size());
		}
		value.text = text.c_str();
		visit(context, &value);
		if (depth >= depth_limit) return;
		if (auto table = node.as_table()) contents(path, *table, depth + 1);
		if (auto array = node.as_array())
			for (size_t index = 0; index < array->size(); index++)
				this->value(path + "[" + std::to_string(index) + "]", *array->get(index), depth + 1);
	}

	void contents(const std::string &path, const toml::table &table, int depth) const {
		for (auto &&[key, node] : table) {
			std::string name(key.str());
			value(path.empty() ? name : path + "." + name, node, depth);
		}
	}
};
} // namespace

extern "C" int ctoml_parse(const char *text, size_t length, void *context, void (*visit)(void *, const ctoml_value *),
                           char *reason, size_t reason_size, uint32_t *line, uint32_t *column) try {
	auto result = toml::parse(std::string_view(text, length));
	if (!result) {
		auto description = result.error().description();
		std::snprintf(reason, reason_size, "%.*s", static_cast<int>(description.size()), description.data());
		*line = result.error().source().begin.line;
		*column = result.error().source().begin.column;
		return -1;
	}
	Walk{context, visit}.contents("", result.table(), 0);
	return 0;
} catch (const ctoml_refused &) {
	std::snprintf(reason, reason_size, "this is not TOML, and too odd to say where");
	*line = *column = 1;
	return -1;
}
