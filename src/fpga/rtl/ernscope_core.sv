// SPDX-License-Identifier: MIT OR Apache-2.0
// The accelerator: program in, frames in, weights in, results out, read-back out; all of it valid/ready streams, no bus. Weights and
// thresholds are a stream of their own, in the order in which they are needed: from outside where WEIGHT_DEPTH is 0, else from a
// memory of so many words that the program fills.
// A cycle: PIXELS × PARALLEL_OUT × PARALLEL_IN multiply-accumulates. A step travels: sequencer, address registers, memories,
// registers (2 cycles), array (3 cycles), output unit. Nothing behind the sequencer ever waits. What goes to many places far
// apart has registers on its way there.
`default_nettype none

module ernscope_core #(
  parameter int PARALLEL_IN = 32,
  parameter int PARALLEL_OUT = 32,
  parameter int PIXELS = 2,
  parameter int DRAIN_CHANNELS = 8,
  parameter int ACC_BITS = 14,
  parameter int TRUNK_BITS = 16,
  parameter int CODE_DEPTH = 2048,
  parameter int WEIGHT_DEPTH = 2048,
  parameter int WEIGHT_BEAT = 128,
  parameter int WINDOW_DEPTH = 512,
  parameter int THRESHOLD_DEPTH = 128,
  parameter int TRUNK_DEPTH = 1024,
  parameter int TRUNK_MIDDLE_DEPTH = TRUNK_DEPTH,
  parameter int TRUNK_WIDE_DEPTH = TRUNK_MIDDLE_DEPTH,
  parameter int TRUNK_MIDDLE_BITS = TRUNK_BITS,
  parameter int TRUNK_NARROW_BITS = TRUNK_MIDDLE_BITS,
  parameter int TABLE_WORDS = 1,
  parameter int LAYERS = 64,
  parameter int POOL_DEPTH = 16,
  parameter int FRUGAL = 1,
  localparam int FRAME_BITS = (PARALLEL_IN > 12) ? 2 * PARALLEL_IN : 24
) (
  input  logic                  clk,
  input  logic                  rst,

  input  logic                  program_valid,
  output logic                  program_ready,
  input  logic [31:0]           program_data,

  input  logic                  frame_valid,
  output logic                  frame_ready,
  input  logic [FRAME_BITS-1:0] frame_data,

  // The weight stream from outside: a frame's words in beats, lowest first.
  input  logic                   weight_valid,
  output logic                   weight_ready,
  input  logic [WEIGHT_BEAT-1:0] weight_data,
  input  logic                   weight_last,
  // A layer waits for it.
  output logic                   weight_starved,

  // `result_fault`: what was wrong with the weights that they were made with.
  output logic                  result_valid,
  input  logic                  result_ready,
  output logic [31:0]           result_data,
  output logic                  result_last,
  output ernscope_pkg::stream_fault_t result_fault,

  output logic                  read_valid,
  input  logic                  read_ready,
  output logic [31:0]           read_data,

  // A frame runs.
  output logic                  running
);

  localparam int BANKS = (PIXELS == 1) ? 1 : 2 * PIXELS;
  localparam int BANK = (BANKS == 1) ? 1 : $clog2(BANKS);
  localparam int WORD = 2 * PARALLEL_IN;
  localparam int CODE_ADDRESS = $clog2(CODE_DEPTH);
  localparam int WINDOW_ADDRESS = $clog2(WINDOW_DEPTH);
  localparam int WEIGHT_WORD = PARALLEL_OUT * PARALLEL_IN;
  localparam int THRESHOLD_ADDRESS = $clog2(THRESHOLD_DEPTH);
  localparam int THRESHOLD_WORD = DRAIN_CHANNELS * (3 * TRUNK_BITS + 1);
  localparam int DRAIN = PARALLEL_OUT / DRAIN_CHANNELS;
  localparam int THRESHOLD_ROWS = ernscope_pkg::threshold_rows(WEIGHT_WORD, THRESHOLD_WORD, DRAIN);
  localparam int TRUNK_ADDRESS = $clog2(TRUNK_DEPTH);
  localparam int TRUNK_WORD = PIXELS * DRAIN_CHANNELS * TRUNK_BITS;
  localparam int TABLE_ADDRESS = $clog2(256 * TABLE_WORDS);
  localparam int LAYER_ADDRESS = $clog2(LAYERS);
  localparam int LAYER_WORD = 32 * ernscope_pkg::DESCRIPTOR_BEATS;
  localparam int COUNTER_WORD = 32 * ernscope_pkg::COUNTER_BEATS;
  localparam int POOL_ADDRESS = $clog2(POOL_DEPTH);

  if (PARALLEL_IN % 4 != 0 || PARALLEL_IN > 32) begin : gen_wrong_in
    $error("PARALLEL_IN is a multiple of 4, 32 at most: a word of codes is a beat of 64 bits");
  end
  if (PARALLEL_OUT % PARALLEL_IN != 0 || PARALLEL_IN % DRAIN_CHANNELS != 0) begin : gen_wrong_lanes
    $error("PARALLEL_OUT is a multiple of PARALLEL_IN, and that one of DRAIN_CHANNELS");
  end
  if (PARALLEL_OUT < 2 * DRAIN_CHANNELS) begin : gen_wrong_drain
    $error("a tile drains in 2 cycles or more: DRAIN_CHANNELS is at most half of PARALLEL_OUT");
  end
  if ((PIXELS & (PIXELS - 1)) != 0) begin : gen_wrong_pixels
    $error("PIXELS is a power of 2");
  end
  if (ACC_BITS >= TRUNK_BITS || TRUNK_BITS > 32) begin : gen_wrong_bits
    $error("ACC_BITS is less than TRUNK_BITS, and that one 32 at most: a sum over weights of both signs has a bit more");
  end
  if (THRESHOLD_WORD > WEIGHT_WORD) begin : gen_wrong_row
    $error("DRAIN_CHANNELS * (3 * TRUNK_BITS + 1), a row of thresholds, is more than PARALLEL_IN * PARALLEL_OUT, a word of the weight stream");
  end
  if (CODE_DEPTH < 2 || TRUNK_DEPTH < 2 || LAYERS < 2 || POOL_DEPTH < 2 || TABLE_WORDS < 1 || WEIGHT_DEPTH == 1) begin : gen_wrong_depth
    $error("CODE_DEPTH, TRUNK_DEPTH, LAYERS and POOL_DEPTH are 2 or more, TABLE_WORDS 1 or more, WEIGHT_DEPTH 0, or 2 or more");
  end

  // ---- Commands.
  ernscope_pkg::command_t command;
  // Addresses have room for larger memories.
  /* verilator lint_off UNUSEDSIGNAL */
  logic [23:0] address, write_address;
  /* verilator lint_on UNUSEDSIGNAL */
  logic write, peek, run, done;

  function automatic int larger(int a, int b);
    larger = (a > b) ? a : b;
  endfunction

  // A beat of the board's own weights: a small array's word, which is less, is one.
  localparam int WEIGHT_PART = (WEIGHT_WORD % WEIGHT_BEAT == 0) ? WEIGHT_BEAT : WEIGHT_WORD;
  localparam int WEIGHT_PARTS = WEIGHT_WORD / WEIGHT_PART;
  localparam int WEIGHT_BEATS = (WEIGHT_PART + 31) / 32;
  localparam int TABLE_BEATS = (3 * WORD + 31) / 32;
  localparam int CODE_BEATS = (WORD + 31) / 32;
  localparam int TRUNK_BEATS = (TRUNK_WORD + 31) / 32;
  localparam int IN_BITS = 32 * larger(WEIGHT_BEATS, larger(TABLE_BEATS, ernscope_pkg::DESCRIPTOR_BEATS));
  localparam int OUT_BITS =
      32 * larger(larger(CODE_BEATS, TRUNK_BEATS), larger(ernscope_pkg::COUNTER_BEATS, ernscope_pkg::CAPABILITY_BEATS));

  // A memory's word need not fill its last beat.
  /* verilator lint_off UNUSEDSIGNAL */
  logic [IN_BITS-1:0] write_word;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [OUT_BITS-1:0] peek_word;

  ernscope_program_port #(
    .WEIGHT_BEATS(WEIGHT_BEATS), .TABLE_BEATS(TABLE_BEATS),
    .CODE_BEATS(CODE_BEATS), .TRUNK_BEATS(TRUNK_BEATS),
    .IN_BEATS(IN_BITS / 32), .OUT_BEATS(OUT_BITS / 32)
  ) u_program (
    .clk, .rst, .program_valid, .program_ready, .program_data, .read_valid, .read_ready, .read_data,
    .command, .address, .write, .write_address, .write_word, .peek, .peek_word, .run, .finished(done), .running
  );

  // ---- The walk.
  ernscope_pkg::layer_t layer;
  logic layer_start, load_frame, loading, layers_finished, has_results;
  logic step, step_first, step_last, step_tile_last, step_group_last, step_row_last, step_pixels_first, tile_done;
  logic [15:0] loaded_rows, released_rows;
  logic [WINDOW_ADDRESS:0] words_written, words_freed;
  logic [WINDOW_ADDRESS-1:0] word_address;
  logic threshold_step;
  logic [THRESHOLD_ADDRESS-1:0] threshold_row;
  logic [CODE_ADDRESS-1:0] step_address, step_next;
  logic [BANK-1:0] step_bank;
  logic step_stride_2;
  logic [PIXELS-1:0] step_inside;
  logic [COUNTER_WORD-1:0] counters;

  ernscope_sequencer #(
    .PIXELS(PIXELS), .DRAIN(DRAIN), .CODE_DEPTH(CODE_DEPTH), .WINDOW_DEPTH(WINDOW_DEPTH),
    .THRESHOLD_DEPTH(THRESHOLD_DEPTH), .THRESHOLD_ROWS(THRESHOLD_ROWS),
    .LAYERS(LAYERS)
  ) u_sequencer (
    .clk, .rst, .run, .last_layer(address[LAYER_ADDRESS-1:0]), .finished(layers_finished), .has_results,
    .layer_we(write && command == ernscope_pkg::WRITE_LAYERS), .layer_waddr(write_address[LAYER_ADDRESS-1:0]),
    .layer_wdata(write_word[LAYER_WORD-1:0]),
    .counters_peek(peek && command == ernscope_pkg::READ_COUNTERS), .counters_peek_address(address[LAYER_ADDRESS-1:0]),
    .counters,
    .layer, .start(layer_start), .load_frame, .loaded_rows, .loading, .released_rows,
    .words_written, .words_freed, .waits_for_words(weight_starved), .word_address, .threshold_step, .threshold_row,
    .step, .step_first, .step_last, .step_tile_last, .step_group_last, .step_row_last, .step_pixels_first,
    .code_address(step_address), .code_next(step_next), .code_bank(step_bank),
    .code_stride_2(step_stride_2), .code_inside(step_inside), .tile_done
  );

  // ---- The weight stream, while a frame runs.
  logic streaming, word_valid, word_ready;
  logic [WEIGHT_WORD-1:0] word;
  ernscope_pkg::frame_t frame;

  assign frame = layer;
  always_ff @(posedge clk) streaming <= !rst && !layers_finished && (streaming || load_frame);

  if (WEIGHT_DEPTH == 0) begin : gen_weights_from_outside
    ernscope_weight_receiver #(.WIDTH(WEIGHT_WORD), .BEAT(WEIGHT_BEAT)) u_receiver (
      .clk, .rst, .start(load_frame), .expected_words(frame.stream_words), .expected_crc(frame.stream_crc),
      .finished(layers_finished), .fault(result_fault),
      .beat_valid(weight_valid), .beat_ready(weight_ready), .beat(weight_data), .beat_last(weight_last),
      .word_valid, .word_ready, .word
    );
  end else begin : gen_weights_inside
    localparam int WEIGHT_ADDRESS = $clog2(WEIGHT_DEPTH * WEIGHT_PARTS);
    logic we, feeding;
    logic [WEIGHT_ADDRESS-1:0] first, last;
    always_ff @(posedge clk) begin
      feeding <= streaming;
      we <= write && command == ernscope_pkg::WRITE_WEIGHTS;
      if (load_frame) begin
        first <= WEIGHT_ADDRESS'(frame.stream_first * WEIGHT_PARTS);
        last <= WEIGHT_ADDRESS'((frame.stream_first + frame.stream_words) * WEIGHT_PARTS - 32'd1);
      end
    end
    ernscope_weight_memory #(.WIDTH(WEIGHT_WORD), .BEAT(WEIGHT_PART), .DEPTH(WEIGHT_DEPTH * WEIGHT_PARTS)) u_memory (
      .clk, .run(streaming && feeding), .first, .last,
      .we, .waddr(write_address[WEIGHT_ADDRESS-1:0]), .wdata(write_word[WEIGHT_PART-1:0]),
      .word_valid, .word_ready, .word
    );
    assign weight_ready = 1'b0;
    assign result_fault = ernscope_pkg::STREAM_RIGHT;
    logic unused_stream;
    assign unused_stream = &{1'b0, weight_valid, weight_data, weight_last};
  end

  // A word for every step or row of thresholds, four cycles behind it.
  logic word_read;
  logic [WINDOW_ADDRESS-1:0] word_read_address;
  logic [WEIGHT_WORD-1:0] word_taken, weights_behind, weights;

  ernscope_weight_window #(.WIDTH(WEIGHT_WORD), .DEPTH(WINDOW_DEPTH)) u_window (
    .clk, .rst(!streaming), .word_valid, .word_ready, .word, .written(words_written), .freed(words_freed),
    .read(word_read), .read_address(word_read_address), .read_word(word_taken)
  );

  always_ff @(posedge clk) begin
    word_read <= step || threshold_step;
    word_read_address <= word_address;
    weights_behind <= word_taken;
    weights <= weights_behind;
  end

  // Which row of thresholds a word brought.
  logic [3:0] threshold_behind;
  logic [3:0][THRESHOLD_ADDRESS-1:0] threshold_row_behind;
  logic [THRESHOLD_ROWS-1:0][THRESHOLD_WORD-1:0] threshold_rows;
  logic [THRESHOLD_WORD-1:0] threshold_word;

  assign threshold_rows = weights[THRESHOLD_ROWS*THRESHOLD_WORD-1:0];
  always_ff @(posedge clk) begin
    threshold_behind <= rst ? '0 : {threshold_behind[2:0], threshold_step};
    threshold_row_behind <= {threshold_row_behind[2:0], threshold_row};
  end
  if (THRESHOLD_ROWS == 1) begin : gen_one_row
    assign threshold_word = threshold_rows[0];
  end else begin : gen_rows
    assign threshold_word = threshold_rows[threshold_row_behind[3][$clog2(THRESHOLD_ROWS)-1:0]];
  end

  // ---- Codes: read by steps, or by the host while nothing runs.
  logic peek_codes, code_read, code_read_stride_2;
  logic [CODE_ADDRESS-1:0] code_read_address, code_read_next;
  logic [BANK-1:0] code_read_bank;
  logic [PIXELS-1:0] code_shown;
  logic [PIXELS-1:0][PARALLEL_IN-1:0] low, high;
  logic code_write, code_upper, loader_write, loader_ready;
  logic [CODE_ADDRESS-1:0] code_address, loader_address;
  logic [PIXELS-1:0][WORD-1:0] code_words;
  logic [BANK-1:0] loader_bank, peek_bank;
  logic [WORD-1:0] loader_word;

  assign peek_codes = command == ernscope_pkg::READ_CODES;
  if (BANKS == 1) begin : gen_one_bank
    assign peek_bank = '0;
  end else begin : gen_banks
    assign peek_bank = address[BANK-1:0];
  end

  always_ff @(posedge clk) begin
    code_read <= step || (peek && peek_codes);
    code_read_address <= peek_codes ? address[CODE_ADDRESS+$clog2(BANKS)-1:$clog2(BANKS)] : step_address;
    code_read_next <= step_next;
    code_read_bank <= peek_codes ? peek_bank : step_bank;
    code_read_stride_2 <= step_stride_2;
    code_shown <= peek_codes ? '1 : step_inside;
  end

  ernscope_code_memory #(.PARALLEL_IN(PARALLEL_IN), .PIXELS(PIXELS), .DEPTH(CODE_DEPTH)) u_codes (
    .clk,
    .read(code_read), .read_address(code_read_address), .read_next(code_read_next), .read_bank(code_read_bank),
    .read_stride_2(code_read_stride_2), .shown(code_shown), .low, .high,
    .write(code_write), .write_address(code_address), .write_upper(code_upper), .write_data(code_words),
    .loader_write, .loader_ready, .loader_address, .loader_bank, .loader_data(loader_word)
  );

  // ---- The array.
  logic [3:0] step_behind, first_behind, last_behind;
  logic [6:0] tile_last_behind, group_last_behind, row_last_behind, pixels_first_behind;
  logic loaded, shift;
  logic [PIXELS-1:0][DRAIN_CHANNELS-1:0][ACC_BITS-1:0] set_sums;
  logic [PIXELS-1:0][ACC_BITS-1:0] code_sums;

  always_ff @(posedge clk) begin
    step_behind <= rst ? '0 : {step_behind[2:0], step};
    first_behind <= {first_behind[2:0], step_first};
    last_behind <= {last_behind[2:0], step_last};
    tile_last_behind <= {tile_last_behind[5:0], step_tile_last};
    group_last_behind <= {group_last_behind[5:0], step_group_last};
    row_last_behind <= {row_last_behind[5:0], step_row_last};
    pixels_first_behind <= {pixels_first_behind[5:0], step_pixels_first};
  end

  ernscope_mac_array #(
    .PARALLEL_IN(PARALLEL_IN), .PARALLEL_OUT(PARALLEL_OUT), .PIXELS(PIXELS), .DRAIN_CHANNELS(DRAIN_CHANNELS),
    .ACC_BITS(ACC_BITS), .FRUGAL(FRUGAL)
  ) u_array (
    .clk, .rst, .step(step_behind[3]), .first(first_behind[3]), .last(last_behind[3]), .low, .high, .weights,
    .loaded, .shift, .set_sums, .code_sums
  );

  // ---- What becomes of sums.
  logic [TRUNK_WORD-1:0] trunk_word;
  logic pool_peek;
  logic [POOL_ADDRESS-1:0] pool_peek_address;
  logic [DRAIN_CHANNELS-1:0][31:0] pool_word;

  ernscope_output_unit #(
    .PARALLEL_IN(PARALLEL_IN), .PARALLEL_OUT(PARALLEL_OUT), .PIXELS(PIXELS), .DRAIN_CHANNELS(DRAIN_CHANNELS),
    .ACC_BITS(ACC_BITS), .TRUNK_BITS(TRUNK_BITS), .CODE_DEPTH(CODE_DEPTH), .TRUNK_DEPTH(TRUNK_DEPTH),
    .TRUNK_MIDDLE_DEPTH(TRUNK_MIDDLE_DEPTH), .TRUNK_WIDE_DEPTH(TRUNK_WIDE_DEPTH), .TRUNK_MIDDLE_BITS(TRUNK_MIDDLE_BITS),
    .TRUNK_NARROW_BITS(TRUNK_NARROW_BITS), .THRESHOLD_DEPTH(THRESHOLD_DEPTH), .POOL_DEPTH(POOL_DEPTH)
  ) u_output (
    .clk, .rst, .start(layer_start), .layer,
    .loaded, .tile_last(tile_last_behind[6]), .group_last(group_last_behind[6]), .row_last(row_last_behind[6]),
    .pixels_first(pixels_first_behind[6]),
    .shift, .set_sums, .code_sums, .tile_done,
    .code_write, .code_address, .code_upper, .code_words,
    .threshold_we(threshold_behind[3]), .threshold_waddr(threshold_row_behind[3]), .threshold_wdata(threshold_word),
    .trunk_peek(peek && command == ernscope_pkg::READ_TRUNK), .trunk_peek_address(address[TRUNK_ADDRESS-1:0]), .trunk_word,
    .pool_peek, .pool_peek_address, .pool_word
  );

  logic results_done, results_start;
  assign results_start = layers_finished && has_results;
  assign results_done = result_valid && result_ready && result_last;
  assign done = results_done || (layers_finished && !has_results);

  ernscope_result_port #(.DRAIN_CHANNELS(DRAIN_CHANNELS), .POOL_DEPTH(POOL_DEPTH)) u_results (
    .clk, .rst, .start(results_start), .classes_last(layer.classes_last),
    .peek(pool_peek), .peek_address(pool_peek_address), .peek_word(pool_word),
    .result_valid, .result_ready, .result(result_data), .result_last
  );

  // ---- Frames.
  ernscope_frame_loader #(
    .PARALLEL_IN(PARALLEL_IN), .PIXELS(PIXELS), .CODE_DEPTH(CODE_DEPTH), .TABLE_WORDS(TABLE_WORDS),
    .FRAME_BITS(FRAME_BITS)
  ) u_loader (
    .clk, .rst, .start(load_frame), .frame, .rows(loaded_rows), .released_rows, .busy(loading),
    .beat_valid(frame_valid), .beat_ready(frame_ready), .beat(frame_data),
    .table_we(write && command == ernscope_pkg::WRITE_TABLE), .table_waddr(write_address[TABLE_ADDRESS-1:0]),
    .table_wdata(write_word[3*WORD-1:0]),
    .code_write(loader_write), .code_ready(loader_ready), .code_address(loader_address), .code_bank(loader_bank),
    .code_word(loader_word)
  );

  // ---- Read-back.
  logic [32*ernscope_pkg::CAPABILITY_BEATS-1:0] capabilities;

  assign capabilities = {
    32'(TRUNK_NARROW_BITS), 32'(TRUNK_MIDDLE_BITS), 32'(TRUNK_WIDE_DEPTH), 32'(TRUNK_MIDDLE_DEPTH),
    32'(WINDOW_DEPTH), 32'(POOL_DEPTH), 32'(LAYERS), 32'(TABLE_WORDS), 32'(TRUNK_DEPTH), 32'(THRESHOLD_DEPTH), 32'(WEIGHT_DEPTH),
    32'(CODE_DEPTH), 32'(TRUNK_BITS), 32'(ACC_BITS), 32'(DRAIN_CHANNELS), 32'(PIXELS), 32'(PARALLEL_OUT), 32'(PARALLEL_IN),
    ernscope_pkg::CORE_VERSION, ernscope_pkg::MAGIC
  };

  // A register halfway: codes lie all over the array, commands at one corner of it.
  logic [WORD-1:0] peeked_codes;
  always_ff @(posedge clk) peeked_codes <= {high[0], low[0]};

  always_comb begin
    unique case (command)
      ernscope_pkg::READ_CODES: peek_word = OUT_BITS'(peeked_codes);
      ernscope_pkg::READ_TRUNK: peek_word = OUT_BITS'(trunk_word);
      ernscope_pkg::READ_COUNTERS: peek_word = OUT_BITS'(counters);
      default: peek_word = OUT_BITS'(capabilities);
    endcase
  end

endmodule

`default_nettype wire
