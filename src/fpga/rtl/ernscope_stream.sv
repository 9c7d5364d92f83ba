// SPDX-License-Identifier: MIT OR Apache-2.0
// The accelerator behind a stream of bytes: packets in, packets out, whatever line carries them. A cycle: takes a byte, always;
// gives one where the line takes it. A packet that opens a session resets the core.
`default_nettype none

module ernscope_stream #(
  parameter int PARALLEL_IN = 32,
  parameter int PARALLEL_OUT = 32,
  parameter int PIXELS = 2,
  parameter int DRAIN_CHANNELS = 8,
  parameter int ACC_BITS = 14,
  parameter int TRUNK_BITS = 16,
  parameter int CODE_DEPTH = 2048,
  parameter int WEIGHT_DEPTH = 2048,
  parameter int WINDOW_DEPTH = 512,
  parameter int THRESHOLD_DEPTH = 128,
  parameter int TRUNK_DEPTH = 1024,
  parameter int TABLE_WORDS = 1,
  parameter int LAYERS = 64,
  parameter int POOL_DEPTH = 16,
  parameter int FRUGAL = 1,
  // Packets that wait, and the bytes of the largest body.
  parameter int SLOTS = 4,
  parameter int BODY = 1024,
  // What the host is told of the clock.
  parameter int CLOCK_KHZ = 60000
) (
  input  logic       clk,
  input  logic       rst,

  input  logic       in_valid,
  input  logic [7:0] in_data,

  output logic       out_valid,
  input  logic       out_ready,
  output logic [7:0] out_data,

  // Something is under way, or waits to be told.
  output logic       busy
);

  if (WEIGHT_DEPTH == 0) begin : gen_no_weights
    $error("no packets carry weights to a running accelerator: WEIGHT_DEPTH must not be 0");
  end

  localparam int FRAME_BITS = (PARALLEL_IN > 12) ? 2 * PARALLEL_IN : 24;
  localparam int BODY_ADDRESS = $clog2(BODY);

  // ---- Packets in.
  // A session starts with everything else as it was at power-up, but for what the memories hold.
  logic opened, anew, notice;
  ernscope_pkg::reason_t notice_reason;
  logic [7:0] session, expected;
  logic packet_valid, packet_done, body_read;
  ernscope_pkg::kind_t packet_kind;
  logic [7:0] packet_sequence, body_data;
  logic [BODY_ADDRESS:0] packet_length;
  logic [BODY_ADDRESS-1:0] body_address;

  ernscope_packet_receiver #(.SLOTS(SLOTS), .BODY(BODY)) u_receiver (
    .clk, .rst, .in_valid, .in_data, .opened, .anew, .session, .expected, .notice, .notice_reason,
    .packet_valid, .packet_sequence, .packet_kind, .packet_length, .packet_done, .body_read, .body_address, .body_data
  );

  // ---- To the core, and back.
  logic program_valid, program_ready, frame_valid, frame_ready, read_valid, read_ready;
  logic result_valid, result_ready, result_last, running, answering, requests_busy, weight_ready, weight_starved;
  ernscope_pkg::stream_fault_t result_fault;
  logic [31:0] program_data, read_data, result_data, checksum;
  logic [FRAME_BITS-1:0] frame_data;
  logic [7:0] program_sequence, used_up;

  ernscope_request_port #(.FRAME_BITS(FRAME_BITS), .CODE_BYTES(2 * PARALLEL_IN / 8), .BODY_ADDRESS(BODY_ADDRESS)) u_requests (
    .clk, .rst(anew), .first(expected),
    .packet_valid, .packet_sequence, .packet_kind, .packet_length, .packet_done, .body_read, .body_address, .body_data,
    .program_valid, .program_ready, .program_data, .program_free(program_ready && !answering),
    .program_sequence, .checksum, .used_up, .busy(requests_busy), .frame_valid, .frame_ready, .frame_data
  );

  ernscope_core #(
    .PARALLEL_IN(PARALLEL_IN), .PARALLEL_OUT(PARALLEL_OUT), .PIXELS(PIXELS), .DRAIN_CHANNELS(DRAIN_CHANNELS),
    .ACC_BITS(ACC_BITS), .TRUNK_BITS(TRUNK_BITS), .CODE_DEPTH(CODE_DEPTH), .WEIGHT_DEPTH(WEIGHT_DEPTH),
    .WINDOW_DEPTH(WINDOW_DEPTH), .THRESHOLD_DEPTH(THRESHOLD_DEPTH), .TRUNK_DEPTH(TRUNK_DEPTH), .TABLE_WORDS(TABLE_WORDS), .LAYERS(LAYERS),
    .POOL_DEPTH(POOL_DEPTH), .FRUGAL(FRUGAL)
  ) u_core (
    .clk, .rst(anew), .program_valid, .program_ready, .program_data, .frame_valid, .frame_ready, .frame_data,
    .weight_valid(1'b0), .weight_ready, .weight_data('0), .weight_last(1'b0), .weight_starved,
    .result_valid, .result_ready, .result_data, .result_last, .result_fault, .read_valid, .read_ready, .read_data, .running
  );

  // Weights that lie inside come at once and as they were written.
  logic unused_stream;
  assign unused_stream = &{1'b0, weight_ready, weight_starved, result_fault};

  // ---- Cycles from a frame's first beat on.
  logic seen;
  logic [31:0] cycles;

  always_ff @(posedge clk) begin
    if (anew || !running) {seen, cycles} <= '0;
    else if (seen || (frame_valid && frame_ready)) {seen, cycles} <= {1'b1, cycles + 1'b1};
  end

  // ---- Packets out.
  logic under_way;
  assign under_way = requests_busy || running || !program_ready;

  ernscope_packet_transmitter #(.SLOTS(SLOTS), .BODY(BODY), .CLOCK_KHZ(CLOCK_KHZ)) u_transmitter (
    .clk, .rst(anew), .opened, .used(packet_done), .notice, .notice_reason, .session, .expected, .used_up,
    .busy(under_way), .checksum, .read_valid, .read_ready, .read_data, .read_over(program_ready), .result_valid, .result_ready, .result_data, .result_last, .answered(program_sequence), .cycles,
    .answering, .out_valid, .out_ready, .out_data
  );

  assign busy = under_way || out_valid || opened || notice;

endmodule

`default_nettype wire
