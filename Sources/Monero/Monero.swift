// Monero
