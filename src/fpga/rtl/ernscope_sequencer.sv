// SPDX-License-Identifier: MIT OR Apache-2.0
// Walks the layer descriptors of a program, and in each layer every step: for every tile of PARALLEL_OUT channels, row and group
// of PIXELS, every kernel tap and word of input channels. A layer that waits for the frame takes its tiles innermost instead, as
// rows come one by one.
// Words of the weight stream are read window by window: the rows of thresholds and the weights of a tile, or of all tiles of a
// layer that waits. A window's steps start when all of it is there (until then: weight stalls); its place is free behind the last.
// A cycle: issues one step (addresses of a word of weights and of the codes of PIXELS pixels) unless the rows that it reads are
// still to come from the frame loader (an input stall), or the step ends a tile while the tile before is still drained (a drain
// stall). A layer starts when all that the one before it makes is written.
`default_nettype none

module ernscope_sequencer #(
  parameter int PIXELS = 1,
  parameter int DRAIN = 4,
  parameter int CODE_DEPTH = 8192,
  parameter int WINDOW_DEPTH = 512,
  parameter int THRESHOLD_DEPTH = 128,
  // Rows of thresholds in a word of the stream.
  parameter int THRESHOLD_ROWS = 2,
  parameter int LAYERS = 64,
  localparam int BANKS = (PIXELS == 1) ? 1 : 2 * PIXELS,
  localparam int BANK = (BANKS == 1) ? 1 : $clog2(BANKS),
  localparam int BANK_SHIFT = $clog2(BANKS),
  localparam int CODE_ADDRESS = $clog2(CODE_DEPTH),
  localparam int WINDOW_ADDRESS = $clog2(WINDOW_DEPTH),
  localparam int THRESHOLD_ADDRESS = $clog2(THRESHOLD_DEPTH),
  localparam int LAYER_ADDRESS = $clog2(LAYERS),
  localparam int LAYER_WORD = 32 * ernscope_pkg::DESCRIPTOR_BEATS,
  localparam int COUNTER_WORD = 32 * ernscope_pkg::COUNTER_BEATS
) (
  input  logic                      clk,
  input  logic                      rst,

  // `run`: a frame from the first descriptor to `last_layer`. `finished` for a cycle when it is through; `has_results` where
  // its last layer pools.
  input  logic                      run,
  input  logic [LAYER_ADDRESS-1:0]  last_layer,
  output logic                      finished,
  output logic                      has_results,

  // Descriptors, from the host.
  input  logic                      layer_we,
  input  logic [LAYER_ADDRESS-1:0]  layer_waddr,
  input  logic [LAYER_WORD-1:0]     layer_wdata,

  // Counters a layer (cycles, steps, input stalls, drain stalls, weight stalls), to the host.
  input  logic                      counters_peek,
  input  logic [LAYER_ADDRESS-1:0]  counters_peek_address,
  output logic [COUNTER_WORD-1:0]   counters,

  // The layer that runs; `start` for a cycle before its first step. `load_frame` for a cycle where it is the frame's.
  output ernscope_pkg::layer_t      layer,
  output logic                      start,
  output logic                      load_frame,
  input  logic [15:0]               loaded_rows,
  input  logic                      loading,
  // Rows of the frame above this one are not read any more.
  output logic [15:0]               released_rows,

  // Words of the weight stream: how many have come, and how many are needed no more, both modulo twice the window's depth.
  input  logic [WINDOW_ADDRESS:0]   words_written,
  output logic [WINDOW_ADDRESS:0]   words_freed,
  output logic                      waits_for_words,
  // The word that a step, or a row of thresholds, takes.
  output logic [WINDOW_ADDRESS-1:0] word_address,

  // A row of thresholds, for one half of their memory.
  output logic                      threshold_step,
  output logic [THRESHOLD_ADDRESS-1:0] threshold_row,

  // A step.
  output logic                      step,
  output logic                      step_first,
  output logic                      step_last,
  output logic                      step_tile_last,
  output logic                      step_group_last,
  output logic                      step_row_last,
  output logic                      step_pixels_first,
  output logic [CODE_ADDRESS-1:0]   code_address,
  output logic [CODE_ADDRESS-1:0]   code_next,
  output logic [BANK-1:0]           code_bank,
  output logic                      code_stride_2,
  output logic [PIXELS-1:0]         code_inside,
  input  logic                      tile_done
);

  localparam int COOL = $clog2(DRAIN + 1);
  localparam int HALF = THRESHOLD_DEPTH / 2;

  if ((1 << WINDOW_ADDRESS) != WINDOW_DEPTH || WINDOW_DEPTH < 8) begin : gen_wrong_window
    $error("WINDOW_DEPTH is a power of 2, 8 or more");
  end
  if ((1 << THRESHOLD_ADDRESS) != THRESHOLD_DEPTH || HALF < DRAIN) begin : gen_wrong_thresholds
    $error("THRESHOLD_DEPTH is a power of 2, and half of it holds the PARALLEL_OUT / DRAIN_CHANNELS rows of a tile");
  end

  typedef enum logic [3:0] {IDLE, FETCH, DECODE, START, WINDOW, THRESHOLDS, STEPS, FLUSH, RECORD} state_t;
  state_t state;

  logic [LAYER_ADDRESS-1:0] index, final_index;
  logic [LAYER_WORD-1:0] fetched;

  ernscope_memory #(.WIDTH(LAYER_WORD), .DEPTH(LAYERS)) u_layers (
    .clk, .we(layer_we), .waddr(layer_waddr), .wdata(layer_wdata),
    .re(state == FETCH), .raddr(index), .rdata(fetched)
  );

  // ---- What follows from the descriptor alone.
  logic [15:0] words_last, thresholds_last, words_needed;
  logic [CODE_ADDRESS-1:0] in_row, in_words, row_stride, left_of_row;
  logic [1:0] kernel_last;
  logic signed [16:0] padding;
  logic [16:0] ring_mask;

  assign in_row = CODE_ADDRESS'(layer.in_row);
  assign in_words = CODE_ADDRESS'(layer.in_words);
  assign row_stride = layer.flags.stride_2 ? {in_row[CODE_ADDRESS-2:0], 1'b0} : in_row;
  assign left_of_row = layer.flags.kernel_3 ? -in_words : '0;
  assign kernel_last = layer.flags.kernel_3 ? 2'd2 : 2'd0;
  assign padding = layer.flags.kernel_3 ? 17'sd1 : 17'sd0;

  // What a window holds: rows of thresholds, DRAIN a tile, THRESHOLD_ROWS a word; then words of weights.
  logic tiles_outermost;
  logic [15:0] thresholds_rows;
  assign tiles_outermost = !layer.flags.wait_input;
  assign thresholds_rows = tiles_outermost ? 16'(DRAIN) : 16'((layer.tiles_last + 16'd1) * 16'(DRAIN));

  always_ff @(posedge clk) begin
    if (state == START) begin
      words_last <= layer.in_words - 1'b1;
      thresholds_last <= thresholds_rows - 1'b1;
      words_needed <= layer.window_words + (layer.flags.write_codes ? thresholds_rows / 16'(THRESHOLD_ROWS) : '0);
      ring_mask <= (layer.ring == 0 || !layer.flags.wait_input) ? '1 : ~({17{1'b1}} << layer.ring);
    end
  end

  // ---- The walk. Coordinates are those of the tap that is read; the kept ones those of the group's first tap.
  logic [15:0] row, group, tile, word;
  logic [1:0] ky, kx;
  logic signed [16:0] y, x, kept_y, kept_x;
  logic [CODE_ADDRESS-1:0] row_address, x_address, kept_row_address, kept_x_address;

  logic word_end, kx_end, ky_end, tile_end, group_end, row_end, rows_ready, go;
  // Of a tile of PIXELS pixels: the layer's last pixels; whether other pixels come behind it; the last that reads the window.
  logic pixels_last, pixels_through, window_last;
  logic [COOL-1:0] cooling;

  assign word_end = word == words_last;
  assign kx_end = word_end && kx == kernel_last;
  assign ky_end = kx_end && ky == kernel_last;
  assign tile_end = tile == layer.tiles_last;
  assign group_end = group == layer.groups_last;
  assign row_end = row == layer.rows_last;
  assign pixels_last = group_end && row_end;
  assign pixels_through = tiles_outermost || tile_end;
  assign window_last = pixels_last && pixels_through;

  // The lowest row that the kernel reads, or all of them. What the loader says comes from afar: a cycle late.
  logic signed [16:0] lowest;
  logic [15:0] loaded_rows_behind;
  logic loading_behind;
  assign lowest = kept_y + $signed({15'b0, kernel_last});
  assign rows_ready = !layer.flags.wait_input || !loading_behind || lowest < $signed({1'b0, loaded_rows_behind});
  always_ff @(posedge clk) begin
    loaded_rows_behind <= loaded_rows;
    loading_behind <= loading;
  end
  assign go = state == STEPS && rows_ready && !(ky_end && cooling != 0);

  // From a group of pixels to the next: how many times that crosses the banks' end.
  logic signed [16:0] next_x;
  logic [1:0] crossed;
  logic next_column_crosses;
  assign next_x = kept_x + (layer.flags.stride_2 ? 17'(2 * PIXELS) : 17'(PIXELS));
  assign crossed = 2'((next_x >>> BANK_SHIFT) - (kept_x >>> BANK_SHIFT));
  if (BANKS == 1) begin : gen_one_bank
    assign next_column_crosses = 1'b1;
    assign code_bank = '0;
  end else begin : gen_banks
    assign next_column_crosses = x[BANK-1:0] == BANK'(BANKS - 1);
    always_ff @(posedge clk) code_bank <= x[BANK-1:0];
  end

  // From a row to the next, and to the next that a row of outputs starts from: row 0 of the frame or of a turn of the ring
  // lies at the base.
  logic [CODE_ADDRESS-1:0] in_base, next_row_address, next_kept_row_address;
  logic at_base, kept_at_base, kept_before_base;
  assign in_base = CODE_ADDRESS'(layer.in_base);
  assign at_base = ((y + 17'sd1) & ring_mask) == 0;
  assign kept_at_base = ((kept_y + (layer.flags.stride_2 ? 17'sd2 : 17'sd1)) & ring_mask) == 0;
  assign kept_before_base = layer.flags.stride_2 && ((kept_y + 17'sd1) & ring_mask) == 0;
  assign next_row_address = at_base ? in_base : row_address + in_row;

  always_comb begin
    next_kept_row_address = kept_row_address + row_stride;
    if (kept_at_base) next_kept_row_address = in_base;
    else if (kept_before_base) next_kept_row_address = in_base + in_row;
  end

  logic [15:0] passed_rows;

  always_ff @(posedge clk) begin
    if (load_frame) passed_rows <= '0;
    else if (state == STEPS && layer.flags.wait_input) passed_rows <= (kept_y < 0) ? '0 : kept_y[15:0];
    else if (state == FLUSH && layer.flags.wait_input) passed_rows <= layer.in_edge;
    // A step reads two cycles behind its walk.
    released_rows <= load_frame ? '0 : passed_rows;
  end

  logic [CODE_ADDRESS-1:0] next_x_address;
  assign next_x_address = kept_x_address + (crossed[0] ? in_words : '0) + (crossed[1] ? {in_words[CODE_ADDRESS-2:0], 1'b0} : '0);

  // Where a row of outputs starts, and the first of all.
  logic [CODE_ADDRESS-1:0] first_row_address;
  assign first_row_address = in_base - (layer.flags.kernel_3 ? in_row : '0);

  always_ff @(posedge clk) begin
    if (state == START || (go && ky_end && window_last)) begin
      {row, group, word} <= '0;
      {ky, kx} <= '0;
      {x, kept_x} <= {-padding, -padding};
      {y, kept_y} <= {-padding, -padding};
      {row_address, kept_row_address} <= {first_row_address, first_row_address};
      {x_address, kept_x_address} <= {left_of_row, left_of_row};
    end else if (go) begin
      word <= word_end ? '0 : word + 1'b1;
      if (ky_end && pixels_through && group_end) begin
        {ky, kx} <= '0;
        group <= '0;
        row <= row + 1'b1;
        {x, kept_x} <= {-padding, -padding};
        {x_address, kept_x_address} <= {left_of_row, left_of_row};
        y <= kept_y + (layer.flags.stride_2 ? 17'sd2 : 17'sd1);
        kept_y <= kept_y + (layer.flags.stride_2 ? 17'sd2 : 17'sd1);
        row_address <= next_kept_row_address;
        kept_row_address <= next_kept_row_address;
      end else if (ky_end && pixels_through) begin
        {ky, kx} <= '0;
        group <= group + 1'b1;
        {x, kept_x} <= {next_x, next_x};
        {x_address, kept_x_address} <= {next_x_address, next_x_address};
        y <= kept_y;
        row_address <= kept_row_address;
      end else if (ky_end) begin
        {ky, kx} <= '0;
        x <= kept_x;
        x_address <= kept_x_address;
        y <= kept_y;
        row_address <= kept_row_address;
      end else if (kx_end) begin
        kx <= '0;
        ky <= ky + 1'b1;
        x <= kept_x;
        x_address <= kept_x_address;
        y <= y + 1'b1;
        row_address <= next_row_address;
      end else if (word_end) begin
        kx <= kx + 1'b1;
        x <= x + 1'b1;
        if (next_column_crosses) x_address <= x_address + in_words;
      end
    end
    if (state == START) tile <= '0;
    else if (go && ky_end && (tiles_outermost ? pixels_last : 1'b1)) tile <= tile_end ? '0 : tile + 1'b1;
  end

  // ---- The window. Its weights are walked once for all tiles in it, from `kept_word` on.
  logic [WINDOW_ADDRESS:0] at_word, kept_word;
  logic [15:0] threshold;
  logic half, has_weights, thresholds_end, word_of_rows_end;

  assign has_weights = layer.window_words != 0;
  assign words_freed = kept_word;
  assign waits_for_words = state == WINDOW && 16'((WINDOW_ADDRESS + 1)'(words_written - kept_word)) < words_needed;
  assign thresholds_end = threshold == thresholds_last;
  assign word_of_rows_end = threshold % 16'(THRESHOLD_ROWS) == 16'(THRESHOLD_ROWS - 1);

  always_ff @(posedge clk) begin
    if (state == IDLE) begin
      {at_word, kept_word} <= '0;
    end else if (state == THRESHOLDS && word_of_rows_end) begin
      at_word <= at_word + 1'b1;
      if (thresholds_end) kept_word <= at_word + 1'b1;
    end else if (go && has_weights) begin
      at_word <= (ky_end && pixels_through && !window_last) ? kept_word : at_word + 1'b1;
      if (ky_end && window_last) kept_word <= at_word + 1'b1;
    end
    threshold <= (state == THRESHOLDS) ? threshold + 1'b1 : '0;
    if (state == START) half <= 1'b0;
    else if (go && ky_end && window_last) half <= !half;
    threshold_step <= state == THRESHOLDS && !rst;
    threshold_row <= THRESHOLD_ADDRESS'(threshold) + (half ? THRESHOLD_ADDRESS'(HALF) : '0);
    word_address <= at_word[WINDOW_ADDRESS-1:0];
  end

  // ---- The step that goes out.
  logic y_inside;
  assign y_inside = y >= 0 && y < $signed({1'b0, layer.in_edge}) && !layer.flags.blank;

  for (genvar p = 0; p < PIXELS; p++) begin : gen_inside
    logic signed [16:0] column;
    assign column = x + (layer.flags.stride_2 ? 17'(2 * p) : 17'(p));
    always_ff @(posedge clk) code_inside[p] <= y_inside && column >= 0 && column < $signed({1'b0, layer.in_edge});
  end

  always_ff @(posedge clk) begin
    step <= go && !rst;
    step_first <= word == 0 && kx == 0 && ky == 0;
    step_last <= ky_end;
    step_tile_last <= tile_end;
    step_group_last <= group_end;
    step_row_last <= row_end;
    step_pixels_first <= group == 0 && row == 0;
    code_address <= row_address + x_address + CODE_ADDRESS'(word);
    code_next <= row_address + x_address + in_words + CODE_ADDRESS'(word);
    code_stride_2 <= layer.flags.stride_2;
    if (state == START) begin
      cooling <= '0;
    end else if (go && ky_end) begin
      cooling <= COOL'(DRAIN - 1);
    end else if (cooling != 0) begin
      cooling <= cooling - 1'b1;
    end
  end

  // ---- From layer to layer.
  logic [31:0] tiles_out;
  logic [31:0] cycles, steps, input_stalls, drain_stalls, weight_stalls;

  assign start = state == START && index != 0;
  assign load_frame = state == START && index == 0;
  assign finished = state == RECORD && index == final_index;
  assign has_results = layer.flags.pool;

  always_ff @(posedge clk) begin
    if (rst) begin
      state <= IDLE;
    end else begin
      unique case (state)
        IDLE: if (run) state <= FETCH;
        FETCH: state <= DECODE;
        DECODE: state <= START;
        START: state <= (index == 0) ? RECORD : WINDOW;
        WINDOW: if (!waits_for_words) state <= layer.flags.write_codes ? THRESHOLDS : STEPS;
        THRESHOLDS: if (thresholds_end) state <= STEPS;
        STEPS: if (go && ky_end && window_last) state <= tile_end ? FLUSH : WINDOW;
        FLUSH: if (tiles_out == 0 && !(layer.flags.wait_input && loading_behind)) state <= RECORD;
        RECORD: state <= (index == final_index) ? IDLE : FETCH;
        default: state <= IDLE;
      endcase
    end
    if (state == IDLE && run) begin
      index <= '0;
      final_index <= last_layer;
    end else if (state == RECORD) begin
      index <= index + 1'b1;
    end
    if (state == DECODE) layer <= fetched;
    if (state == START) tiles_out <= '0;
    else tiles_out <= tiles_out + 32'(go && ky_end) - 32'(tile_done);
    if (state == FETCH) begin
      cycles <= 32'd1;
      {steps, input_stalls, drain_stalls, weight_stalls} <= '0;
    end else begin
      cycles <= cycles + 1'b1;
      steps <= steps + 32'(go);
      input_stalls <= input_stalls + 32'(state == STEPS && !rows_ready);
      drain_stalls <= drain_stalls + 32'(state == STEPS && rows_ready && !go);
      weight_stalls <= weight_stalls + 32'(waits_for_words);
    end
  end

  ernscope_memory #(.WIDTH(COUNTER_WORD), .DEPTH(LAYERS)) u_counters (
    .clk, .we(state == RECORD), .waddr(index), .wdata({weight_stalls, drain_stalls, input_stalls, steps, cycles + 32'd1}),
    .re(counters_peek), .raddr(counters_peek_address), .rdata(counters)
  );

`ifndef SYNTHESIS
  // ---- What must hold.
  always_ff @(posedge clk) begin
    if (!rst) begin
      // A step or a row of thresholds reads a word that is there and is kept.
      a_step_has_word: assert (!(go && has_weights) || (WINDOW_ADDRESS + 1)'(at_word - kept_word) < (WINDOW_ADDRESS + 1)'(words_written - kept_word));
      a_row_has_word: assert (state != THRESHOLDS || (WINDOW_ADDRESS + 1)'(at_word - kept_word) < (WINDOW_ADDRESS + 1)'(words_written - kept_word));
      a_rows_fit: assert (state != THRESHOLDS || threshold < 16'(HALF));
      a_window_fits: assert (state != WINDOW || words_needed <= 16'(WINDOW_DEPTH));
      a_tiles: assert (state == IDLE || !tiles_out[31]);
      a_one_layer: assert (!start || tiles_out == 0);
      a_cooled: assert (!(go && ky_end) || cooling == 0);
      c_input_stall: cover (state == STEPS && !rows_ready);
      c_drain_stall: cover (state == STEPS && rows_ready && !go);
      c_weight_stall: cover (waits_for_words);
      c_blank: cover (go && layer.flags.blank);
      c_stride: cover (go && layer.flags.stride_2 && layer.flags.kernel_3);
    end
  end
`endif

endmodule

`default_nettype wire
