// SPDX-License-Identifier: MIT OR Apache-2.0
// One output channel of one pixel: a dot product and its accumulator.
// A cycle: takes a step where `enter`; three cycles behind it adds its sum where `accumulate`, the first of a tile where `restart`.
// `next` is the sum with it, a cycle before the accumulator shows it.
`default_nettype none

module ernscope_accumulator #(
  parameter int LANES = 32,
  parameter int BITS = 14,
  parameter int FRUGAL = 1
) (
  input  logic             clk,
  input  logic             enter,
  input  logic [LANES-1:0] low,
  input  logic [LANES-1:0] high,
  input  logic [LANES-1:0] weights,
  input  logic             accumulate,
  input  logic             restart,
  output logic [BITS-1:0]  next
);

  localparam int SUM = $clog2(3 * LANES + 1);

  logic [SUM-1:0] sum;
  logic [BITS-1:0] total;

  ernscope_dot_product #(.LANES(LANES), .FRUGAL(FRUGAL)) u_dot (.clk, .enter, .low, .high, .weights, .sum);

  assign next = (restart ? '0 : total) + BITS'(sum);

  always_ff @(posedge clk) if (accumulate) total <= next;

`ifndef SYNTHESIS
  // ---- What must hold.
  always_ff @(posedge clk) a_no_carry: assert (!accumulate || 33'(next) == (restart ? 33'd0 : 33'(total)) + 33'(sum));
`endif

endmodule

`default_nettype wire
