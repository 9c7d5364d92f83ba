// SPDX-License-Identifier: MIT OR Apache-2.0
// The trunk: words of LANES signed integers. Layers whose trunk is large have small sums, and those of large sums have few pixels:
// a word has all BITS below WIDE_DEPTH, MIDDLE_BITS below MIDDLE_DEPTH, and NARROW_BITS up to DEPTH. The compiler proves that each
// layer's sums fit where they lie.
// A cycle: writes a word where `we`; where `re`, `rdata` is the word at `raddr` from the next cycle on, and stays.
`default_nettype none

module ernscope_trunk_memory #(
  parameter int LANES = 8,
  parameter int BITS = 16,
  parameter int DEPTH = 2048,
  parameter int MIDDLE_DEPTH = DEPTH,
  parameter int WIDE_DEPTH = MIDDLE_DEPTH,
  parameter int MIDDLE_BITS = BITS,
  parameter int NARROW_BITS = MIDDLE_BITS,
  localparam int ADDRESS = $clog2(DEPTH)
) (
  input  logic                       clk,
  input  logic                       we,
  input  logic [ADDRESS-1:0]         waddr,
  input  logic [LANES-1:0][BITS-1:0] wdata,
  input  logic                       re,
  input  logic [ADDRESS-1:0]         raddr,
  output logic [LANES-1:0][BITS-1:0] rdata
);

  if (WIDE_DEPTH > MIDDLE_DEPTH || MIDDLE_DEPTH > DEPTH || NARROW_BITS > MIDDLE_BITS || MIDDLE_BITS > BITS) begin : gen_wrong
    $error("the trunk's words grow narrower from TRUNK_WIDE_DEPTH and from TRUNK_MIDDLE_DEPTH on, and are TRUNK_DEPTH");
  end

  logic [LANES-1:0][NARROW_BITS-1:0] narrow_in, narrow;
  logic [LANES-1:0][MIDDLE_BITS-1:0] middle_in, middle;

  for (genvar lane = 0; lane < LANES; lane++) begin : gen_lanes
    assign narrow_in[lane] = wdata[lane][NARROW_BITS-1:0];
    assign middle_in[lane] = wdata[lane][MIDDLE_BITS-1:0];
  end

  ernscope_memory #(.WIDTH(LANES * NARROW_BITS), .DEPTH(DEPTH)) u_narrow (
    .clk, .we, .waddr, .wdata(narrow_in), .re, .raddr, .rdata(narrow)
  );

  ernscope_trunk_upper #(.LANES(LANES), .BITS(MIDDLE_BITS), .LOWER(NARROW_BITS), .DEPTH(MIDDLE_DEPTH), .ADDRESS(ADDRESS)) u_middle (
    .clk, .we, .waddr, .wdata(middle_in), .re, .raddr, .lower(narrow), .rdata(middle)
  );

  ernscope_trunk_upper #(.LANES(LANES), .BITS(BITS), .LOWER(MIDDLE_BITS), .DEPTH(WIDE_DEPTH), .ADDRESS(ADDRESS)) u_wide (
    .clk, .we, .waddr, .wdata, .re, .raddr, .lower(middle), .rdata
  );

`ifndef SYNTHESIS
  // ---- What must hold.
  always_ff @(posedge clk) a_address: assert (!we || 32'(waddr) < DEPTH);
`endif

endmodule

`default_nettype wire
