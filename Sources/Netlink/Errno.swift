import CNetlink

func describe(errno: Int32) -> String {
    let text = [UInt8](unsafeUninitializedCapacity: 128) { buffer, count in
        cnetlink_describe(errno, buffer.baseAddress, buffer.count)
        count = buffer.firstIndex(of: 0) ?? 0
    }
    return String(decoding: text, as: UTF8.self)
}
