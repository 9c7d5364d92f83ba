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

  localparam int MIDDLE = MIDDLE_BITS - NARROW_BITS;
  localparam int WIDE = BITS - MIDDLE_BITS;

  logic [LANES-1:0][NARROW_BITS-1:0] narrow_in, narrow;
  logic [LANES-1:0][MIDDLE_BITS-1:0] middle;

  for (genvar lane = 0; lane < LANES; lane++) begin : gen_narrow
    assign narrow_in[lane] = wdata[lane][NARROW_BITS-1:0];
  end
  ernscope_memory #(.WIDTH(LANES * NARROW_BITS), .DEPTH(DEPTH)) u_narrow (
    .clk, .we, .waddr, .wdata(narrow_in), .re, .raddr, .rdata(narrow)
  );

  if (MIDDLE == 0) begin : gen_no_middle
    assign middle = narrow;
  end else begin : gen_middle
    localparam int PART = $clog2(MIDDLE_DEPTH);
    logic [LANES*MIDDLE-1:0] bits_in, bits;
    logic ours;
    ernscope_memory #(.WIDTH(LANES * MIDDLE), .DEPTH(MIDDLE_DEPTH)) u_middle (
      .clk, .we(we && 32'(waddr) < MIDDLE_DEPTH), .waddr(PART'(waddr)), .wdata(bits_in), .re, .raddr(PART'(raddr)), .rdata(bits)
    );
    always_ff @(posedge clk) if (re) ours <= 32'(raddr) < MIDDLE_DEPTH;
    for (genvar lane = 0; lane < LANES; lane++) begin : gen_lanes
      assign bits_in[lane*MIDDLE +: MIDDLE] = wdata[lane][MIDDLE_BITS-1:NARROW_BITS];
      assign middle[lane] = {ours ? bits[lane*MIDDLE +: MIDDLE] : {MIDDLE{narrow[lane][NARROW_BITS-1]}}, narrow[lane]};
    end
  end

  if (WIDE == 0) begin : gen_no_wide
    assign rdata = middle;
  end else begin : gen_wide
    localparam int PART = $clog2(WIDE_DEPTH);
    logic [LANES*WIDE-1:0] bits_in, bits;
    logic ours;
    ernscope_memory #(.WIDTH(LANES * WIDE), .DEPTH(WIDE_DEPTH)) u_wide (
      .clk, .we(we && 32'(waddr) < WIDE_DEPTH), .waddr(PART'(waddr)), .wdata(bits_in), .re, .raddr(PART'(raddr)), .rdata(bits)
    );
    always_ff @(posedge clk) if (re) ours <= 32'(raddr) < WIDE_DEPTH;
    for (genvar lane = 0; lane < LANES; lane++) begin : gen_lanes
      assign bits_in[lane*WIDE +: WIDE] = wdata[lane][BITS-1:MIDDLE_BITS];
      assign rdata[lane] = {ours ? bits[lane*WIDE +: WIDE] : {WIDE{middle[lane][MIDDLE_BITS-1]}}, middle[lane]};
    end
  end

`ifndef SYNTHESIS
  // ---- What must hold.
  // The compiler's proof: no word is written where its integers do not fit.
  for (genvar lane = 0; lane < LANES; lane++) begin : gen_fits
    always_ff @(posedge clk) begin
      a_narrow: assert (!we || 32'(waddr) < MIDDLE_DEPTH || $signed(wdata[lane]) == BITS'($signed(narrow_in[lane])));
      a_middle: assert (!we || 32'(waddr) < WIDE_DEPTH || $signed(wdata[lane]) == BITS'($signed(wdata[lane][MIDDLE_BITS-1:0])));
    end
  end
  always_ff @(posedge clk) a_address: assert (!we || 32'(waddr) < DEPTH);
`endif

endmodule

`default_nettype wire
