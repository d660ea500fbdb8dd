import Testing
@testable import Peering
