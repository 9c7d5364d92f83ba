// SPDX-License-Identifier: MIT OR Apache-2.0
// The array against a model that keeps integers: tiles of random lengths, pauses between steps, drained while the next tile
// runs.
`default_nettype none

module mac_array_bench;

  localparam int PARALLEL_IN = 8;
  localparam int PARALLEL_OUT = 16;
  localparam int PIXELS = 2;
  localparam int DRAIN_CHANNELS = 4;
  localparam int DRAIN = PARALLEL_OUT / DRAIN_CHANNELS;
  localparam int ACC_BITS = 14;
  localparam int TILES = 3000;

  logic clk = 1'b0, rst = 1'b1;
  logic step = 1'b0, first, last, loaded, shift;
  logic [PIXELS-1:0][PARALLEL_IN-1:0] low, high;
  logic [PARALLEL_OUT-1:0][PARALLEL_IN-1:0] weights;
  logic [PIXELS-1:0][DRAIN_CHANNELS-1:0][ACC_BITS-1:0] set_sums;
  logic [PIXELS-1:0][ACC_BITS-1:0] code_sums;

  always #1 clk = !clk;

  ernscope_mac_array #(
    .PARALLEL_IN(PARALLEL_IN), .PARALLEL_OUT(PARALLEL_OUT), .PIXELS(PIXELS), .DRAIN_CHANNELS(DRAIN_CHANNELS),
    .ACC_BITS(ACC_BITS), .FRUGAL(1)
  ) u_array (.clk, .rst, .step, .first, .last, .low, .high, .weights, .loaded, .shift, .set_sums, .code_sums);

  // What the model expects of each tile, in order.
  int expected [$], expected_codes [$];
  int sums [PIXELS][PARALLEL_OUT];
  int codes [PIXELS];

  function automatic int dot(logic [PARALLEL_IN-1:0] l, logic [PARALLEL_IN-1:0] h, logic [PARALLEL_IN-1:0] w);
    return $countones(l & w) + 2 * $countones(h & w);
  endfunction

  task automatic drive(int length);
    for (int i = 0; i < length; i++) begin
      @(negedge clk);
      while ($urandom_range(3) == 0) begin
        step = 1'b0;
        @(negedge clk);
      end
      step = 1'b1;
      first = i == 0;
      last = i == length - 1;
      for (int p = 0; p < PIXELS; p++) begin
        low[p] = PARALLEL_IN'($urandom);
        high[p] = PARALLEL_IN'($urandom);
      end
      for (int o = 0; o < PARALLEL_OUT; o++) weights[o] = PARALLEL_IN'($urandom);
      for (int p = 0; p < PIXELS; p++) begin
        codes[p] = (first ? 0 : codes[p]) + dot(low[p], high[p], '1);
        for (int o = 0; o < PARALLEL_OUT; o++)
          sums[p][o] = (first ? 0 : sums[p][o]) + dot(low[p], high[p], weights[o]);
      end
    end
    for (int p = 0; p < PIXELS; p++) begin
      expected_codes.push_back(codes[p]);
      for (int o = 0; o < PARALLEL_OUT; o++) expected.push_back(sums[p][o]);
    end
  endtask

  // Drains as the output unit does.
  int part = DRAIN;
  int tiles = 0;
  int tile_sums [PIXELS][PARALLEL_OUT];
  int tile_codes [PIXELS];

  assign shift = part < DRAIN;

  always @(posedge clk) begin
    if (shift) begin
      for (int p = 0; p < PIXELS; p++) begin
        if (int'(code_sums[p]) != tile_codes[p]) $fatal(1, "tile %0d, pixel %0d: Σcode %0d, not %0d", tiles, p, code_sums[p], tile_codes[p]);
        for (int c = 0; c < DRAIN_CHANNELS; c++)
          if (int'(set_sums[p][c]) != tile_sums[p][part*DRAIN_CHANNELS+c])
            $fatal(1, "tile %0d, pixel %0d, channel %0d: %0d", tiles, p, part * DRAIN_CHANNELS + c, set_sums[p][c]);
      end
    end
    if (loaded) begin
      if (shift && part != DRAIN - 1) $fatal(1, "a tile ended before the one before was drained");
      for (int p = 0; p < PIXELS; p++) begin
        tile_codes[p] = expected_codes.pop_front();
        for (int o = 0; o < PARALLEL_OUT; o++) tile_sums[p][o] = expected.pop_front();
      end
      tiles <= tiles + 1;
      part <= 0;
    end else if (shift) begin
      part <= part + 1;
    end
  end

  initial begin
    repeat (4) @(negedge clk);
    rst = 1'b0;
    for (int tile = 0; tile < TILES; tile++) drive(($urandom_range(3) == 0) ? DRAIN : DRAIN + $urandom_range(20));
    @(negedge clk);
    step = 1'b0;
    repeat (2 * DRAIN + 8) @(negedge clk);
    if (tiles != TILES || expected.size() != 0) $fatal(1, "%0d of %0d tiles came", tiles, TILES);
    $display("mac_array: %0d tiles as $countones says", TILES);
    $finish;
  end

endmodule

`default_nettype wire
