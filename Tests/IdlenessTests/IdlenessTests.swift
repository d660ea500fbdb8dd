import Idleness
import Testing
