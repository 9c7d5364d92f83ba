// SPDX-License-Identifier: MIT OR Apache-2.0
// A memory with one port to write and one to read. A cycle: writes a word where `we`; where `re`, `rdata` is the word at
// `raddr` from the next cycle on, and stays.
//
// It is made of parts, one for every power of two in its depth: block RAMs come in powers of two, and most of a large one would
// lie idle behind a depth just beyond one. Small parts are look-up tables.
`default_nettype none

module ernscope_memory #(
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

  localparam int SIZES = $clog2(DEPTH + 1);

  logic [SIZES-1:0][WIDTH-1:0] reads;

  for (genvar size = 0; size < SIZES; size++) begin : gen_parts
    if (DEPTH[size]) begin : gen_part
      localparam int PART = (size == 0) ? 1 : size;
      // Behind all larger parts.
      localparam int FIRST = (DEPTH >> (size + 1)) << (size + 1);

      logic [WIDTH-1:0] word;
      logic writes, ours;

      assign writes = we && (32'(waddr) >> size) == (FIRST >> size);
      always_ff @(posedge clk) if (re) ours <= (32'(raddr) >> size) == (FIRST >> size);

      if (size <= 6) begin : gen_small
        (* ram_style = "distributed" *)
        logic [WIDTH-1:0] words [1 << PART];
        always_ff @(posedge clk) begin
          if (writes) words[PART'(waddr)] <= wdata;
          if (re) word <= words[PART'(raddr)];
        end
      end else begin : gen_large
        logic [WIDTH-1:0] words [1 << PART];
        always_ff @(posedge clk) begin
          if (writes) words[PART'(waddr)] <= wdata;
          if (re) word <= words[PART'(raddr)];
        end
      end

      assign reads[size] = ours ? word : '0;
    end else begin : gen_none
      assign reads[size] = '0;
    end
  end

  if (DEPTH == 1 << (SIZES - 1)) begin : gen_whole
    assign rdata = gen_parts[SIZES-1].gen_part.word;
    logic unused;
    assign unused = &{1'b0, reads};
  end else begin : gen_sum
    always_comb begin
      rdata = '0;
      for (int size = 0; size < SIZES; size++) rdata = rdata | reads[size];
    end
  end

endmodule

`default_nettype wire
