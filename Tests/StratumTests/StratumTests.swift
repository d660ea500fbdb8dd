import Stratum
import Testing
