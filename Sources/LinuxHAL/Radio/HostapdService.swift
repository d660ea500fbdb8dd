import Glibc
import HAL
import Primitives

/// hostapd, found or started. It outlives the agent: whoever is on the air stays there.
struct HostapdService {
    static let startMilliseconds: Int32 = 20_000

    let plan: WirelessPlan
    let configuration: HostapdConfiguration
    /// The daemon with this configuration, by port.
    private(set) var controls: [String: HostapdControl] = [:]

    init(_ plan: WirelessPlan) {
        self.plan = plan
        configuration = HostapdConfiguration(plan)
    }

    /// Whether it is on the air with all ports; nil: it does not answer.
    mutating func state() -> HostapdState? {
        do throws(HALError) {
            var main: HostapdState?
            for port in plan.ports {
                let state = try control(of: port).state()
                if port == plan.port { main = state }
            }
            return main
        } catch {
            controls = [:]
            return nil
        }
    }

    mutating func control(of port: String) throws(HALError) -> HostapdControl {
        if let control = controls[port] { return control }
        let control = try HostapdControl(path: configuration.controlPath(of: port))
        controls[port] = control
        return control
    }

    /// Ends whatever hostapd of ours has another configuration, and has one started with this.
    mutating func start() throws(HALError) {
        controls = [:]
        endOthers()
        let path = plan.runtimeDirectory + "/hostapd.conf"
        try TextFile.write(configuration.text, to: path)
        guard !plan.usesUnits else { return }  // its path unit sees the file
        let (status, output) = Program.run(
            ["hostapd", "-B", "-P", plan.runtimeDirectory + "/hostapd.pid", path], milliseconds: Self.startMilliseconds)
        switch status {
        case 0: return
        case -ENOENT: throw HALError(.missing, "hostapd is not installed", mend: "install it with: apt-get install hostapd")
        case -ETIMEDOUT: throw HALError(.busy, "hostapd did not come up", mend: "see dmesg for the radio's driver")
        default:
            let reason = output.split(separator: "\n").last { !$0.contains("-> ") }.map(String.init) ?? "exit status \(status)"
            throw HALError(.broken, "hostapd does not start: \(reason)", mend: "see hostapd -d \(path)")
        }
    }

    /// Each has a control directory named after its configuration.
    private func endOthers() {
        for name in Folder.names(in: plan.runtimeDirectory) where name.hasPrefix(HostapdConfiguration.prefix) {
            let folder = "\(plan.runtimeDirectory)/\(name)"
            for port in Folder.names(in: folder) {
                // One that is just ending may never answer.
                guard let control = try? HostapdControl(path: "\(folder)/\(port)", timeoutSeconds: 1) else { continue }
                _ = try? control.ask("TERMINATE", for: "end")
                for _ in 0..<100 where (try? control.ask("PING", for: "answer")) != nil { usleep(20_000) }
            }
            if folder != configuration.controlDirectory { Folder.remove(folder) }
        }
    }
}

/// Small folders of our own.
enum Folder {
    private static let limit = 256

    static func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while names.count < limit, let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// With the files in it.
    static func remove(_ path: String) {
        for name in names(in: path) { unlink("\(path)/\(name)") }
        rmdir(path)
    }
}
