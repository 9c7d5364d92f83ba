// SPDX-License-Identifier: MIT OR Apache-2.0
// Radiona ULX3S with the LFE5U-85F: the accelerator on the FT231X's serial line, at 60 MHz from the 25 MHz oscillator. Button
// fire 2 resets; light 0 shines while the accelerator works, light 1 while the line brings something.
`default_nettype none

module ulx3s_top #(
  parameter int PARALLEL_IN = 32,
  parameter int PARALLEL_OUT = 32,
  parameter int PIXELS = 1,
  parameter int CODE_DEPTH = 5120,
  parameter int WEIGHT_DEPTH = 1696,
  parameter int WINDOW_DEPTH = 512,
  parameter int THRESHOLD_DEPTH = 128,
  parameter int TRUNK_DEPTH = 2048
) (
  input  logic       clk_25mhz,
  input  logic       button_reset,
  input  logic       ftdi_txd,      // from the host
  output logic       ftdi_rxd,      // to the host
  output logic [7:0] led,
  output logic       wifi_gpio0     // keeps the board's microcontroller from starting over
);

  // The oscillator within runs at 600 MHz: a tenth is the clock. A 24th goes back to be compared with the 25 MHz as they come: the
  // datasheet wants 10 MHz or more there, and 60 MHz have no larger common divisor with 25 than 5.
  localparam int CLOCK_KHZ = 60000;

  logic clk, locked, compared;

  (* FREQUENCY_PIN_CLKI = "25", FREQUENCY_PIN_CLKOP = "60", FREQUENCY_PIN_CLKOS = "25", ICP_CURRENT = "12", LPF_RESISTOR = "8" *)
  EHXPLLL #(
    .PLLRST_ENA("DISABLED"), .INTFB_WAKE("DISABLED"), .STDBY_ENABLE("DISABLED"), .DPHASE_SOURCE("DISABLED"),
    .OUTDIVIDER_MUXA("DIVA"), .OUTDIVIDER_MUXB("DIVB"), .OUTDIVIDER_MUXC("DIVC"), .OUTDIVIDER_MUXD("DIVD"),
    .CLKI_DIV(1), .CLKOP_ENABLE("ENABLED"), .CLKOP_DIV(10), .CLKOP_CPHASE(9), .CLKOP_FPHASE(0),
    .CLKOS_ENABLE("ENABLED"), .CLKOS_DIV(24), .CLKOS_CPHASE(23), .CLKOS_FPHASE(0), .FEEDBK_PATH("CLKOS"), .CLKFB_DIV(1)
  ) u_pll (
    .CLKI(clk_25mhz), .CLKFB(compared), .CLKOP(clk), .CLKOS(compared), .LOCK(locked), .RST(1'b0), .STDBY(1'b0), .PHASESEL0(1'b0),
    .PHASESEL1(1'b0), .PHASEDIR(1'b1), .PHASESTEP(1'b1), .PHASELOADREG(1'b1), .PLLWAKESYNC(1'b0), .ENCLKOP(1'b0)
  );

  // Reset, until the clock is steady, and by the button. Both come when they like: nothing but the next register sees the first.
  (* keep *) logic [3:0] resets;
  logic rst;
  always_ff @(posedge clk) begin
    resets <= {resets[2:0], !locked || button_reset};
    rst <= |resets[3:1];
  end

  logic busy;

  ernscope_uart #(
    .PARALLEL_IN(PARALLEL_IN), .PARALLEL_OUT(PARALLEL_OUT), .PIXELS(PIXELS), .CODE_DEPTH(CODE_DEPTH),
    .WEIGHT_DEPTH(WEIGHT_DEPTH), .WINDOW_DEPTH(WINDOW_DEPTH), .THRESHOLD_DEPTH(THRESHOLD_DEPTH),
    .TRUNK_DEPTH(TRUNK_DEPTH), .CLOCK_KHZ(CLOCK_KHZ)
  ) u_accelerator (.clk, .rst, .rx(ftdi_txd), .tx(ftdi_rxd), .busy);

  assign led = {6'd0, !ftdi_txd, busy};
  assign wifi_gpio0 = 1'b1;

endmodule

`default_nettype wire
