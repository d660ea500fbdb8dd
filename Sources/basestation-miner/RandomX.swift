import CRandomX
import Primitives

// RandomX as librandomx has it (https://github.com/tevador/RandomX). Owners of C memory: none of it leaves this file.

/// What the processor can do, found once.
struct Processor {
    let flags: randomx_flags

    init() { flags = randomx_get_flags() }

    var isCompiled: Bool { flags.rawValue & RANDOMX_FLAG_JIT.rawValue != 0 }
    var hasAES: Bool { flags.rawValue & RANDOMX_FLAG_HARD_AES.rawValue != 0 }

    func with(_ more: randomx_flags, if wanted: Bool = true) -> randomx_flags {
        wanted ? randomx_flags(rawValue: flags.rawValue | more.rawValue) : flags
    }
}

/// 256 MiB that follow from a seed.
final class Cache: @unchecked Sendable {  // who writes it, and that nobody reads it then, is seen to by the board
    fileprivate let pointer: OpaquePointer
    let hasHugePages: Bool

    /// nil: there is not so much memory.
    init?(_ processor: Processor, hugePages: Bool) {
        if hugePages, let large = randomx_alloc_cache(processor.with(RANDOMX_FLAG_LARGE_PAGES)) {
            (pointer, hasHugePages) = (large, true)
        } else if let plain = randomx_alloc_cache(processor.flags) {
            (pointer, hasHugePages) = (plain, false)
        } else {
            return nil
        }
    }

    deinit { randomx_release_cache(pointer) }

    func prepare(_ seed: Bytes32) { seed.withUnsafeBytes { randomx_init_cache(pointer, $0.baseAddress, $0.count) } }
}

/// 2,080 MiB that follow from a cache.
final class Dataset: @unchecked Sendable {  // as the cache
    fileprivate let pointer: OpaquePointer
    let hasHugePages: Bool
    static let items = Int(randomx_dataset_item_count())

    init?(hugePages: Bool) {
        if hugePages, let large = randomx_alloc_dataset(RANDOMX_FLAG_LARGE_PAGES) {
            (pointer, hasHugePages) = (large, true)
        } else if let plain = randomx_alloc_dataset(RANDOMX_FLAG_DEFAULT) {
            (pointer, hasHugePages) = (plain, false)
        } else {
            return nil
        }
    }

    deinit { randomx_release_dataset(pointer) }

    func prepare(_ items: Range<Int>, from cache: Cache) {
        randomx_init_dataset(pointer, cache.pointer, UInt(items.lowerBound), UInt(items.count))
    }
}

/// One thread's machine: 2 MiB of its own. Its cache is prepared before it is made.
final class Machine {
    private let pointer: OpaquePointer
    private let isFast: Bool

    init?(_ processor: Processor, _ cache: Cache, _ dataset: Dataset?, hugePages: Bool) {
        isFast = dataset != nil
        let flags = processor.with(RANDOMX_FLAG_FULL_MEM, if: isFast)
        let large = randomx_flags(rawValue: flags.rawValue | RANDOMX_FLAG_LARGE_PAGES.rawValue)
        let made =
            (hugePages ? randomx_create_vm(large, cache.pointer, dataset?.pointer) : nil)
            ?? randomx_create_vm(flags, cache.pointer, dataset?.pointer)
        guard let made else { return nil }
        pointer = made
    }

    deinit { randomx_destroy_vm(pointer) }

    /// The cache has another seed now.
    func renew(_ cache: Cache, _ dataset: Dataset?) {
        if let dataset { randomx_vm_set_dataset(pointer, dataset.pointer) } else { randomx_vm_set_cache(pointer, cache.pointer) }
    }

    func hash(_ blob: [UInt8]) -> Bytes32 {
        var hash = [UInt8](repeating: 0, count: Int(RANDOMX_HASH_SIZE))
        randomx_calculate_hash(pointer, blob, blob.count, &hash)
        return Bytes32(hash)!
    }

    /// Begins a row of hashes.
    func begin(_ blob: UnsafeBufferPointer<UInt8>) { randomx_calculate_hash_first(pointer, blob.baseAddress, blob.count) }

    /// The hash of the blob before this one.
    func next(_ blob: UnsafeBufferPointer<UInt8>, into hash: UnsafeMutablePointer<UInt8>) {
        randomx_calculate_hash_next(pointer, blob.baseAddress, blob.count, hash)
    }
}
