// StationClient
