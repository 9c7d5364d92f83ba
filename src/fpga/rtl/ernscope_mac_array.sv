// SPDX-License-Identifier: MIT OR Apache-2.0
// PIXELS × PARALLEL_OUT × PARALLEL_IN multiply-accumulates of 2-bit codes and 1-bit weights, output-stationary.
// A cycle: takes a step, that is a word of codes for every pixel and a weight bit for every pair of lanes; the pixels share the
// weights. Three cycles behind a tile's last step `loaded` tells that from the next cycle on its sums are to be drained:
// DRAIN_CHANNELS of every pixel show at the output, and `shift` moves to the next ones. Accumulation goes on meanwhile.
//
// The accumulators hold Σ code over set weight bits; Σ over ±1 weights is twice that, less Σ code, which does not depend on the
// output channel: a pixel has one accumulator for it, `code_sums`.
`default_nettype none

module ernscope_mac_array #(
  parameter int PARALLEL_IN = 32,
  parameter int PARALLEL_OUT = 32,
  parameter int PIXELS = 1,
  parameter int DRAIN_CHANNELS = 8,
  parameter int ACC_BITS = 14,
  parameter int FRUGAL = 1
) (
  input  logic                                           clk,
  input  logic                                           rst,
  input  logic                                           step,
  input  logic                                           first,
  input  logic                                           last,
  input  logic [PIXELS-1:0][PARALLEL_IN-1:0]             low,
  input  logic [PIXELS-1:0][PARALLEL_IN-1:0]             high,
  input  logic [PARALLEL_OUT-1:0][PARALLEL_IN-1:0]       weights,
  output logic                                           loaded,
  input  logic                                           shift,
  output logic [PIXELS-1:0][DRAIN_CHANNELS-1:0][ACC_BITS-1:0] set_sums,
  output logic [PIXELS-1:0][ACC_BITS-1:0]                code_sums
);

  logic [2:0] step_behind, first_behind;
  logic [1:0] last_behind;

  always_ff @(posedge clk) begin
    first_behind <= {first_behind[1:0], first};
    last_behind <= {last_behind[0], last};
    step_behind <= rst ? '0 : {step_behind[1:0], step};
  end

  logic accumulate, restart;
  assign accumulate = step_behind[2];
  assign restart = first_behind[2];
  always_ff @(posedge clk) loaded <= !rst && step_behind[1] && last_behind[1];

  for (genvar p = 0; p < PIXELS; p++) begin : gen_pixels
    // One more channel, whose weights are all set, sums the codes.
    logic [(PARALLEL_OUT+1)*ACC_BITS-1:0] next;
    logic [PARALLEL_OUT*ACC_BITS-1:0] drained;
    logic [ACC_BITS-1:0] drained_codes;

    for (genvar o = 0; o <= PARALLEL_OUT; o++) begin : gen_channels
      logic [PARALLEL_IN-1:0] filter;
      if (o < PARALLEL_OUT) begin : gen_filter
        assign filter = weights[o];
      end else begin : gen_all
        assign filter = '1;
      end
      ernscope_accumulator #(.LANES(PARALLEL_IN), .BITS(ACC_BITS), .FRUGAL(FRUGAL)) u_channel (
        .clk, .enter(step), .low(low[p]), .high(high[p]), .weights(filter), .accumulate, .restart,
        .next(next[o*ACC_BITS +: ACC_BITS])
      );
    end

    always_ff @(posedge clk) begin
      if (loaded) begin
        drained <= next[PARALLEL_OUT*ACC_BITS-1:0];
        drained_codes <= next[PARALLEL_OUT*ACC_BITS +: ACC_BITS];
      end else if (shift) begin
        drained <= drained >> (DRAIN_CHANNELS * ACC_BITS);
      end
    end

    assign set_sums[p] = drained[DRAIN_CHANNELS*ACC_BITS-1:0];
    assign code_sums[p] = drained_codes;
  end

endmodule

`default_nettype wire
