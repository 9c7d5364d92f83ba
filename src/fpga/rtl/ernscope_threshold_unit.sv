// SPDX-License-Identifier: MIT OR Apache-2.0
// A 2-bit code of an integer: how many of three thresholds it reaches. Without a clock.
// A falling channel counts n ≤ T, which is ~n ≥ ~T: its thresholds are stored inverted, the integer is inverted here.
`default_nettype none

module ernscope_threshold_unit #(
  parameter int BITS = 16
) (
  input  logic signed [BITS-1:0] value,
  input  logic                   falling,
  input  logic [2:0][BITS-1:0]   thresholds,
  output logic [1:0]             code
);

  logic signed [BITS-1:0] directed;
  logic [2:0] reached;

  assign directed = value ^ {BITS{falling}};

  for (genvar t = 0; t < 3; t++) begin : gen_thresholds
    assign reached[t] = directed >= $signed(thresholds[t]);
  end

  // In order, so that reached is one of 000, 001, 011, 111.
  assign code = {reached[1], reached[2] || (reached[0] && !reached[1])};

endmodule

`default_nettype wire
