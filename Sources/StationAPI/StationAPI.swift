// StationAPI
