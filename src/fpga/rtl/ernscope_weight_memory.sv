// SPDX-License-Identifier: MIT OR Apache-2.0
// A resident weight stream: the words `first` to `first + count - 1` of a memory, again and again, from the host's program.
// A cycle: gives a word where the window takes it.
`default_nettype none

module ernscope_weight_memory #(
  parameter int WIDTH = 1024,
  parameter int DEPTH = 2048,
  localparam int ADDRESS = $clog2(DEPTH)
) (
  input  logic               clk,
  // Words flow while `run`; where it falls, the next ones begin at the first.
  input  logic               run,
  input  logic [ADDRESS-1:0] first,
  input  logic [ADDRESS-1:0] last,

  input  logic               we,
  input  logic [ADDRESS-1:0] waddr,
  input  logic [WIDTH-1:0]   wdata,

  output logic               word_valid,
  input  logic               word_ready,
  output logic [WIDTH-1:0]   word
);

  logic reads;
  logic [ADDRESS-1:0] raddr;

  assign reads = run && (!word_valid || word_ready);

  always_ff @(posedge clk) begin
    if (!run) begin
      word_valid <= 1'b0;
      raddr <= first;
    end else if (reads) begin
      word_valid <= 1'b1;
      raddr <= (raddr == last) ? first : raddr + 1'b1;
    end
  end

  ernscope_memory #(.WIDTH(WIDTH), .DEPTH(DEPTH)) u_words (.clk, .we, .waddr, .wdata, .re(reads), .raddr, .rdata(word));

endmodule

`default_nettype wire
