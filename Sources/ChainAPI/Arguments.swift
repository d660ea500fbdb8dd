import BoundedJSON
import Ledger
import Primitives

/// The params of a call, by name. What is missing, of another type or not known is named.
struct Arguments {
    private let values: [String: JSONValue]
    private let network: Address.Network

    /// - Parameter names: those that the method knows.
    init(_ params: JSONValue?, of method: ChainMethod, on network: Address.Network) throws(Fault) {
        switch params {
        case nil: values = [:]
        case .object(let object)?: values = object
        default: throw Fault(.invalidParams, "name the params of \(method.rawValue): \(method.params.joined(separator: ", "))")
        }
        self.network = network
        for name in values.keys.sorted() where !method.params.contains(name) {
            let known = method.params.isEmpty ? "none" : method.params.joined(separator: ", ")
            throw Fault(.invalidParams, "\(method.rawValue) has no param \"\(name.prefix(40))\"; it has: \(known)")
        }
    }

    func has(_ name: String) -> Bool { values[name] != nil }

    func text(_ name: String, atMost limit: Int = 128) throws(Fault) -> String {
        guard case .text(let text)? = values[name], text.utf8.count <= limit else {
            throw wrong(name, "a text of at most \(limit) bytes")
        }
        return text
    }

    func integer(_ name: String, in range: ClosedRange<UInt64>, otherwise initial: UInt64? = nil) throws(Fault) -> UInt64 {
        if let initial, values[name] == nil { return initial }
        guard case .integer(let value)? = values[name], let value = UInt64(exactly: value), range.contains(value) else {
            throw wrong(name, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    func height(_ name: String = "height") throws(Fault) -> UInt64 { try integer(name, in: 1...UInt64(Int64.max)) }

    func id(_ name: String = "id") throws(Fault) -> Bytes32 {
        guard case .text(let text)? = values[name], let id = Bytes32(text) else { throw wrong(name, "64 hexadecimal digits") }
        return id
    }

    func bytes(_ name: String) throws(Fault) -> [UInt8] {
        guard case .text(let text)? = values[name], let bytes = Hex.decode(text) else { throw wrong(name, "hexadecimal digits") }
        return bytes
    }

    func address(_ name: String = "address") throws(Fault) -> PublicKey {
        guard case .text(let text)? = values[name] else { throw wrong(name, "an address, \(network.prefix)1…") }
        do throws(AddressError) { return try Address(text, on: network).key } catch {
            throw Fault(.invalidParams, "\(name): \(error)")
        }
    }

    /// One of an enumeration's cases by its name in `snake_case`.
    func choice<Choice>(_ name: String, of all: [Choice]) throws(Fault) -> Choice {
        let words = all.map { "\($0)".inSnakeCase }
        guard case .text(let text)? = values[name], let index = words.firstIndex(of: text) else {
            throw wrong(name, "one of \(words.joined(separator: ", "))")
        }
        return all[index]
    }

    private func wrong(_ name: String, _ expected: String) -> Fault {
        Fault(.invalidParams, "\(name) \(has(name) ? "is not" : "is missing; it is") \(expected)")
    }
}
