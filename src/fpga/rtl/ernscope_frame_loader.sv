// SPDX-License-Identifier: MIT OR Apache-2.0
// Takes a frame and writes it as words of codes: pixels through the pixel-embedding table, or codes as they are.
// A cycle: takes a beat (a pixel, three bytes; or a word of codes), and writes the word that the table showed for the beat
// before, unless the output unit writes or the row's place in the ring is still read. A pixel of more than PARALLEL_IN codes takes a cycle a word.
`default_nettype none

module ernscope_frame_loader #(
  parameter int PARALLEL_IN = 32,
  parameter int PIXELS = 1,
  parameter int CODE_DEPTH = 8192,
  parameter int TABLE_WORDS = 1,
  parameter int FRAME_BITS = 64,
  localparam int BANKS = (PIXELS == 1) ? 1 : 2 * PIXELS,
  localparam int BANK = (BANKS == 1) ? 1 : $clog2(BANKS),
  localparam int ADDRESS = $clog2(CODE_DEPTH),
  localparam int WORD = 2 * PARALLEL_IN,
  localparam int TABLE_DEPTH = 256 * TABLE_WORDS,
  localparam int TABLE_ADDRESS = $clog2(TABLE_DEPTH)
) (
  input  logic                     clk,
  input  logic                     rst,

  // `start`: a frame as `frame` describes it follows. `rows` of it are written.
  input  logic                     start,
  // Each module reads its part of a descriptor.
  /* verilator lint_off UNUSEDSIGNAL */
  input  ernscope_pkg::frame_t     frame,
  /* verilator lint_on UNUSEDSIGNAL */
  output logic [15:0]              rows,
  input  logic [15:0]              released_rows,
  output logic                     busy,

  input  logic                     beat_valid,
  output logic                     beat_ready,
  input  logic [FRAME_BITS-1:0]    beat,

  // The table, from the host: the words of the three colours' byte, side by side; 256 addresses a word.
  input  logic                     table_we,
  input  logic [TABLE_ADDRESS-1:0] table_waddr,
  input  logic [3*WORD-1:0]        table_wdata,

  output logic                     code_write,
  input  logic                     code_ready,
  output logic [ADDRESS-1:0]       code_address,
  output logic [BANK-1:0]          code_bank,
  output logic [WORD-1:0]          code_word
);

  logic pixels;
  logic [15:0] edge_last, words_last, beats_last;
  logic [ADDRESS-1:0] out_base, out_words, out_row;
  // All ones without a ring.
  logic [15:0] ring_mask;

  always_ff @(posedge clk) begin
    if (start) begin
      pixels <= frame.pixels;
      ring_mask <= (frame.ring == 0) ? '1 : ~({16{1'b1}} << frame.ring);
      out_base <= ADDRESS'(frame.out_base);
      edge_last <= frame.edge_pixels - 1'b1;
      beats_last <= frame.row_beats - 1'b1;
      words_last <= frame.out_words - 1'b1;
      out_words <= ADDRESS'(frame.out_words);
      out_row <= ADDRESS'(frame.out_row);
    end
  end

  // Beats of this frame only: the next frame's wait for their start.
  logic receiving;
  logic [15:0] beats_of_row, beats_rows;

  always_ff @(posedge clk) begin
    if (rst) begin
      receiving <= 1'b0;
    end else if (start) begin
      receiving <= 1'b1;
      beats_of_row <= '0;
      beats_rows <= '0;
    end else if (beat_valid && beat_ready) begin
      beats_of_row <= (beats_of_row == beats_last) ? '0 : beats_of_row + 1'b1;
      if (beats_of_row == beats_last) begin
        beats_rows <= beats_rows + 1'b1;
        receiving <= beats_rows != edge_last;
      end
    end
  end

  // A beat, and which of its words is looked up; the word before, to be written.
  logic held, behind, advance, word_end;
  logic [FRAME_BITS-1:0] pixel;
  logic [15:0] word;
  logic [WORD-1:0] raw;
  logic [2:0][WORD-1:0] colours;

  assign advance = !behind || (code_write && code_ready);
  assign word_end = !pixels || word == words_last;
  assign beat_ready = receiving && (!held || (advance && word_end));

  always_ff @(posedge clk) begin
    if (rst || start) begin
      held <= 1'b0;
      behind <= 1'b0;
    end else begin
      if (beat_valid && beat_ready) held <= 1'b1;
      else if (advance && word_end) held <= 1'b0;
      if (advance) behind <= held;
    end
    if (beat_valid && beat_ready) begin
      pixel <= beat;
      word <= '0;
    end else if (held && advance) begin
      word <= word + 1'b1;
    end
    if (held && advance) raw <= pixel[WORD-1:0];
  end

  for (genvar c = 0; c < 3; c++) begin : gen_colours
    logic [TABLE_ADDRESS-1:0] raddr;
    if (TABLE_WORDS == 1) begin : gen_byte
      assign raddr = pixel[8*c +: 8];
    end else begin : gen_word
      assign raddr = {word[TABLE_ADDRESS-9:0], pixel[8*c +: 8]};
    end
    ernscope_memory #(.WIDTH(WORD), .DEPTH(TABLE_DEPTH)) u_table (
      .clk,
      .we(table_we), .waddr(table_waddr), .wdata(table_wdata[WORD*c +: WORD]),
      .re(held && advance), .raddr, .rdata(colours[c])
    );
  end

  // Where it is written. The ring's rows are free up to `limit`, which may be told late.
  logic [16:0] limit;
  logic [15:0] x, at_word;
  logic [ADDRESS-1:0] row_address, x_address;

  always_ff @(posedge clk) limit <= start ? '0 : 17'(released_rows) + 17'(ring_mask);
  assign code_write = behind && 17'(rows) <= limit;
  assign code_word = pixels ? (colours[0] | colours[1] | colours[2]) : raw;
  assign code_address = row_address + x_address + ADDRESS'(at_word);

  if (BANKS == 1) begin : gen_one_bank
    assign code_bank = '0;
  end else begin : gen_banks
    assign code_bank = x[BANK-1:0];
  end

  always_ff @(posedge clk) begin
    if (rst) begin
      busy <= 1'b0;
      rows <= '0;
    end else if (start) begin
      busy <= 1'b1;
      rows <= '0;
      x <= '0;
      at_word <= '0;
      row_address <= ADDRESS'(frame.out_base);
      x_address <= '0;
    end else if (code_write && code_ready) begin
      at_word <= (at_word == words_last) ? '0 : at_word + 1'b1;
      if (at_word == words_last) begin
        x <= (x == edge_last) ? '0 : x + 1'b1;
        if (x == edge_last) begin
          rows <= rows + 1'b1;
          busy <= rows != edge_last;
          row_address <= ((rows + 1'b1) & ring_mask) == 0 ? out_base : row_address + out_row;
          x_address <= '0;
        end else if (BANKS == 1 || (x & 16'(BANKS - 1)) == 16'(BANKS - 1)) begin
          x_address <= x_address + out_words;
        end
      end
    end
  end

`ifndef SYNTHESIS
  // ---- What must hold.
  logic stands;
  logic [ADDRESS-1:0] stood_at;
  logic [WORD-1:0] stood;
  always_ff @(posedge clk) begin
    stands <= !rst && !start && code_write && !code_ready;
    stood_at <= code_address;
    stood <= code_word;
    a_stands: assert (!stands || (code_write && code_address == stood_at && code_word == stood));
    a_rows: assert (rst || !busy || rows <= edge_last);
    c_stalled: cover (stands);
    c_ring_full: cover (behind && !code_write);
  end
`endif

endmodule

`default_nettype wire
