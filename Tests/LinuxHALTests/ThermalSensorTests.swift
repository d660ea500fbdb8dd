import Foundation
import HAL
import LinuxHAL
import Testing

/// The kernel's folders of sensors and supplies, as boards have them.
@Suite struct ThermalSensorTests {
    /// Files by their path below /sys/class, for as long as the test runs.
    private final class Class {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("class-\(UUID().uuidString)")

        init(_ files: [String: String]) throws {
            for (path, text) in files {
                let file = root.appendingPathComponent(path)
                try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try text.write(to: file, atomically: true, encoding: .utf8)
            }
        }

        deinit { try? FileManager.default.removeItem(at: root) }

        var sensor: LinuxThermalSensor { LinuxThermalSensor(root: root.path) }
    }

    @Test func everySensorIsReadInASteadyOrder() async throws {
        let kernel = try Class([
            "thermal/thermal_zone0/type": "cpu-thermal\n", "thermal/thermal_zone0/temp": "51234\n",
            "thermal/thermal_zone10/temp": "-1000\n", "thermal/thermal_zone2/type": "gpu\n",
            "thermal/thermal_zone2/temp": "60000\n",
            "thermal/cooling_device0/type": "fan\n",
            "hwmon/hwmon0/name": "lm75\n", "hwmon/hwmon0/temp1_input": "41500\n", "hwmon/hwmon0/temp1_max": "80000\n",
            "hwmon/hwmon1/name": "wifi\n", "hwmon/hwmon1/temp2_input": "70000\n", "hwmon/hwmon1/temp2_label": "amplifier\n",
        ])
        #expect(
            try await kernel.sensor.temperatures() == [
                Temperature(name: "cpu-thermal", milliCelsius: 51_234), Temperature(name: "gpu", milliCelsius: 60_000),
                Temperature(name: "thermal_zone10", milliCelsius: -1_000), Temperature(name: "lm75 temp1", milliCelsius: 41_500),
                Temperature(name: "wifi amplifier", milliCelsius: 70_000),
            ])
    }

    @Test(arguments: ["", "x", "273150000", "-273150", "255000", "1e4", "99999999999"])
    func whatNoBoardSurvivesIsNoReading(text: String) async throws {
        let broken = try Class(["hwmon/hwmon0/temp1_input": text])
        let error = await #expect(throws: HALError.self) { try await broken.sensor.temperatures() }
        #expect(error?.kind == .broken)
        // Others are read all the same.
        let half = try Class(["hwmon/hwmon0/temp1_input": text, "hwmon/hwmon0/temp2_input": "1"])
        #expect(try await half.sensor.temperatures() == [Temperature(name: "hwmon0 temp2", milliCelsius: 1)])
    }

    @Test func aBoardWithoutSensorsHasNone() async throws {
        let kernel = try Class([:])
        #expect(try await kernel.sensor.temperatures() == [])
        #expect(try await kernel.sensor.power() == PowerState(source: .unknown))
    }

    @Test(
        arguments: [
            (["ac/type": "Mains", "ac/online": "1"], PowerState(source: .mains)),
            (["ac/type": "Mains", "ac/online": "0"], PowerState(source: .unknown)),
            (["usb/type": "USB", "usb/online": "2"], PowerState(source: .mains)),
            (
                ["b/type": "Battery", "b/status": "Discharging", "b/capacity": "41"],
                PowerState(source: .battery, capacityPercent: 41)
            ),
            (["b/type": "Battery", "b/status": "Full", "b/capacity": "100"], PowerState(source: .unknown, capacityPercent: 100)),
            (
                ["a/type": "Mains", "a/online": "1", "b/type": "Battery", "b/status": "Charging", "b/capacity": "7"],
                PowerState(source: .mains, capacityPercent: 7)
            ),
            (
                ["a/type": "Mains", "a/online": "0", "b/type": "Battery", "b/status": "Discharging", "b/capacity": "101"],
                PowerState(source: .battery)
            ),
            (
                ["b/type": "Battery", "b/scope": "Device", "b/status": "Discharging", "b/capacity": "41"],
                PowerState(source: .unknown)
            ),
        ] as [([String: String], PowerState)])
    func theSupplyIsTold(_ files: [String: String], _ state: PowerState) async throws {
        let kernel = try Class(Dictionary(uniqueKeysWithValues: files.map { ("power_supply/\($0)", $1 + "\n") }))
        #expect(try await kernel.sensor.power() == state)
    }
}
