// SPDX-License-Identifier: MIT OR Apache-2.0
// The serial line: a byte that is sent, any of them and whenever it is, is the one that is received, once and in time.
`default_nettype none

module uart_proof (
  input logic clk,
  input logic rst,
  input logic in_valid
);

  // As few cycles a bit as a receiver takes, so that a byte is soon through.
  localparam int DIVIDER = 5;
  localparam int IN_TIME = 10 * DIVIDER + 4;

  (* anyconst *) logic [7:0] sent;
  logic in_ready, line, out_valid;
  logic [7:0] out_data;

  ernscope_uart_transmitter #(.DIVIDER(DIVIDER)) u_transmitter (.clk, .rst, .in_valid, .in_ready, .in_data(sent), .line);
  ernscope_uart_receiver #(.DIVIDER(DIVIDER)) u_receiver (.clk, .rst, .line, .out_valid, .out_data);

  logic begun = 1'b0;
  logic under_way;
  logic [6:0] since;
  always_ff @(posedge clk) begin
    begun <= 1'b1;
    assume (rst == !begun);
    if (rst) begin
      {under_way, since} <= '0;
    end else begin
      // The next byte may be under way when this one is received: in the middle of its stop bit.
      if (in_valid && in_ready) {under_way, since} <= {1'b1, 7'd0};
      else if (out_valid) under_way <= 1'b0;
      else since <= since + 1'b1;
      a_byte: assert (!out_valid || (under_way && out_data == sent));
      a_in_time: assert (!under_way || since < 7'(IN_TIME));
    end
  end

endmodule

`default_nettype wire
