// SPDX-License-Identifier: MIT OR Apache-2.0
// What the modules and the host agree on: layer descriptors, commands, packets.
`default_nettype none

package ernscope_pkg;

  // Told by the capabilities; a host refuses another one.
  localparam logic [31:0] MAGIC = 32'h4552_4e31;
  localparam logic [31:0] CORE_VERSION = 32'd3;

  // 32-bit words of a descriptor; of a layer's counters; of the capabilities.
  localparam int DESCRIPTOR_BEATS = 8;
  localparam int COUNTER_BEATS = 5;
  localparam int CAPABILITY_BEATS = 20;

  // What a layer does, from bit 0 of its descriptor.
  typedef struct packed {
    logic wait_input;   // reads what the frame loader is still writing
    logic blank;        // every code counts as 0: the trunk alone reaches the thresholds
    logic pool;         // sums over all positions are the results; the program ends here
    logic write_codes;
    logic write_trunk;
    logic add_trunk;
    logic stride_2;
    logic kernel_3;
  } flags_t;

  // One layer. A word is PARALLEL_IN codes of one pixel; addresses count words of a bank.
  typedef struct packed {
    logic [15:0] window_words;  // words of weights that are read again and again: a tile's, or all where it waits; 0: none
    logic [15:0] classes_last;
    logic [15:0] tiles_last;    // groups of PARALLEL_OUT channels, less 1
    logic [15:0] rows_last;
    logic [31:0] trunk_plane;   // words of the trunk a tile
    logic [15:0] out_words;     // words a pixel
    logic [15:0] out_row;       // addresses a row
    logic [7:0]  ring;          // the frame's rows take turns in 2^ring of them; 0: a place for each
    logic [23:0] out_base;
    logic [15:0] groups_last;   // groups of PIXELS a row, less 1
    logic [15:0] in_edge;
    logic [15:0] in_words;
    logic [15:0] in_row;
    logic [23:0] in_base;
    flags_t      flags;
  } layer_t;

  // The first descriptor of a program describes the frame, and the weight stream that comes with it.
  typedef struct packed {
    logic [31:0] stream_words;
    logic [31:0] stream_crc;    // of a stream from outside: CRC-32 of all its bytes
    logic [31:0] stream_first;  // where it begins in a memory of the board's own
    logic [15:0] out_words;
    logic [15:0] out_row;
    logic [7:0]  ring;
    logic [23:0] out_base;      // where the loader writes
    logic [15:0] unused_groups;
    logic [15:0] edge_pixels;
    logic [15:0] unused_words;
    logic [15:0] row_beats;
    logic [23:0] unused_base;
    logic [6:0]  unused_flags;
    logic        pixels;        // a beat is a pixel, else a word of codes
  } frame_t;

  // Bits 31:24 of a command's first word; bits 23:0 are an address (RUN: the last descriptor to run), its second word counts
  // (RUN: any number; it makes one run's command differ from another's).
  typedef enum logic [7:0] {
    WRITE_LAYERS       = 8'h01,
    WRITE_WEIGHTS      = 8'h02,
    WRITE_TABLE        = 8'h04,
    READ_CODES         = 8'h11,
    READ_TRUNK         = 8'h12,
    READ_COUNTERS      = 8'h13,
    READ_CAPABILITIES  = 8'h14,
    RUN                = 8'h20
  } command_t;

  // What is wrong with the weight stream of a frame.
  typedef enum logic [1:0] {
    STREAM_RIGHT = 2'd0,
    STREAM_SHORT = 2'd1,   // it ended early
    STREAM_LONG  = 2'd2,   // it went on
    STREAM_OTHER = 2'd3    // it is another program's: its checksum is wrong
  } stream_fault_t;

  // Rows of thresholds, a power of two, that a word of the weight stream holds.
  function automatic int threshold_rows(int word_bits, int row_bits, int rows_a_tile);
    threshold_rows = 1;
    for (int rows = 2; rows * row_bits <= word_bits && rows_a_tile % rows == 0; rows = 2 * rows) threshold_rows = rows;
  endfunction

  // ---- Packets, as src/fpga/link/protocol.rs tells them.
  localparam logic [7:0] PROTOCOL_VERSION = 8'd1;
  localparam logic [7:0] FLAG = 8'h7e;
  localparam logic [7:0] ESCAPE = 8'h7d;
  localparam logic [7:0] ESCAPED = 8'h20;
  // CRC-32 (reflected, of IEEE 802.3) over a packet and its own CRC, before the last inversion.
  localparam logic [31:0] CRC_RESIDUE = 32'hdebb_20e3;

  typedef enum logic [7:0] {
    OPEN    = 8'h01,
    QUERY   = 8'h02,
    PROGRAM = 8'h03,
    PIXELS  = 8'h04,
    CODES   = 8'h05,
    OPENED  = 8'h81,
    STATUS  = 8'h82,
    READ    = 8'h83,
    RESULT  = 8'h84
  } kind_t;

  // Why a status was sent.
  typedef enum logic [7:0] {
    AGREED   = 8'd0,   // a packet was used up, or the status was asked for
    DAMAGED  = 8'd1,   // too short, too long or a wrong CRC
    SESSION  = 8'd2,   // of another session than the one that is open
    SEQUENCE = 8'd3,   // not the packet that is expected
    UNKNOWN  = 8'd4,   // of no known kind
    FULL     = 8'd5    // no room for it
  } reason_t;

endpackage

`default_nettype wire
