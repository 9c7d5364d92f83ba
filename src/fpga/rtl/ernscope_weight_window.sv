// SPDX-License-Identifier: MIT OR Apache-2.0
// The words of the weight stream that are under way, in a ring: each is kept from when it comes until what reads it says that it is
// needed no more.
// A cycle: takes a word while there is room; reads one.
`default_nettype none

module ernscope_weight_window #(
  parameter int WIDTH = 1024,
  parameter int DEPTH = 512,
  localparam int ADDRESS = $clog2(DEPTH)
) (
  input  logic               clk,
  // With a frame everything begins anew.
  input  logic               rst,

  input  logic               word_valid,
  output logic               word_ready,
  input  logic [WIDTH-1:0]   word,

  // How many words have come, and how many are needed no more: modulo twice the depth.
  output logic [ADDRESS:0]   written,
  input  logic [ADDRESS:0]   freed,

  input  logic               read,
  input  logic [ADDRESS-1:0] read_address,
  output logic [WIDTH-1:0]   read_word
);

  // A word may still be read for some cycles after the sequencer lets go of it: at most this many.
  localparam int READ_BEHIND = 4;
  // One that is taken while `word_ready`, which is a register, falls.
  localparam int MARGIN = 2;

  logic [READ_BEHIND-1:0][ADDRESS:0] freed_behind;
  logic take;

  assign take = word_valid && word_ready;

  always_ff @(posedge clk) begin
    freed_behind <= rst ? '0 : {freed_behind[READ_BEHIND-2:0], freed};
    written <= rst ? '0 : written + (ADDRESS + 1)'(take);
    word_ready <= !rst && (ADDRESS + 1)'(written - freed_behind[READ_BEHIND-1]) < (ADDRESS + 1)'(DEPTH - MARGIN);
  end

  ernscope_memory #(.WIDTH(WIDTH), .DEPTH(DEPTH)) u_words (
    .clk, .we(take), .waddr(written[ADDRESS-1:0]), .wdata(word), .re(read), .raddr(read_address), .rdata(read_word)
  );

`ifndef SYNTHESIS
  // ---- What must hold.
  logic [ADDRESS:0] under_way, needed;
  assign under_way = written - freed_behind[READ_BEHIND-1];
  assign needed = written - freed;
  always_ff @(posedge clk) begin
    if (!rst) begin
      a_room: assert (under_way <= (ADDRESS + 1)'(DEPTH));
      a_kept: assert (!take || under_way < (ADDRESS + 1)'(DEPTH));
      a_freed: assert (needed <= under_way);
      c_full: cover (!word_ready && word_valid);
      c_empty: cover (needed == 0);
    end
  end
`endif

endmodule

`default_nettype wire
