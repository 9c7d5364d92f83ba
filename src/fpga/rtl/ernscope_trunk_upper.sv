// SPDX-License-Identifier: MIT OR Apache-2.0
// The upper bits of the trunk's words below DEPTH, whose LOWER bits lie elsewhere; words from DEPTH on have none, and their integers
// are told by the lower ones' sign.
// A cycle: writes where `we`; where `re`, `rdata` is the word at `raddr` from the next cycle on, and stays, as `lower` does.
`default_nettype none

module ernscope_trunk_upper #(
  parameter int LANES = 8,
  parameter int BITS = 16,
  parameter int LOWER = 13,
  parameter int DEPTH = 1024,
  parameter int ADDRESS = 11
) (
  input  logic                        clk,
  input  logic                        we,
  input  logic [ADDRESS-1:0]          waddr,
  input  logic [LANES-1:0][BITS-1:0]  wdata,
  input  logic                        re,
  input  logic [ADDRESS-1:0]          raddr,
  input  logic [LANES-1:0][LOWER-1:0] lower,
  output logic [LANES-1:0][BITS-1:0]  rdata
);

  localparam int UPPER = BITS - LOWER;

  if (UPPER == 0) begin : gen_none
    logic unused;
    assign unused = &{1'b0, clk, we, waddr, wdata, re, raddr};
    assign rdata = lower;
  end else begin : gen_upper
    localparam int PART = $clog2(DEPTH);
    logic [LANES*UPPER-1:0] bits_in, bits;
    logic ours;
    ernscope_memory #(.WIDTH(LANES * UPPER), .DEPTH(DEPTH)) u_bits (
      .clk, .we(we && 32'(waddr) < DEPTH), .waddr(PART'(waddr)), .wdata(bits_in), .re, .raddr(PART'(raddr)), .rdata(bits)
    );
    always_ff @(posedge clk) if (re) ours <= 32'(raddr) < DEPTH;
    for (genvar lane = 0; lane < LANES; lane++) begin : gen_lanes
      assign bits_in[lane*UPPER +: UPPER] = wdata[lane][BITS-1:LOWER];
      assign rdata[lane] = {ours ? bits[lane*UPPER +: UPPER] : {UPPER{lower[lane][LOWER-1]}}, lower[lane]};
    end
  end

`ifndef SYNTHESIS
  // ---- What must hold.
  // The compiler's proof: no word is written where its integers do not fit.
  for (genvar lane = 0; lane < LANES; lane++) begin : gen_fits
    always_ff @(posedge clk) begin
      a_fits: assert (!we || 32'(waddr) < DEPTH || $signed(wdata[lane]) == BITS'($signed(wdata[lane][LOWER-1:0])));
    end
  end
`endif

endmodule

`default_nettype wire
