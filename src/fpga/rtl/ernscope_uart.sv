// SPDX-License-Identifier: MIT OR Apache-2.0
// The accelerator on a serial line: a bit is CLOCK_KHZ · 1000 / BAUD cycles.
`default_nettype none

module ernscope_uart #(
  parameter int PARALLEL_IN = 32,
  parameter int PARALLEL_OUT = 32,
  parameter int PIXELS = 2,
  parameter int DRAIN_CHANNELS = 8,
  parameter int CODE_DEPTH = 2048,
  parameter int WEIGHT_DEPTH = 1664,
  parameter int WINDOW_DEPTH = 512,
  parameter int THRESHOLD_DEPTH = 128,
  parameter int TRUNK_DEPTH = 1024,
  parameter int TABLE_WORDS = 1,
  parameter int POOL_DEPTH = 16,
  parameter int FRUGAL = 1,
  parameter int CLOCK_KHZ = 60000,
  parameter int BAUD = 3000000
) (
  input  logic clk,
  input  logic rst,
  input  logic rx,
  output logic tx,
  output logic busy
);

  localparam int DIVIDER = CLOCK_KHZ * 1000 / BAUD;

  if (DIVIDER * BAUD != CLOCK_KHZ * 1000 || DIVIDER < 5) begin : gen_wrong_baud
    $error("CLOCK_KHZ * 1000 is a whole multiple of BAUD, five times as much or more");
  end

  logic in_valid, out_valid, out_ready;
  logic [7:0] in_data, out_data;

  ernscope_uart_receiver #(.DIVIDER(DIVIDER)) u_receiver (.clk, .rst, .line(rx), .out_valid(in_valid), .out_data(in_data));

  ernscope_uart_transmitter #(.DIVIDER(DIVIDER)) u_transmitter (
    .clk, .rst, .in_valid(out_valid), .in_ready(out_ready), .in_data(out_data), .line(tx)
  );

  ernscope_stream #(
    .PARALLEL_IN(PARALLEL_IN), .PARALLEL_OUT(PARALLEL_OUT), .PIXELS(PIXELS), .DRAIN_CHANNELS(DRAIN_CHANNELS),
    .CODE_DEPTH(CODE_DEPTH), .WEIGHT_DEPTH(WEIGHT_DEPTH), .WINDOW_DEPTH(WINDOW_DEPTH), .THRESHOLD_DEPTH(THRESHOLD_DEPTH),
    .TRUNK_DEPTH(TRUNK_DEPTH), .TABLE_WORDS(TABLE_WORDS), .POOL_DEPTH(POOL_DEPTH), .FRUGAL(FRUGAL), .CLOCK_KHZ(CLOCK_KHZ)
  ) u_stream (.clk, .rst, .in_valid, .in_data, .out_valid, .out_ready, .out_data, .busy);

endmodule

`default_nettype wire
