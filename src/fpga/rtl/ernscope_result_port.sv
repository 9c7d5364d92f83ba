// SPDX-License-Identifier: MIT OR Apache-2.0
// The classifier's pooling sums, one a class, as a stream. A cycle: gives one result where the stream takes it; every
// DRAIN_CHANNELS results it takes two cycles to fetch the next ones.
`default_nettype none

module ernscope_result_port #(
  parameter int DRAIN_CHANNELS = 8,
  parameter int POOL_DEPTH = 16,
  localparam int POOL_ADDRESS = $clog2(POOL_DEPTH)
) (
  input  logic                            clk,
  input  logic                            rst,
  input  logic                            start,
  input  logic [15:0]                     classes_last,

  output logic                            peek,
  output logic [POOL_ADDRESS-1:0]         peek_address,
  input  logic [DRAIN_CHANNELS-1:0][31:0] peek_word,

  output logic                            result_valid,
  input  logic                            result_ready,
  output logic [31:0]                     result,
  output logic                            result_last
);

  localparam int LANE = (DRAIN_CHANNELS == 1) ? 1 : $clog2(DRAIN_CHANNELS);

  typedef enum logic [1:0] {IDLE, ASK, TAKE, GIVE} state_t;
  state_t state;
  logic [15:0] given;
  logic [LANE-1:0] lane;
  logic [DRAIN_CHANNELS-1:0][31:0] held;

  assign peek = state == ASK;
  assign result_valid = state == GIVE;
  assign result = held[0];
  assign result_last = given == classes_last;

  always_ff @(posedge clk) begin
    if (rst) begin
      state <= IDLE;
    end else begin
      unique case (state)
        IDLE: if (start) state <= ASK;
        ASK: state <= TAKE;
        TAKE: state <= GIVE;
        GIVE:
          if (result_ready && result_last) state <= IDLE;
          else if (result_ready && lane == LANE'(DRAIN_CHANNELS - 1)) state <= ASK;
        default: state <= IDLE;
      endcase
    end
    if (state == IDLE) begin
      given <= '0;
      peek_address <= '0;
    end else if (state == TAKE) begin
      held <= peek_word;
      lane <= '0;
      peek_address <= peek_address + 1'b1;
    end else if (state == GIVE && result_ready) begin
      given <= given + 1'b1;
      lane <= lane + 1'b1;
      held <= held >> 32;
    end
  end

`ifndef SYNTHESIS
  // ---- What must hold.
  logic stands;
  logic [31:0] stood;
  always_ff @(posedge clk) begin
    stands <= !rst && result_valid && !result_ready;
    stood <= result;
    a_stands: assert (!stands || (result_valid && result == stood));
  end
`endif

endmodule

`default_nettype wire
