// A memory with one port to write and one to read. A cycle: writes a word where `we`; where `re`, `rdata` is the word at
// `raddr` from the next cycle on, and stays.
module memory #(
  parameter int WIDTH = 32,
  parameter int DEPTH = 512,
  localparam int ADDRESS = $clog2(DEPTH)
) (
  input  logic               clk,
  input  logic               we,
  input  logic [ADDRESS-1:0] waddr,
  input  logic [WIDTH-1:0]   wdata,
  input  logic               re,
  input  logic [ADDRESS-1:0] raddr,
  output logic [WIDTH-1:0]   rdata
);

  logic [WIDTH-1:0] words [DEPTH];

  always_ff @(posedge clk) begin
    if (we) words[waddr] <= wdata;
    if (re) rdata <= words[raddr];
  end

endmodule
