import Monero
import Testing
