// SPDX-License-Identifier: MIT OR Apache-2.0
// Counts ones. Without a clock: groups of six bits, three look-up tables of six inputs each, then adders.
`default_nettype none

module ernscope_ones #(
  parameter int BITS = 12,
  localparam int COUNT = $clog2(BITS + 1)
) (
  input  logic [BITS-1:0]  bits,
  output logic [COUNT-1:0] count
);

  localparam int GROUPS = (BITS + 5) / 6;

  logic [GROUPS*6-1:0] padded;
  logic [GROUPS-1:0][2:0] partial;

  assign padded = (GROUPS * 6)'(bits);

  for (genvar g = 0; g < GROUPS; g++) begin : gen_groups
    logic [5:0] six;
    logic odd_low, odd_high, two_low, two_high, carry;
    assign six = padded[g*6 +: 6];
    // Two full adders and what they have in common; each output is a function of the six bits alone.
    assign odd_low = six[0] ^ six[1] ^ six[2];
    assign odd_high = six[3] ^ six[4] ^ six[5];
    assign two_low = (six[0] && six[1]) || (six[2] && (six[0] || six[1]));
    assign two_high = (six[3] && six[4]) || (six[5] && (six[3] || six[4]));
    assign carry = odd_low && odd_high;
    assign partial[g] = {
      (two_low && two_high) || (carry && (two_low || two_high)), two_low ^ two_high ^ carry, odd_low ^ odd_high
    };
  end

  always_comb begin
    count = '0;
    for (int g = 0; g < GROUPS; g++) count = count + COUNT'(partial[g]);
  end

endmodule

`default_nettype wire
