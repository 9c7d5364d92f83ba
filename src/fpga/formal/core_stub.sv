// SPDX-License-Identifier: MIT OR Apache-2.0
// In the core's place where its bus is proved: whatever a core may do that offers its streams as it should.
`default_nettype none

module ernscope_core #(
  parameter int PARALLEL_IN = 32,
  parameter int PARALLEL_OUT = 32,
  parameter int PIXELS = 2,
  parameter int DRAIN_CHANNELS = 8,
  parameter int ACC_BITS = 14,
  parameter int TRUNK_BITS = 16,
  parameter int CODE_DEPTH = 2048,
  parameter int WEIGHT_DEPTH = 2048,
  parameter int WEIGHT_BEAT = 128,
  parameter int WINDOW_DEPTH = 512,
  parameter int THRESHOLD_DEPTH = 128,
  parameter int TRUNK_DEPTH = 1024,
  parameter int TRUNK_MIDDLE_DEPTH = TRUNK_DEPTH,
  parameter int TRUNK_WIDE_DEPTH = TRUNK_MIDDLE_DEPTH,
  parameter int TRUNK_MIDDLE_BITS = TRUNK_BITS,
  parameter int TRUNK_NARROW_BITS = TRUNK_MIDDLE_BITS,
  parameter int TABLE_WORDS = 1,
  parameter int LAYERS = 64,
  parameter int POOL_DEPTH = 16,
  parameter int FRUGAL = 1,
  localparam int FRAME_BITS = (PARALLEL_IN > 12) ? 2 * PARALLEL_IN : 24
) (
  input  logic                  clk,
  input  logic                  rst,

  input  logic                  program_valid,
  output logic                  program_ready,
  input  logic [31:0]           program_data,

  input  logic                  frame_valid,
  output logic                  frame_ready,
  input  logic [FRAME_BITS-1:0] frame_data,

  // The weight stream from outside: a frame's words in beats, lowest first.
  input  logic                   weight_valid,
  output logic                   weight_ready,
  input  logic [WEIGHT_BEAT-1:0] weight_data,
  input  logic                   weight_last,
  // A layer waits for it.
  output logic                   weight_starved,

  // `result_fault`: what was wrong with the weights that they were made with.
  output logic                  result_valid,
  input  logic                  result_ready,
  output logic [31:0]           result_data,
  output logic                  result_last,
  output ernscope_pkg::stream_fault_t result_fault,

  output logic                  read_valid,
  input  logic                  read_ready,
  output logic [31:0]           read_data,

  // A frame runs.
  output logic                  running
);

  (* anyseq *) logic takes_program, takes_frame, takes_weights, starves, runs, gives_read, gives_result, lasts;
  (* anyseq *) logic [31:0] reads, results;
  (* anyseq *) ernscope_pkg::stream_fault_t faults;

  assign {program_ready, frame_ready, weight_ready, weight_starved, running} = {takes_program, takes_frame, takes_weights, starves, runs};
  assign {read_valid, read_data} = {gives_read, reads};
  assign {result_valid, result_data, result_last, result_fault} = {gives_result, results, lasts, faults};

  logic read_stands = 1'b0, result_stands = 1'b0;
  logic [31:0] read_stood, result_stood;
  always_ff @(posedge clk) begin
    read_stands <= !rst && read_valid && !read_ready;
    result_stands <= !rst && result_valid && !result_ready;
    {read_stood, result_stood} <= {read_data, result_data};
  end
  always_comb begin
    if (read_stands) assume (read_valid && read_data == read_stood);
    if (result_stands) assume (result_valid && result_data == result_stood);
  end

endmodule

`default_nettype wire
