// SPDX-License-Identifier: MIT OR Apache-2.0
// A serial line to bytes: 8 bits, no parity, a stop bit. A cycle: samples the line; a bit is DIVIDER cycles. Gives a byte for a
// cycle in the middle of its stop bit; one whose stop bit is missing is dropped.
`default_nettype none

module ernscope_uart_receiver #(
  parameter int DIVIDER = 20
) (
  input  logic       clk,
  input  logic       rst,
  input  logic       line,
  output logic       out_valid,
  output logic [7:0] out_data
);

  localparam int COUNT = $clog2(DIVIDER);
  localparam int BITS = 8;

  typedef enum logic [1:0] {IDLE, BEGINS, DATA, STOP} state_t;
  state_t state;
  logic [COUNT-1:0] wait_for;
  logic [2:0] bit_number;
  (* keep, ASYNC_REG = "TRUE" *) logic [1:0] synchronised;
  logic level;

  assign level = synchronised[1];

  always_ff @(posedge clk) begin
    synchronised <= {synchronised[0], line};
    out_valid <= 1'b0;
    if (rst) begin
      state <= IDLE;
    end else if (state == IDLE) begin
      wait_for <= COUNT'(DIVIDER / 2 - 1);
      bit_number <= '0;
      if (!level) state <= BEGINS;
    end else if (wait_for != 0) begin
      wait_for <= wait_for - 1'b1;
    end else begin
      wait_for <= COUNT'(DIVIDER - 1);
      unique case (state)
        BEGINS: state <= level ? IDLE : DATA;
        DATA: begin
          out_data <= {level, out_data[7:1]};
          bit_number <= bit_number + 1'b1;
          if (bit_number == 3'(BITS - 1)) state <= STOP;
        end
        default: begin
          out_valid <= level;
          state <= IDLE;
        end
      endcase
    end
  end

endmodule

`default_nettype wire
