// SPDX-License-Identifier: MIT OR Apache-2.0
// The ECP5's clock circuit as far as a lint has to know it: what `ulx3s_top` sets and connects.
/* verilator lint_off UNUSEDPARAM */
/* verilator lint_off UNUSEDSIGNAL */
/* verilator lint_off DECLFILENAME */
`default_nettype none

module EHXPLLL #(
  parameter PLLRST_ENA = "DISABLED", parameter INTFB_WAKE = "DISABLED", parameter STDBY_ENABLE = "DISABLED",
  parameter DPHASE_SOURCE = "DISABLED", parameter OUTDIVIDER_MUXA = "DIVA", parameter OUTDIVIDER_MUXB = "DIVB",
  parameter OUTDIVIDER_MUXC = "DIVC", parameter OUTDIVIDER_MUXD = "DIVD", parameter int CLKI_DIV = 1,
  parameter CLKOP_ENABLE = "ENABLED", parameter int CLKOP_DIV = 8, parameter int CLKOP_CPHASE = 0,
  parameter int CLKOP_FPHASE = 0, parameter CLKOS_ENABLE = "DISABLED", parameter int CLKOS_DIV = 8,
  parameter int CLKOS_CPHASE = 0, parameter int CLKOS_FPHASE = 0, parameter FEEDBK_PATH = "CLKOP", parameter int CLKFB_DIV = 1
) (
  input  logic CLKI, CLKFB, RST, STDBY, PHASESEL0, PHASESEL1, PHASEDIR, PHASESTEP, PHASELOADREG, PLLWAKESYNC, ENCLKOP,
  output logic CLKOP, CLKOS, LOCK
);

  assign CLKOP = CLKI;
  assign CLKOS = CLKI;
  assign LOCK = !RST;

endmodule

`default_nettype wire
