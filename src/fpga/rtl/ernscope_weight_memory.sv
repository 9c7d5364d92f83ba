// SPDX-License-Identifier: MIT OR Apache-2.0
// A resident weight stream: the beats `first` to `last` of a memory, again and again, from the host's program; words are made of
// them, lowest first. A word takes as many cycles as it has beats: the window needs no more than one every few cycles, and a
// memory of words would be many wires wide.
// A cycle: a beat moves on, where the window takes the word before or there is none.
`default_nettype none

module ernscope_weight_memory #(
  parameter int WIDTH = 1024,
  parameter int BEAT = 128,
  // In beats.
  parameter int DEPTH = 16384,
  localparam int ADDRESS = $clog2(DEPTH)
) (
  input  logic               clk,
  // Words flow while `run`; where it falls, the next ones begin at the first.
  input  logic               run,
  input  logic [ADDRESS-1:0] first,
  input  logic [ADDRESS-1:0] last,

  input  logic               we,
  input  logic [ADDRESS-1:0] waddr,
  input  logic [BEAT-1:0]    wdata,

  output logic               word_valid,
  input  logic               word_ready,
  output logic [WIDTH-1:0]   word
);

  localparam int BEATS = WIDTH / BEAT;
  localparam int COUNT = (BEATS == 1) ? 1 : $clog2(BEATS);

  if (WIDTH % BEAT != 0) begin : gen_wrong
    $error("a word of weights is a whole number of the weight stream's beats");
  end

  logic moves, is_read;
  logic [ADDRESS-1:0] raddr;
  logic [COUNT-1:0] at;
  logic [BEAT-1:0] read, beat;

  assign moves = run && (!word_valid || word_ready);

  always_ff @(posedge clk) begin
    if (!run) begin
      word_valid <= 1'b0;
      raddr <= first;
      is_read <= 1'b0;
      at <= '0;
    end else if (moves) begin
      raddr <= (raddr == last) ? first : raddr + 1'b1;
      is_read <= 1'b1;
      word_valid <= is_read && at == COUNT'(BEATS - 1);
      if (is_read) at <= (at == COUNT'(BEATS - 1)) ? '0 : at + 1'b1;
    end
    // A register on the way from a memory that lies all over the chip.
    if (moves) beat <= read;
  end

  ernscope_memory #(.WIDTH(BEAT), .DEPTH(DEPTH)) u_beats (.clk, .we, .waddr, .wdata, .re(moves), .raddr, .rdata(read));

  if (BEATS == 1) begin : gen_whole
    assign word = beat;
  end else begin : gen_parts
    logic [WIDTH-BEAT-1:0] lower;
    always_ff @(posedge clk) if (moves) lower <= (WIDTH - BEAT)'({beat, lower} >> BEAT);
    assign word = {beat, lower};
  end

endmodule

`default_nettype wire
