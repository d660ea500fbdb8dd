import FoundationEssentials
import Glibc
public import HAL

/// The kernel's thermal zones, hardware monitors and power supplies (Documentation/ABI/testing/sysfs-class-*).
public struct LinuxThermalSensor: ThermalSensor {
    /// A server has a hundred; a board that claims more is lying.
    static let sensorLimit = 128
    /// What no board survives is what no sensor measured: some drivers answer 0 K or 255 °C when theirs is not there.
    static let credible: ClosedRange<Int32> = -60_000...200_000

    private let root: String

    /// - Parameter root: `/sys/class`
    public init(root: String = "/sys/class") { self.root = root }

    public func temperatures() async throws(HALError) -> [Temperature] {
        let places = (zones() + monitors()).prefix(Self.sensorLimit)
        var (found, problem) = ([Temperature](), HALError?.none)
        for place in places {
            do throws(HALError) { found.append(try read(place)) } catch { problem = error }
        }
        if found.isEmpty, let problem { throw problem }
        return found
    }

    public func power() async throws(HALError) -> PowerState {
        let supplies = folders("power_supply").compactMap(PowerSupply.init)
        let capacity = supplies.filter(\.isBattery).compactMap(\.capacity).max()
        if supplies.contains(where: \.feeds) { return PowerState(source: .mains, capacityPercent: capacity) }
        let isDraining = supplies.contains { $0.isBattery && $0.isDischarging }
        return PowerState(source: isDraining ? .battery : .unknown, capacityPercent: capacity)
    }

    private struct Place {
        var name: String
        var file: String
    }

    private func zones() -> [Place] {
        folders("thermal").filter { $0.name.hasPrefix("thermal_zone") }.map { zone in
            Place(name: zone.text("type") ?? zone.name, file: zone.path + "/temp")
        }
    }

    private func monitors() -> [Place] {
        folders("hwmon").flatMap { monitor in
            let chip = monitor.text("name") ?? monitor.name
            return monitor.entries.filter { $0.hasPrefix("temp") && $0.hasSuffix("_input") }.map { input in
                let sensor = String(input.dropLast("_input".count))
                return Place(name: "\(chip) \(monitor.text(sensor + "_label") ?? sensor)", file: monitor.path + "/" + input)
            }
        }
    }

    private func read(_ place: Place) throws(HALError) -> Temperature {
        let text = try TextFile.read(place.file).prefix { $0 != "\n" }
        guard let value = Int32(text), Self.credible.contains(value) else {
            throw HALError(.broken, "\(place.file) says \(text.prefix(20)): no temperature of a board", mend: "see dmesg")
        }
        return Temperature(name: place.name, milliCelsius: value)
    }

    private func folders(_ kind: String) -> [KernelFolder] {
        KernelFolder(path: root, name: kind).folders
    }
}

/// A folder of attributes.
struct KernelFolder {
    var path: String
    var name: String

    init(path: String, name: String) {
        self.path = path + "/" + name
        self.name = name
    }

    /// Sorted as people count: `temp2` before `temp10`. Empty where there is none: most boards lack some kind.
    var entries: [String] {
        // Nothing is known of a folder that cannot be read, as if it were not there.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.sorted { ($0.utf8.count, $0) < ($1.utf8.count, $1) }
    }
    var folders: [KernelFolder] { entries.map { KernelFolder(path: path, name: $0) } }

    /// The first line of an attribute; nil if it is empty, absent or cannot be read now.
    func text(_ attribute: String) -> String? {
        guard let text = try? TextFile.read(path + "/" + attribute).prefix(while: { $0 != "\n" }), !text.isEmpty else {
            return nil
        }
        return String(text.prefix(64).filter { !$0.isNewline && $0 != "\0" })
    }
}

/// An entry of power_supply.
private struct PowerSupply {
    var isBattery: Bool
    var feeds: Bool
    var isDischarging: Bool
    var capacity: UInt8?

    /// nil for what feeds something else, as a mouse's battery.
    init?(_ folder: KernelFolder) {
        guard folder.text("scope") != "Device" else { return nil }
        let type = folder.text("type")
        isBattery = type == "Battery" || type == "UPS"
        feeds = !isBattery && folder.text("online").flatMap { Int($0) }.map { $0 > 0 } == true
        isDischarging = folder.text("status") == "Discharging"
        capacity = folder.text("capacity").flatMap { UInt8($0) }.flatMap { $0 <= 100 ? $0 : nil }
    }
}
