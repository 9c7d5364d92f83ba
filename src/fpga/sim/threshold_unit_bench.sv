// SPDX-License-Identifier: MIT OR Apache-2.0
// The threshold unit against counting, exhaustively: every integer of six bits, every three of 16 thresholds (both extremes
// among them) in order, both directions.
`default_nettype none

module threshold_unit_bench;

  localparam int BITS = 6;

  logic signed [BITS-1:0] value;
  logic falling;
  logic [2:0][BITS-1:0] thresholds;
  logic [1:0] code;

  ernscope_threshold_unit #(.BITS(BITS)) u_unit (.value, .falling, .thresholds, .code);

  function automatic int threshold(int i);
    return (i == 15) ? 31 : -32 + 4 * i;
  endfunction

  function automatic int count(int n, int a, int b, int c, bit falls);
    return falls ? int'(n <= a) + int'(n <= b) + int'(n <= c) : int'(n >= a) + int'(n >= b) + int'(n >= c);
  endfunction

  int cases = 0;

  task automatic check(int n, int a, int b, int c, bit falls);
    value = BITS'(n);
    falling = falls;
    thresholds = falls ? ~{BITS'(c), BITS'(b), BITS'(a)} : {BITS'(c), BITS'(b), BITS'(a)};
    #1;
    if (int'(code) != count(n, a, b, c, falls))
      $fatal(1, "%0d with %0d, %0d, %0d, falling %0d: code %0d", n, a, b, c, falls, code);
    cases++;
  endtask

  initial begin
    for (int i = 0; i < 16; i++)
      for (int j = i; j < 16; j++)
        for (int k = j; k < 16; k++)
          for (int n = -32; n < 32; n++) begin
            check(n, threshold(i), threshold(j), threshold(k), 1'b0);
            check(n, threshold(k), threshold(j), threshold(i), 1'b1);
          end
    $display("threshold_unit: %0d cases as counting says", cases);
    $finish;
  end

endmodule

`default_nettype wire
