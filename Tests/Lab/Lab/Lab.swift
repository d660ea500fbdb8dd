// The laboratory: a base station's surroundings on one machine, made of network namespaces.
//
//   client 0 ─┐
//   client 1 ─┼─ air (a bridge) ── lan0 router wan0 ── srv0 server (the internet)
//   client 2 ─┘
//
// Everything in it is the real kernel: what forwards, meters and cuts off here does so on a board.
//
//   try withTopology(Plan(clients: [.dual, .ipv6])) { lab in
//       try lab.masquerade()                                   // or run basestationd in lab.router
//       let wire = try WireCounter(lab)                        // measures without the gate
//       let report = try lab.move(.download(bytes: 20_000_000), client: 0)
//       let carried = try wire.carried(client: 0)              // .up, .down: IP bytes
//   }
//
// Nothing outlives it: the topology closes its namespaces and processes when the body ends or throws; processes are killed
// by the kernel when this one dies; what a killed run left is swept by the next.
