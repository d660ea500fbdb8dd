// SimulatedHAL
