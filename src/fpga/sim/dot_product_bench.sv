// SPDX-License-Identifier: MIT OR Apache-2.0
// The adders made for look-up tables and the plain model, both against $countones: random words and extremes, a new one in
// most cycles; where none enters, the sum may be anything.
`default_nettype none

module dot_product_bench #(
  parameter int LANES = 32
);

  localparam int SUM = $clog2(3 * LANES + 1);
  localparam int ROUNDS = 100_000;

  logic clk = 1'b0;
  logic enter = 1'b0;
  logic [2:0] entered = '0;
  logic [LANES-1:0] low, high, weights;
  logic [SUM-1:0] frugal, plain, model;
  logic [1:0][SUM-1:0] model_behind;

  always #1 clk = !clk;

  ernscope_dot_product #(.LANES(LANES), .FRUGAL(1)) u_frugal (.clk, .enter, .low, .high, .weights, .sum(frugal));
  ernscope_dot_product #(.LANES(LANES), .FRUGAL(0)) u_plain (.clk, .enter, .low, .high, .weights, .sum(plain));

  function automatic logic [LANES-1:0] pick();
    logic [LANES-1:0] word;
    for (int i = 0; i < LANES; i++) word[i] = 1'($urandom);
    case ($urandom_range(7))
      0: word = '0;
      1: word = '1;
      2: word = LANES'(1) << $urandom_range(LANES - 1);
      default: ;
    endcase
    return word;
  endfunction

  always_ff @(posedge clk) begin
    model <= SUM'($countones(low & weights) + 2 * $countones(high & weights));
    model_behind <= {model_behind[0], model};
    entered <= {entered[1:0], enter};
  end

  initial begin
    for (int round = 0; round < ROUNDS; round++) begin
      @(negedge clk);
      enter = $urandom_range(4) != 0;
      low = pick();
      high = pick();
      weights = pick();
      if (entered[2] && (frugal != model_behind[1] || plain != model_behind[1]))
        $fatal(1, "LANES %0d, round %0d: frugal %0d, plain %0d, model %0d", LANES, round, frugal, plain, model_behind[1]);
    end
    $display("dot_product, %0d lanes: %0d words as $countones says", LANES, ROUNDS);
    $finish;
  end

endmodule

`default_nettype wire
