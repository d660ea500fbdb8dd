import BoundedJSON
import ChainAPI

/// The part of JSON Schema that docs/openrpc.json uses. A keyword that is not checked here is an error: nothing is only said.
struct Schema {
    let document: JSONValue

    /// What is wrong with `value`, and where; empty when it is as described.
    func faults(of value: JSONValue, by schema: JSONValue, at place: String = "$") -> [String] {
        guard case .object(let keywords) = schema else { return ["\(place): no schema"] }
        if let name = keywords["$ref"]?.text { return faults(of: value, by: resolved(name), at: place) }
        return keywords.sorted { $0.key < $1.key }.flatMap { keyword, rule in
            fault(keyword, rule, of: value, by: schema, at: place)
        }
    }

    func resolved(_ reference: String) -> JSONValue {
        reference.split(separator: "/").dropFirst().reduce(document) { $0[String($1)] ?? .null }
    }

    private func fault(
        _ keyword: String, _ rule: JSONValue, of value: JSONValue, by schema: JSONValue, at place: String
    ) -> [String] {
        switch (keyword, value) {
        case ("description", _): []
        case ("type", _): rule.text == value.typeName ? [] : ["\(place): \(value.typeName) is not \(rule.text ?? "?")"]
        case ("enum", _): rule.list.contains(value) ? [] : ["\(place): \(value) is not one of those listed"]
        case ("pattern", .text(let text)): matches(text, rule.text ?? "(") ? [] : ["\(place): \(text) is not \(rule)"]
        case ("minimum", .integer(let number)): .integer(number) >= rule ? [] : ["\(place): \(number) is too small"]
        case ("maximum", .integer(let number)): rule >= .integer(number) ? [] : ["\(place): \(number) is too large"]
        case ("items", .list(let items)):
            items.enumerated().flatMap { faults(of: $1, by: rule, at: "\(place)[\($0)]") }
        case ("required", .object(let fields)):
            rule.list.compactMap(\.text).filter { fields[$0] == nil }.map { "\(place).\($0) is missing" }
        case ("properties", .object(let fields)):
            fields.flatMap { name, field in rule[name].map { faults(of: field, by: $0, at: "\(place).\(name)") } ?? [] }
        case ("additionalProperties", .object(let fields)):
            fields.keys.filter { schema["properties"]?[$0] == nil }.map { "\(place).\($0) is not described" }
        case ("pattern", _), ("minimum", _), ("maximum", _), ("items", _), ("required", _), ("properties", _),
            ("additionalProperties", _):
            []  // "type" says it
        default: ["\(place): the keyword \(keyword) is not known"]
        }
    }

    private func matches(_ text: String, _ pattern: String) -> Bool {
        (try? Regex(pattern).wholeMatch(in: text)) != nil
    }
}

extension JSONValue {
    fileprivate var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .integer: "integer"
        case .otherNumber: "number"
        case .text: "string"
        case .list: "array"
        case .object: "object"
        }
    }

    fileprivate static func >= (left: JSONValue, right: JSONValue) -> Bool {
        if case .integer(let left) = left, case .integer(let right) = right { left >= right } else { false }
    }
}
