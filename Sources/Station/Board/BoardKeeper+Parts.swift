import BoardControl
import HAL
import Primitives

/// The board's parts, each listened to for as long as the station runs.
extension BoardKeeper {
    func keepThermal() async {
        guard let sensor = parts.thermal else { return await note([], PowerState(source: .unknown)) }
        repeat {
            do throws(HALError) {
                let (temperatures, power) = (try await sensor.temperatures(), try await sensor.power())
                works("sensors")
                await note(temperatures, power)
            } catch {
                failed("sensors", error)
                await note([], PowerState(source: .unknown))
            }
        } while await pause(settings.thermalInterval)
    }

    func keepButton() async {
        guard let panel = parts.panel, panel.hasButton else { return }
        repeat {
            do throws(HALError) {
                let edges = try await panel.buttonEdges()
                works("button")
                for await edge in edges { await note(edge) }
                if !Task.isCancelled { failed("button", HALError(.missing, "the reset button is gone", mend: "see gpioinfo")) }
            } catch {
                failed("button", error)
            }
            await loseButton()
        } while await pause(settings.retryInterval)
    }

    func keepPosition() async {
        guard let source = parts.position else { return }
        repeat {
            do throws(HALError) {
                for await event in try await source.events() { note(event) }
            } catch {
                failed("gpsd", error)
            }
        } while await pause(settings.retryInterval)
    }

    func keepOutputs() async {
        guard parts.panel != nil else { return }
        while await pause(settings.retryInterval) { await retryOutputs() }
    }

    /// False when the station stops.
    private func pause(_ interval: Nanoseconds) async -> Bool {
        do { try await clocks.sleep(interval) } catch { return false }
        return !Task.isCancelled
    }
}

extension BoardKeeper {
    /// Gives the station what it asks the board for.
    public nonisolated func connect(to seams: inout StationSeams) {
        seams.temperature = { await self.temperature().map { Int($0.milliCelsius) / 1_000 } }
        seams.identify = { await self.identify() }
        seams.position = { await self.position()?.position }
        seams.boardAlerts = { await self.alerts() }
    }
}
