import BoardControl
import Glibc
import HAL
import LinuxHAL
import Logging
import Primitives
import Station
import StationConfiguration

/// What is on the board besides its network interfaces, joined to what it acts on.
extension BoardKeeper {
    init(
        _ configuration: StationConfiguration, _ hardware: Hardware, wireless: WirelessKeeper?, logger: Logger
    ) {
        var settings = BoardSettings()
        settings.positionAccuracy = configuration.board.positionAccuracyMetres * 1_000
        settings.thermal = ThermalPolicy.Limits(
            fan: configuration.board.fanCelsius * 1_000, hot: configuration.board.hotCelsius * 1_000,
            critical: configuration.board.criticalCelsius * 1_000)
        var orders = BoardOrders()
        orders.transmitPower = { step in await wireless?.cool(step) }
        let request = configuration.runtimeDirectory + "/factory-reset"
        // basestation-reset.path sees it and puts the configuration back that the board came with; accounts and keys stay.
        orders.factoryReset = { close(open(request, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)) }
        self.init(parts: hardware.parts, settings: settings, clocks: hardware.clocks, orders: orders, logger: logger)
    }
}

extension BoardParts {
    init(linux configuration: BoardConfiguration) {
        let lines: [PanelOutput: String] = [
            .statusLight: configuration.led, .radioEnable: configuration.radioEnable, .amplifierEnable: configuration.amplifier,
            .fan: configuration.fan,
        ].filter { !$0.value.isEmpty }
        let button = configuration.button.isEmpty ? nil : configuration.button
        self.init(
            panel: lines.isEmpty && button == nil
                ? nil : LinuxPanel(LinuxPanel.Wiring(chip: configuration.chip, lines: lines, button: button)),
            position: Endpoint(configuration.gpsd).map { Gpsd(at: $0) }, thermal: LinuxThermalSensor())
    }
}
