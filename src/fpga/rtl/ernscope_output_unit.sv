// SPDX-License-Identifier: MIT OR Apache-2.0
// From sums to trunk, codes and results. Drains a tile (PARALLEL_OUT channels of PIXELS pixels) in DRAIN cycles.
// A cycle: takes DRAIN_CHANNELS sums of every pixel from the array; two cycles later adds the trunk where the layer says so; then writes
// the trunk, compares with thresholds, adds to the pooling sums; and writes a word of codes a pixel whenever one is full.
// Tiles come in the order in which the sequencer issues them: all pixels of a tile of channels, or all tiles of some pixels.
`default_nettype none

module ernscope_output_unit #(
  parameter int PARALLEL_IN = 32,
  parameter int PARALLEL_OUT = 32,
  parameter int PIXELS = 1,
  parameter int DRAIN_CHANNELS = 8,
  parameter int ACC_BITS = 14,
  parameter int TRUNK_BITS = 16,
  parameter int CODE_DEPTH = 8192,
  parameter int TRUNK_DEPTH = 2048,
  parameter int TRUNK_MIDDLE_DEPTH = TRUNK_DEPTH,
  parameter int TRUNK_WIDE_DEPTH = TRUNK_MIDDLE_DEPTH,
  parameter int TRUNK_MIDDLE_BITS = TRUNK_BITS,
  parameter int TRUNK_NARROW_BITS = TRUNK_MIDDLE_BITS,
  parameter int THRESHOLD_DEPTH = 128,
  parameter int POOL_DEPTH = 16,
  localparam int CODE_ADDRESS = $clog2(CODE_DEPTH),
  localparam int TRUNK_ADDRESS = $clog2(TRUNK_DEPTH),
  localparam int TRUNK_WORD = PIXELS * DRAIN_CHANNELS * TRUNK_BITS,
  localparam int THRESHOLD_ADDRESS = $clog2(THRESHOLD_DEPTH),
  localparam int THRESHOLD_WORD = DRAIN_CHANNELS * (3 * TRUNK_BITS + 1),
  localparam int POOL_ADDRESS = $clog2(POOL_DEPTH)
) (
  input  logic                                                 clk,
  input  logic                                                 rst,

  // The layer; `start` a cycle before anything of it.
  input  logic                                                 start,
  // Each module reads its part of a descriptor.
  /* verilator lint_off UNUSEDSIGNAL */
  input  ernscope_pkg::layer_t                                 layer,
  /* verilator lint_on UNUSEDSIGNAL */

  // A tile's sums stand in the array from the next cycle on; which tile: the last of its pixels' channels, the last pixels of a row,
  // of the last row, the first pixels of all.
  input  logic                                                 loaded,
  input  logic                                                 tile_last,
  input  logic                                                 group_last,
  input  logic                                                 row_last,
  input  logic                                                 pixels_first,
  output logic                                                 shift,
  input  logic [PIXELS-1:0][DRAIN_CHANNELS-1:0][ACC_BITS-1:0] set_sums,
  input  logic [PIXELS-1:0][ACC_BITS-1:0]                      code_sums,
  output logic                                                 tile_done,

  // Words of codes.
  output logic                                                 code_write,
  output logic [CODE_ADDRESS-1:0]                              code_address,
  output logic                                                 code_upper,
  output logic [PIXELS-1:0][2*PARALLEL_IN-1:0]                 code_words,

  // Thresholds of a window, for the half of their memory that is not read.
  input  logic                                                 threshold_we,
  input  logic [THRESHOLD_ADDRESS-1:0]                         threshold_waddr,
  input  logic [THRESHOLD_WORD-1:0]                            threshold_wdata,

  // The trunk, to the host, while nothing runs.
  input  logic                                                 trunk_peek,
  input  logic [TRUNK_ADDRESS-1:0]                             trunk_peek_address,
  output logic [TRUNK_WORD-1:0]                                trunk_word,

  // Pooling sums, while nothing runs.
  input  logic                                                 pool_peek,
  input  logic [POOL_ADDRESS-1:0]                              pool_peek_address,
  output logic [DRAIN_CHANNELS-1:0][31:0]                      pool_word
);

  localparam int DRAIN = PARALLEL_OUT / DRAIN_CHANNELS;
  localparam int PARTS = PARALLEL_IN / DRAIN_CHANNELS;
  localparam int DRAIN_COUNT = (DRAIN == 1) ? 1 : $clog2(DRAIN);
  localparam int PART_COUNT = (PARTS == 1) ? 1 : $clog2(PARTS);

  // What moves along with a part of a tile.
  typedef struct packed {
    logic valid;
    logic tile_end;         // the tile's last part
    logic tile_last;
    logic tile_through;     // other channels come behind the tile
    logic pixels_through;   // other pixels
    logic row_through;
    logic pixels_last;
    logic pixels_first;
  } part_t;

  // ---- Counters of the drain. Where a tile starts is known before it comes.
  part_t next, held, now, summed, fetched, totalled, coded;
  logic draining, tiles_outermost, half;
  logic [DRAIN_COUNT-1:0] part;
  logic [TRUNK_ADDRESS-1:0] trunk_tile, trunk_pixels, trunk_start, trunk_address, trunk_summed, trunk_fetched, trunk_totalled;
  logic [THRESHOLD_ADDRESS-2:0] threshold_tile;
  logic [THRESHOLD_ADDRESS-1:0] threshold_address, threshold_summed;
  logic [POOL_ADDRESS-1:0] pool_tile, pool_address, pool_summed, pool_fetched, pool_totalled, pool_coded;

  assign tiles_outermost = !layer.flags.wait_input;
  assign shift = draining;

  always_comb begin
    next = '0;
    next.tile_last = tile_last;
    next.pixels_last = group_last && row_last;
    next.pixels_first = pixels_first;
    next.tile_through = !tiles_outermost || next.pixels_last;
    next.pixels_through = tiles_outermost || tile_last;
    next.row_through = next.pixels_through && group_last;
    now = held;
    now.valid = draining;
    now.tile_end = part == DRAIN_COUNT'(DRAIN - 1);
  end

  always_ff @(posedge clk) begin
    if (rst) begin
      draining <= 1'b0;
    end else if (loaded) begin
      draining <= 1'b1;
    end else if (now.tile_end) begin
      draining <= 1'b0;
    end
    if (loaded) begin
      part <= '0;
      held <= next;
    end else if (draining) begin
      part <= part + 1'b1;
    end
    trunk_start <= trunk_tile + trunk_pixels;
    if (start) begin
      {trunk_tile, trunk_pixels} <= '0;
      {half, threshold_tile} <= '0;
      pool_tile <= '0;
    end else if (loaded) begin
      if (next.tile_through) begin
        trunk_tile <= tile_last ? '0 : trunk_tile + TRUNK_ADDRESS'(layer.trunk_plane);
        pool_tile <= tile_last ? '0 : pool_tile + POOL_ADDRESS'(DRAIN);
      end
      if (next.pixels_through) trunk_pixels <= next.pixels_last ? '0 : trunk_pixels + TRUNK_ADDRESS'(DRAIN);
      // A window of thresholds is one tile's, or that of all tiles of the layer.
      if (next.tile_through && tiles_outermost) half <= !half;
      else if (next.tile_through) threshold_tile <= tile_last ? '0 : threshold_tile + (THRESHOLD_ADDRESS - 1)'(DRAIN);
    end
    if (loaded) begin
      trunk_address <= trunk_start;
      threshold_address <= {half, threshold_tile};
      pool_address <= pool_tile;
    end else if (draining) begin
      trunk_address <= trunk_address + 1'b1;
      threshold_address <= threshold_address + 1'b1;
      pool_address <= pool_address + 1'b1;
    end
    trunk_summed <= trunk_address;
    trunk_fetched <= trunk_summed;
    trunk_totalled <= trunk_fetched;
    threshold_summed <= threshold_address;
    pool_summed <= pool_address;
    pool_fetched <= pool_summed;
    pool_totalled <= pool_fetched;
    pool_coded <= pool_totalled;
    summed <= rst ? '0 : now;
    fetched <= rst ? '0 : summed;
    totalled <= rst ? '0 : fetched;
    coded <= rst ? '0 : totalled;
  end

  // ---- Sums, then the trunk.
  logic signed [PIXELS-1:0][DRAIN_CHANNELS-1:0][TRUNK_BITS-1:0] sums, sums_behind, totals, trunk, addends;
  logic [DRAIN_CHANNELS-1:0][3*TRUNK_BITS:0] rows, rows_behind;

  assign trunk_word = trunk;

  always_ff @(posedge clk) begin
    sums_behind <= sums;
    addends <= layer.flags.add_trunk ? trunk : '0;
  end

  for (genvar p = 0; p < PIXELS; p++) begin : gen_sums
    for (genvar c = 0; c < DRAIN_CHANNELS; c++) begin : gen_channels
      always_ff @(posedge clk) begin
        sums[p][c] <= TRUNK_BITS'({set_sums[p][c], 1'b0}) - TRUNK_BITS'(code_sums[p]);
        totals[p][c] <= sums_behind[p][c] + addends[p][c];
      end
    end
  end

  always_ff @(posedge clk) rows_behind <= rows;

  ernscope_trunk_memory #(
    .LANES(PIXELS * DRAIN_CHANNELS), .BITS(TRUNK_BITS), .DEPTH(TRUNK_DEPTH), .MIDDLE_DEPTH(TRUNK_MIDDLE_DEPTH),
    .WIDE_DEPTH(TRUNK_WIDE_DEPTH), .MIDDLE_BITS(TRUNK_MIDDLE_BITS), .NARROW_BITS(TRUNK_NARROW_BITS)
  ) u_trunk (
    .clk,
    .we(totalled.valid && layer.flags.write_trunk), .waddr(trunk_totalled), .wdata(totals),
    .re(draining || trunk_peek), .raddr(draining ? trunk_address : trunk_peek_address), .rdata(trunk)
  );

  ernscope_memory #(.WIDTH(THRESHOLD_WORD), .DEPTH(THRESHOLD_DEPTH)) u_thresholds (
    .clk,
    .we(threshold_we), .waddr(threshold_waddr), .wdata(threshold_wdata),
    .re(summed.valid), .raddr(threshold_summed), .rdata(rows)
  );

  // ---- Codes, and words of them: the parts move in from above.
  logic [PIXELS-1:0][DRAIN_CHANNELS-1:0] low, high;
  logic [PIXELS-1:0][PARALLEL_IN-1:0] low_word, high_word;
  logic [PART_COUNT-1:0] word_part;
  logic word_full;

  for (genvar p = 0; p < PIXELS; p++) begin : gen_codes
    for (genvar c = 0; c < DRAIN_CHANNELS; c++) begin : gen_units
      ernscope_threshold_unit #(.BITS(TRUNK_BITS)) u_threshold (
        .value(totals[p][c]),
        .falling(rows_behind[c][3*TRUNK_BITS]),
        .thresholds(rows_behind[c][3*TRUNK_BITS-1:0]),
        .code({high[p][c], low[p][c]})
      );
    end
    if (PARTS == 1) begin : gen_whole
      always_ff @(posedge clk) if (totalled.valid) {high_word[p], low_word[p]} <= {high[p], low[p]};
    end else begin : gen_parts
      always_ff @(posedge clk) begin
        if (totalled.valid) begin
          low_word[p] <= {low[p], low_word[p][PARALLEL_IN-1:DRAIN_CHANNELS]};
          high_word[p] <= {high[p], high_word[p][PARALLEL_IN-1:DRAIN_CHANNELS]};
        end
      end
    end
    assign code_words[p] = {high_word[p], low_word[p]};
  end

  always_ff @(posedge clk) begin
    word_full <= !rst && totalled.valid && word_part == PART_COUNT'(PARTS - 1);
    if (start) begin
      word_part <= '0;
    end else if (totalled.valid) begin
      word_part <= (word_part == PART_COUNT'(PARTS - 1)) ? '0 : word_part + 1'b1;
    end
  end

  // ---- Where the words go.
  logic [15:0] word, tile_word;
  logic [CODE_ADDRESS-1:0] row_address, pixel_address;
  logic upper;

  assign code_write = word_full && layer.flags.write_codes && word < layer.out_words;
  assign code_address = row_address + pixel_address + CODE_ADDRESS'(word);
  assign code_upper = upper;
  assign tile_done = coded.valid && coded.tile_end;

  always_ff @(posedge clk) begin
    if (start || (word_full && coded.tile_end && coded.row_through)) begin
      row_address <= (start || coded.pixels_last) ? CODE_ADDRESS'(layer.out_base) : row_address + CODE_ADDRESS'(layer.out_row);
      pixel_address <= '0;
      upper <= 1'b0;
    end else if (word_full && coded.tile_end && coded.pixels_through) begin
      if (PIXELS == 1 || upper) pixel_address <= pixel_address + CODE_ADDRESS'(layer.out_words);
      upper <= PIXELS != 1 && !upper;
    end
    if (start) begin
      {word, tile_word} <= '0;
    end else if (word_full && coded.tile_end && coded.tile_through) begin
      word <= coded.tile_last ? '0 : word + 1'b1;
      tile_word <= coded.tile_last ? '0 : word + 1'b1;
    end else if (word_full) begin
      word <= coded.tile_end ? tile_word : word + 1'b1;
    end
  end

  // ---- Pooling sums. The same channels come again DRAIN cycles later at the earliest.
  localparam int LANE_SUM = TRUNK_BITS + $clog2(PIXELS + 1);
  logic [DRAIN_CHANNELS-1:0][31:0] pool_sums, pool_next;
  logic signed [DRAIN_CHANNELS-1:0][LANE_SUM-1:0] lane_sums;

  for (genvar c = 0; c < DRAIN_CHANNELS; c++) begin : gen_pool
    logic signed [LANE_SUM-1:0] lane_sum;
    always_comb begin
      lane_sum = '0;
      for (int p = 0; p < PIXELS; p++) lane_sum = lane_sum + LANE_SUM'($signed(totals[p][c]));
    end
    always_ff @(posedge clk) lane_sums[c] <= lane_sum;
    assign pool_next[c] = (coded.pixels_first ? '0 : pool_sums[c]) + 32'($signed(lane_sums[c]));
  end

  ernscope_memory #(.WIDTH(DRAIN_CHANNELS * 32), .DEPTH(POOL_DEPTH)) u_pool (
    .clk,
    .we(coded.valid && layer.flags.pool), .waddr(pool_coded), .wdata(pool_next),
    .re(totalled.valid || pool_peek), .raddr(totalled.valid ? pool_totalled : pool_peek_address), .rdata(pool_sums)
  );

  assign pool_word = pool_sums;

`ifndef SYNTHESIS
  // ---- What must hold.
  for (genvar p = 0; p < PIXELS; p++) begin : gen_no_overflow
    for (genvar c = 0; c < DRAIN_CHANNELS; c++) begin : gen_channels
      logic signed [TRUNK_BITS:0] exact;
      always_ff @(posedge clk) begin
        exact <= (TRUNK_BITS + 1)'($signed(sums_behind[p][c])) + (TRUNK_BITS + 1)'($signed(addends[p][c]));
        a_sum_fits: assert (!totalled.valid || exact == (TRUNK_BITS + 1)'($signed(totals[p][c])));
      end
    end
  end
  always_ff @(posedge clk) begin
    if (!rst) begin
      // A tile comes no earlier than the one before is drained, and a layer when all are.
      a_drained: assert (!loaded || !draining || now.tile_end);
      a_rests: assert (!start || !(draining || summed.valid || fetched.valid || totalled.valid || coded.valid));
      a_threshold_half: assert (!(threshold_we && summed.valid) || threshold_waddr[THRESHOLD_ADDRESS-1] != threshold_summed[THRESHOLD_ADDRESS-1]);
      c_pooled: cover (coded.valid && layer.flags.pool);
      c_masked: cover (word_full && layer.flags.write_codes && word >= layer.out_words);
    end
  end
`endif

endmodule

`default_nettype wire
