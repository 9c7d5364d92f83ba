// Counts ones. Without a clock: groups of six bits, three look-up tables of six inputs each, then adders.
module ones #(
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
    assign six = padded[g*6 +: 6];
    assign partial[g] = 3'(six[0]) + 3'(six[1]) + 3'(six[2]) + 3'(six[3]) + 3'(six[4]) + 3'(six[5]);
  end

  always_comb begin
    count = '0;
    for (int g = 0; g < GROUPS; g++) count = count + COUNT'(partial[g]);
  end

endmodule
