// When to mine: only while nobody needs the board, and never so that a client waits.
//
// ```
//  IdleSensor, ThermalSensor ─▶ reading ─┐
//  first packet of a client ─────────────┼─▶ IdleDecision ─▶ start, yield, release
//  the owner, the worker ────────────────┘       │  why, in words
//                                           IdleHistory: how long idle spells last, what of them was mined
// ```
// Three guards stand one behind the other. The worker runs in a cgroup with cpu.idle, so that the kernel prefers everybody else within a
// tenth of a millisecond. The first packet of a client stops it altogether. And it starts only after a time of quiet, which grows when
// it turns out to have been too short.
//
// Everything here is a value that takes events and gives actions: it reads no clock and no counter itself.
