// SPDX-License-Identifier: MIT OR Apache-2.0
// A byte further in CRC-32 (reflected, of IEEE 802.3). Combinational; starts from all ones, and is told inverted.
`default_nettype none

module ernscope_crc32 (
  input  logic [31:0] crc,
  input  logic [7:0]  data,
  output logic [31:0] next
);

  localparam logic [31:0] POLYNOMIAL = 32'hedb8_8320;

  always_comb begin
    next = crc ^ 32'(data);
    for (int i = 0; i < 8; i++) next = {1'b0, next[31:1]} ^ (next[0] ? POLYNOMIAL : 32'd0);
  end

endmodule

`default_nettype wire
