// SHA-256 on whole blocks, as BoringSSL has it (its sha2.h) inside swift-crypto. Swift's own interface to it makes an object on
// the heap for every digest, which costs twice what hashing 64 bytes does. Decides nothing.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Takes `count` blocks of 64 bytes into `state`. If swift-crypto gives it another name some day, linking fails and says so.
void CCryptoBoringSSL_SHA256_TransformBlocks(uint32_t state[8], const uint8_t *blocks, size_t count);

static inline void cdigest_sha256_blocks(uint32_t state[8], const uint8_t *blocks, size_t count) {
    CCryptoBoringSSL_SHA256_TransformBlocks(state, blocks, count);
}
