// SPDX-License-Identifier: MIT OR Apache-2.0
// A weight stream from outside: the words of a frame, in beats, lowest first, with `last` at the end. It must be the program's: as
// many beats, with its checksum; what is wrong with it is told to whoever reads the results.
// A cycle: takes a beat, or gives a word that the window takes. Where the stream ends early, zeros follow, so that the frame ends;
// what comes beyond the program's words, or behind a frame that was stopped early, is passed over.
`default_nettype none

module ernscope_weight_receiver #(
  parameter int WIDTH = 1024,
  parameter int BEAT = 128
) (
  input  logic                       clk,
  input  logic                       rst,

  // `start` for a cycle with what is expected; `finished` where nothing reads the words any longer.
  input  logic                       start,
  input  logic [31:0]                expected_words,
  input  logic [31:0]                expected_crc,
  input  logic                       finished,
  output ernscope_pkg::stream_fault_t fault,

  input  logic                       beat_valid,
  output logic                       beat_ready,
  input  logic [BEAT-1:0]            beat,
  input  logic                       beat_last,

  output logic                       word_valid,
  input  logic                       word_ready,
  output logic [WIDTH-1:0]           word
);

  localparam int BEATS = WIDTH / BEAT;
  localparam int COUNT = (BEATS == 1) ? 1 : $clog2(BEATS);

  if (WIDTH % BEAT != 0 || BEAT % 8 != 0) begin : gen_wrong
    $error("a word of weights is a whole number of the weight stream's beats, and a beat whole bytes");
  end

  typedef enum logic [1:0] {IDLE, TAKE, PAD, SKIP} state_t;
  state_t state;
  // A frame has begun, and its stream has not.
  logic started;
  logic room, take, moves, word_end, all_end, all_taken;
  logic [COUNT-1:0] at;
  logic [31:0] words_left, crc, wanted_crc;
  logic [BEAT/8:0][31:0] crcs;

  assign crcs[0] = crc;
  for (genvar i = 0; i < BEAT / 8; i++) begin : gen_bytes
    ernscope_crc32 u_crc (.crc(crcs[i]), .data(beat[8*i +: 8]), .next(crcs[i+1]));
  end

  assign room = !word_valid || word_ready;
  assign beat_ready = (state == TAKE && room) || state == SKIP;
  assign take = state == TAKE && beat_valid && room;
  // A beat, or zeros in its place.
  assign moves = take || (state == PAD && room);
  assign word_end = at == COUNT'(BEATS - 1);
  assign all_end = word_end && words_left == 32'd1;

  always_ff @(posedge clk) begin
    if (rst) begin
      state <= IDLE;
    end else begin
      unique case (state)
        IDLE: if (started && !finished) state <= TAKE;
        TAKE:
          if (take && beat_last) state <= (all_end || finished) ? IDLE : PAD;
          else if ((take && all_end) || finished) state <= SKIP;
        PAD: if (finished || (moves && all_end)) state <= IDLE;
        SKIP: if (beat_valid && beat_last) state <= IDLE;
        default: state <= IDLE;
      endcase
    end
    if (rst || finished || state == TAKE) started <= 1'b0;
    else if (start) started <= expected_words != 0;
    if (start) begin
      at <= '0;
      words_left <= expected_words;
      wanted_crc <= expected_crc;
      crc <= '1;
    end else if (moves) begin
      at <= word_end ? '0 : at + 1'b1;
      if (word_end) words_left <= words_left - 1'b1;
      if (take) crc <= crcs[BEAT/8];
    end
    if (rst || finished) word_valid <= 1'b0;
    else if (moves) word_valid <= word_end;
    else if (word_ready) word_valid <= 1'b0;
    all_taken <= take && all_end && beat_last;
    if (rst || start) fault <= ernscope_pkg::STREAM_RIGHT;
    else if (take && beat_last && !all_end) fault <= ernscope_pkg::STREAM_SHORT;
    else if (take && all_end && !beat_last) fault <= ernscope_pkg::STREAM_LONG;
    else if (all_taken && ~crc != wanted_crc) fault <= ernscope_pkg::STREAM_OTHER;
  end

  if (BEATS == 1) begin : gen_whole
    always_ff @(posedge clk) if (moves) word <= take ? beat : '0;
  end else begin : gen_parts
    always_ff @(posedge clk) if (moves) word <= {take ? beat : BEAT'(0), word[WIDTH-1:BEAT]};
  end

`ifndef SYNTHESIS
  // ---- What must hold.
  logic stands;
  logic [WIDTH-1:0] stood;
  always_ff @(posedge clk) begin
    stands <= !rst && !finished && !start && word_valid && !word_ready;
    stood <= word;
    a_stands: assert (!stands || (word_valid && word == stood));
    a_counts: assert (rst || !(take || state == PAD) || words_left != 0);
    c_short: cover (fault == ernscope_pkg::STREAM_SHORT);
    c_long: cover (fault == ernscope_pkg::STREAM_LONG);
    c_other: cover (fault == ernscope_pkg::STREAM_OTHER);
    c_skipped: cover (state == SKIP && finished);
  end
`endif

endmodule

`default_nettype wire
