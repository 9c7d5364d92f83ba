// The accelerator: program in, frames in, results out, read-back out; all of it valid/ready streams, no bus.
// A cycle: PIXELS × PARALLEL_OUT × PARALLEL_IN multiply-accumulates. A step travels: sequencer, address registers, memories,
// registers (2 cycles), array (3 cycles), output unit. Nothing behind the sequencer ever waits. What goes to many places far
// apart has registers on its way there.
module ernscope_core #(
  parameter int PARALLEL_IN = 32,
  parameter int PARALLEL_OUT = 32,
  parameter int PIXELS = 2,
  parameter int DRAIN_CHANNELS = 8,
  parameter int ACC_BITS = 14,
  parameter int TRUNK_BITS = 16,
  parameter int CODE_DEPTH = 2048,
  parameter int WEIGHT_DEPTH = 2048,
  parameter int THRESHOLD_DEPTH = 512,
  parameter int TRUNK_DEPTH = 1024,
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

  output logic                  result_valid,
  input  logic                  result_ready,
  output logic [31:0]           result_data,
  output logic                  result_last,

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
  localparam int WEIGHT_ADDRESS = $clog2(WEIGHT_DEPTH);
  localparam int WEIGHT_WORD = PARALLEL_OUT * PARALLEL_IN;
  localparam int THRESHOLD_ADDRESS = $clog2(THRESHOLD_DEPTH);
  localparam int THRESHOLD_WORD = DRAIN_CHANNELS * (3 * TRUNK_BITS + 1);
  localparam int TRUNK_ADDRESS = $clog2(TRUNK_DEPTH);
  localparam int TRUNK_WORD = PIXELS * DRAIN_CHANNELS * TRUNK_BITS;
  localparam int TABLE_ADDRESS = $clog2(256 * TABLE_WORDS);
  localparam int LAYER_ADDRESS = $clog2(LAYERS);
  localparam int LAYER_WORD = 32 * ernscope_pkg::DESCRIPTOR_BEATS;
  localparam int COUNTER_WORD = 32 * ernscope_pkg::COUNTER_BEATS;
  localparam int POOL_ADDRESS = $clog2(POOL_DEPTH);

  if (PARALLEL_OUT % PARALLEL_IN != 0 || PARALLEL_IN % DRAIN_CHANNELS != 0 || PARALLEL_OUT < 2 * DRAIN_CHANNELS
      || (PIXELS & (PIXELS - 1)) != 0) begin : gen_wrong
    $error("PARALLEL_OUT is a multiple of PARALLEL_IN, that one of DRAIN_CHANNELS; a tile drains in 2 cycles or more; PIXELS is a power of 2");
  end

  // ---- Commands.
  ernscope_pkg::command_t command;
  // Addresses have room for larger memories.
  /* verilator lint_off UNUSEDSIGNAL */
  logic [23:0] address, write_address;
  /* verilator lint_on UNUSEDSIGNAL */
  logic write, peek, run, done;

  function automatic int max4(int a, int b, int c, int d);
    int ab, cd;
    ab = (a > b) ? a : b;
    cd = (c > d) ? c : d;
    max4 = (ab > cd) ? ab : cd;
  endfunction

  localparam int WEIGHT_BEATS = (WEIGHT_WORD + 31) / 32;
  localparam int THRESHOLD_BEATS = (THRESHOLD_WORD + 31) / 32;
  localparam int TABLE_BEATS = (3 * WORD + 31) / 32;
  localparam int CODE_BEATS = (WORD + 31) / 32;
  localparam int TRUNK_BEATS = (TRUNK_WORD + 31) / 32;
  localparam int IN_BITS = 32 * max4(WEIGHT_BEATS, THRESHOLD_BEATS, TABLE_BEATS, ernscope_pkg::DESCRIPTOR_BEATS);
  localparam int OUT_BITS =
      32 * max4(CODE_BEATS, TRUNK_BEATS, ernscope_pkg::COUNTER_BEATS, ernscope_pkg::CAPABILITY_BEATS);

  // A memory's word need not fill its last beat.
  /* verilator lint_off UNUSEDSIGNAL */
  logic [IN_BITS-1:0] write_word;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [OUT_BITS-1:0] peek_word;

  program_port #(
    .WEIGHT_BEATS(WEIGHT_BEATS), .THRESHOLD_BEATS(THRESHOLD_BEATS), .TABLE_BEATS(TABLE_BEATS),
    .CODE_BEATS(CODE_BEATS), .TRUNK_BEATS(TRUNK_BEATS),
    .IN_BEATS(IN_BITS / 32), .OUT_BEATS(OUT_BITS / 32)
  ) u_program (
    .clk, .rst, .program_valid, .program_ready, .program_data, .read_valid, .read_ready, .read_data,
    .command, .address, .write, .write_address, .write_word, .peek, .peek_word, .run, .finished(done), .running
  );

  // ---- The walk.
  ernscope_pkg::layer_t layer;
  logic layer_start, load_frame, loading, layers_finished, has_results;
  logic step, step_first, step_last, step_tile_last, step_group_last, step_group_first, tile_done;
  logic [15:0] loaded_rows, released_rows;
  logic [WEIGHT_ADDRESS-1:0] weight_address;
  logic [CODE_ADDRESS-1:0] step_address, step_next;
  logic [BANK-1:0] step_bank;
  logic step_stride_2;
  logic [PIXELS-1:0] step_inside;
  logic [COUNTER_WORD-1:0] counters;

  sequencer #(
    .PIXELS(PIXELS), .DRAIN(PARALLEL_OUT / DRAIN_CHANNELS), .CODE_DEPTH(CODE_DEPTH), .WEIGHT_DEPTH(WEIGHT_DEPTH),
    .LAYERS(LAYERS)
  ) u_sequencer (
    .clk, .rst, .run, .last_layer(address[LAYER_ADDRESS-1:0]), .finished(layers_finished), .has_results,
    .layer_we(write && command == ernscope_pkg::WRITE_LAYERS), .layer_waddr(write_address[LAYER_ADDRESS-1:0]),
    .layer_wdata(write_word[LAYER_WORD-1:0]),
    .counters_peek(peek && command == ernscope_pkg::READ_COUNTERS), .counters_peek_address(address[LAYER_ADDRESS-1:0]),
    .counters,
    .layer, .start(layer_start), .load_frame, .loaded_rows, .loading, .released_rows,
    .step, .step_first, .step_last, .step_tile_last, .step_group_last, .step_group_first,
    .weight_address, .code_address(step_address), .code_next(step_next), .code_bank(step_bank),
    .code_stride_2(step_stride_2), .code_inside(step_inside), .tile_done
  );

  // ---- Weights: a word for every step, four cycles behind it.
  logic weight_write, weight_read;
  logic [WEIGHT_ADDRESS-1:0] weight_read_address;
  logic [WEIGHT_WORD-1:0] weights_read, weights_behind, weights;

  memory #(.WIDTH(WEIGHT_WORD), .DEPTH(WEIGHT_DEPTH)) u_weights (
    .clk, .we(weight_write), .waddr(write_address[WEIGHT_ADDRESS-1:0]), .wdata(write_word[WEIGHT_WORD-1:0]),
    .re(weight_read), .raddr(weight_read_address), .rdata(weights_read)
  );

  always_ff @(posedge clk) begin
    weight_write <= write && command == ernscope_pkg::WRITE_WEIGHTS;
    weight_read <= step;
    weight_read_address <= weight_address;
    weights_behind <= weights_read;
    weights <= weights_behind;
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

  code_memory #(.PARALLEL_IN(PARALLEL_IN), .PIXELS(PIXELS), .DEPTH(CODE_DEPTH)) u_codes (
    .clk,
    .read(code_read), .read_address(code_read_address), .read_next(code_read_next), .read_bank(code_read_bank),
    .read_stride_2(code_read_stride_2), .shown(code_shown), .low, .high,
    .write(code_write), .write_address(code_address), .write_upper(code_upper), .write_data(code_words),
    .loader_write, .loader_ready, .loader_address, .loader_bank, .loader_data(loader_word)
  );

  // ---- The array.
  logic [3:0] step_behind, first_behind, last_behind;
  logic [6:0] tile_last_behind, group_last_behind, group_first_behind;
  logic loaded, shift;
  logic [PIXELS-1:0][DRAIN_CHANNELS-1:0][ACC_BITS-1:0] set_sums;
  logic [PIXELS-1:0][ACC_BITS-1:0] code_sums;

  always_ff @(posedge clk) begin
    step_behind <= rst ? '0 : {step_behind[2:0], step};
    first_behind <= {first_behind[2:0], step_first};
    last_behind <= {last_behind[2:0], step_last};
    tile_last_behind <= {tile_last_behind[5:0], step_tile_last};
    group_last_behind <= {group_last_behind[5:0], step_group_last};
    group_first_behind <= {group_first_behind[5:0], step_group_first};
  end

  mac_array #(
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

  output_unit #(
    .PARALLEL_IN(PARALLEL_IN), .PARALLEL_OUT(PARALLEL_OUT), .PIXELS(PIXELS), .DRAIN_CHANNELS(DRAIN_CHANNELS),
    .ACC_BITS(ACC_BITS), .TRUNK_BITS(TRUNK_BITS), .CODE_DEPTH(CODE_DEPTH), .TRUNK_DEPTH(TRUNK_DEPTH),
    .THRESHOLD_DEPTH(THRESHOLD_DEPTH), .POOL_DEPTH(POOL_DEPTH)
  ) u_output (
    .clk, .rst, .start(layer_start), .layer,
    .loaded, .tile_last(tile_last_behind[6]), .group_last(group_last_behind[6]), .group_first(group_first_behind[6]),
    .shift, .set_sums, .code_sums, .tile_done,
    .code_write, .code_address, .code_upper, .code_words,
    .threshold_we(write && command == ernscope_pkg::WRITE_THRESHOLDS), .threshold_waddr(write_address[THRESHOLD_ADDRESS-1:0]),
    .threshold_wdata(write_word[THRESHOLD_WORD-1:0]),
    .trunk_peek(peek && command == ernscope_pkg::READ_TRUNK), .trunk_peek_address(address[TRUNK_ADDRESS-1:0]), .trunk_word,
    .pool_peek, .pool_peek_address, .pool_word
  );

  logic results_done, results_start;
  assign results_start = layers_finished && has_results;
  assign results_done = result_valid && result_ready && result_last;
  assign done = results_done || (layers_finished && !has_results);

  result_port #(.DRAIN_CHANNELS(DRAIN_CHANNELS), .POOL_DEPTH(POOL_DEPTH)) u_results (
    .clk, .rst, .start(results_start), .classes_last(layer.classes_last),
    .peek(pool_peek), .peek_address(pool_peek_address), .peek_word(pool_word),
    .result_valid, .result_ready, .result(result_data), .result_last
  );

  // ---- Frames.
  frame_loader #(
    .PARALLEL_IN(PARALLEL_IN), .PIXELS(PIXELS), .CODE_DEPTH(CODE_DEPTH), .TABLE_WORDS(TABLE_WORDS),
    .FRAME_BITS(FRAME_BITS)
  ) u_loader (
    .clk, .rst, .start(load_frame), .frame(layer), .rows(loaded_rows), .released_rows, .busy(loading),
    .beat_valid(frame_valid), .beat_ready(frame_ready), .beat(frame_data),
    .table_we(write && command == ernscope_pkg::WRITE_TABLE), .table_waddr(write_address[TABLE_ADDRESS-1:0]),
    .table_wdata(write_word[3*WORD-1:0]),
    .code_write(loader_write), .code_ready(loader_ready), .code_address(loader_address), .code_bank(loader_bank),
    .code_word(loader_word)
  );

  // ---- Read-back.
  logic [32*ernscope_pkg::CAPABILITY_BEATS-1:0] capabilities;

  assign capabilities = {
    32'd0, 32'(POOL_DEPTH), 32'(LAYERS), 32'(TABLE_WORDS), 32'(TRUNK_DEPTH), 32'(THRESHOLD_DEPTH), 32'(WEIGHT_DEPTH),
    32'(CODE_DEPTH), 32'(TRUNK_BITS), 32'(ACC_BITS), 32'(DRAIN_CHANNELS), 32'(PIXELS), 32'(PARALLEL_OUT), 32'(PARALLEL_IN),
    32'd1, ernscope_pkg::MAGIC
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
