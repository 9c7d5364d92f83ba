// SPDX-License-Identifier: MIT OR Apache-2.0
// Bytes to a serial line: 8 bits, no parity, a stop bit. A cycle: drives the line; a bit is DIVIDER cycles. Takes a byte where
// none is under way.
`default_nettype none

module ernscope_uart_transmitter #(
  parameter int DIVIDER = 20
) (
  input  logic       clk,
  input  logic       rst,
  input  logic       in_valid,
  output logic       in_ready,
  input  logic [7:0] in_data,
  output logic       line
);

  localparam int COUNT = $clog2(DIVIDER);
  // Start, 8 bits, stop.
  localparam int BITS = 10;

  logic [BITS-1:0] shifted;
  logic [3:0] left;
  logic [COUNT-1:0] wait_for;

  assign in_ready = left == 0;
  assign line = shifted[0];

  always_ff @(posedge clk) begin
    if (rst) begin
      shifted <= '1;
      left <= '0;
    end else if (in_ready) begin
      wait_for <= COUNT'(DIVIDER - 1);
      if (in_valid) begin
        shifted <= {1'b1, in_data, 1'b0};
        left <= 4'(BITS);
      end
    end else if (wait_for != 0) begin
      wait_for <= wait_for - 1'b1;
    end else begin
      wait_for <= COUNT'(DIVIDER - 1);
      shifted <= {1'b1, shifted[BITS-1:1]};
      left <= left - 1'b1;
    end
  end

endmodule

`default_nettype wire
