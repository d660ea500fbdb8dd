import Charging
import Foundation
import Store
import Testing

@Suite struct KeyFileTests {
    private let scratch = Scratch()
    private var path: String { scratch.path + "/station.key" }

    @Test func aKeyIsMadeOnceAndForItsOwnerAlone() throws {
        let key = try KeyFile.loadOrCreate(path)
        #expect(key.count == 32 && Set(key).count > 8)
        #expect(try KeyFile.loadOrCreate(path) == key)
        #expect(try KeyFile.loadOrCreate(scratch.path + "/codes.key") != key)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted() == ["codes.key", "station.key"])
    }

    @Test(arguments: [0o640, 0o604, 0o660, 0o610])
    func aKeyThatOthersCanReadIsRefused(_ mode: Int) throws {
        _ = try KeyFile.loadOrCreate(path)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        let error = #expect(throws: StorageError.self) { try KeyFile.loadOrCreate(path) }
        #expect(error?.kind == .notPermitted && error?.description.hasSuffix("chmod 600 \(path)") == true)
    }

    @Test(arguments: [0, 31, 33, 4_096])
    func aKeyOfAnotherLengthIsNotOverwritten(_ count: Int) throws {
        let bytes = Data(repeating: 1, count: count)
        try bytes.write(to: URL(fileURLWithPath: path))
        chmod(path, 0o600)
        let error = #expect(throws: StorageError.self) { try KeyFile.loadOrCreate(path) }
        #expect(error?.kind == .corrupt)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes)
    }

    @Test func neitherLinksNorPipesNorMissingDirectoriesAreFollowed() throws {
        symlink("/dev/zero", path)
        #expect(throws: StorageError.self) { try KeyFile.loadOrCreate(path) }
        mkfifo(scratch.path + "/fifo", 0o600)
        #expect(throws: StorageError.self) { try KeyFile.loadOrCreate(scratch.path + "/fifo") }
        let error = #expect(throws: StorageError.self) { try KeyFile.loadOrCreate(scratch.path + "/none/station.key") }
        #expect(error?.description.contains("make the directory") == true)
    }
}
