import Foundation

/// The files of Tests/Vectors, each with its origin.
public enum PublishedVectors {
    /// What `name` holds.
    public static func load<File: Decodable>(_ name: String, as: File.Type = File.self) -> File {
        let path = URL(fileURLWithPath: #filePath).appendingPathComponent("../../Vectors/\(name)").standardizedFileURL
        do { return try JSONDecoder().decode(File.self, from: Data(contentsOf: path)) } catch {
            preconditionFailure("Tests/Vectors/\(name) cannot be read: \(error)")
        }
    }
}
