import CNetlink

/// What shall be an element of a set or map: its key, and for a map its value or the object that it names.
public struct SetElement: Hashable, Sendable {
    public var key: [UInt8]
    public var data: [UInt8]?
    public var object: String?
    /// nil: it stays for ever.
    public var timeoutMilliseconds: UInt64?

    public init(key: [UInt8], data: [UInt8]? = nil, object: String? = nil, timeoutMilliseconds: UInt64? = nil) {
        self.key = key
        self.data = data
        self.object = object
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    /// The most bytes its attribute can take.
    var encodedBound: Int {
        4 + 8 + netlinkAligned(key.count) + (data.map { 8 + netlinkAligned($0.count) } ?? 0)
            + (object.map { 8 + $0.utf8.count } ?? 0) + (timeoutMilliseconds == nil ? 0 : 12)
    }

    func append(to builder: inout MessageBuilder, keyOnly: Bool) {
        builder.nest(Int(NFTA_LIST_ELEM.rawValue)) { builder in
            builder.nest(Int(NFTA_SET_ELEM_KEY.rawValue)) { $0.attribute(Int(NFTA_DATA_VALUE.rawValue), bytes: key) }
            guard !keyOnly else { return }
            if let data {
                builder.nest(Int(NFTA_SET_ELEM_DATA.rawValue)) { $0.attribute(Int(NFTA_DATA_VALUE.rawValue), bytes: data) }
            }
            if let timeoutMilliseconds {
                builder.attribute(Int(NFTA_SET_ELEM_TIMEOUT.rawValue), network: timeoutMilliseconds)
            }
            if let object { builder.attribute(Int(NFTA_SET_ELEM_OBJREF.rawValue), text: object) }
        }
    }
}

/// An element as the kernel reports it, borrowed from the receive buffer (`enum nft_set_elem_attributes`).
public struct ReceivedElement {
    public var key = WireBytes(UnsafeRawBufferPointer(start: nil, count: 0))
    public var data: WireBytes?
    public var object: WireBytes?
    public var timeoutMilliseconds: UInt64?
    public var expiresInMilliseconds: UInt64?
    /// The counter that the set gives each element.
    public var counter: NetfilterCounter?

    /// nil if it has no key: then it is not one of ours.
    init?(_ attributes: Attributes) {
        var hasKey = false
        for attribute in attributes {
            switch attribute.type {
            case Int(NFTA_SET_ELEM_KEY.rawValue):
                guard let value = attribute.nested[Int(NFTA_DATA_VALUE.rawValue)] else { return nil }
                key = value
                hasKey = true
            case Int(NFTA_SET_ELEM_DATA.rawValue): data = attribute.nested[Int(NFTA_DATA_VALUE.rawValue)]
            case Int(NFTA_SET_ELEM_OBJREF.rawValue): object = attribute.value
            case Int(NFTA_SET_ELEM_TIMEOUT.rawValue): timeoutMilliseconds = attribute.value.network()
            case Int(NFTA_SET_ELEM_EXPIRATION.rawValue): expiresInMilliseconds = attribute.value.network()
            case Int(NFTA_SET_ELEM_EXPR.rawValue): counter = counter ?? NetfilterCounter(expression: attribute.nested)
            case Int(NFTA_SET_ELEM_EXPRESSIONS.rawValue):
                for expression in attribute.nested {
                    counter = counter ?? NetfilterCounter(expression: expression.nested)
                }
            default: break
            }
        }
        guard hasKey else { return nil }
    }

    /// Gives every element of a NFT_MSG_NEWSETELEM payload to `body`. False if the payload is no such message.
    static func each(in payload: WireBytes, _ body: (ReceivedElement) -> Void) -> Bool {
        guard let attributes = NetfilterMessage.attributes(payload) else { return false }
        guard let list = attributes[Int(NFTA_SET_ELEM_LIST_ELEMENTS.rawValue)] else { return attributes.isWellFormed }
        for attribute in Attributes(list) {
            guard let element = ReceivedElement(attribute.nested) else { return false }
            body(element)
        }
        return Attributes(list).isWellFormed
    }

    /// The elements of one payload (after `nlmsghdr`), copied; nil if it is malformed. For tests and fuzzing.
    public static func decode(payload: [UInt8]) -> [(element: SetElement, counter: NetfilterCounter?)]? {
        WireBytes.read(payload) { bytes in
            var found: [(SetElement, NetfilterCounter?)] = []
            let isWhole = each(in: bytes) { element in
                let copy = SetElement(
                    key: element.key.array, data: element.data?.array, object: element.object?.text,
                    timeoutMilliseconds: element.timeoutMilliseconds)
                found.append((copy, element.counter))
            }
            return isWhole ? found : nil
        }
    }
}

/// Bytes and packets that matched (`enum nft_counter_attributes`).
public struct NetfilterCounter: Hashable, Sendable {
    public var bytes: UInt64
    public var packets: UInt64

    public init(bytes: UInt64, packets: UInt64) {
        self.bytes = bytes
        self.packets = packets
    }

    /// nil if the expression is not a counter.
    init?(expression: Attributes) {
        guard expression[Int(NFTA_EXPR_NAME.rawValue)]?.isText("counter") == true,
            let data = expression[Int(NFTA_EXPR_DATA.rawValue)],
            let bytes = Attributes(data)[Int(NFTA_COUNTER_BYTES.rawValue)]?.network(UInt64.self),
            let packets = Attributes(data)[Int(NFTA_COUNTER_PACKETS.rawValue)]?.network(UInt64.self)
        else { return nil }
        self.bytes = bytes
        self.packets = packets
    }
}
