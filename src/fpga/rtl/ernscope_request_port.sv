// SPDX-License-Identifier: MIT OR Apache-2.0
// Packets to the core's streams, in their order. A cycle: takes a byte of a packet's body; gives a program word or a beat of a
// frame, where its last byte has come. A packet of the program waits until the core takes commands, so that what the core
// answers is known to be of that packet; frames go on meanwhile. What is left over at a body's end is dropped.
`default_nettype none

module ernscope_request_port #(
  parameter int FRAME_BITS = 64,
  parameter int CODE_BYTES = 8,
  parameter int BODY_ADDRESS = 10
) (
  input  logic                    clk,
  input  logic                    rst,

  // The first packet of a session.
  input  logic [7:0]              first,

  input  logic                    packet_valid,
  input  logic [7:0]              packet_sequence,
  input  ernscope_pkg::kind_t     packet_kind,
  input  logic [BODY_ADDRESS:0]   packet_length,
  output logic                    packet_done,
  output logic                    body_read,
  output logic [BODY_ADDRESS-1:0] body_address,
  input  logic [7:0]              body_data,

  output logic                    program_valid,
  input  logic                    program_ready,
  output logic [31:0]             program_data,
  // The core takes commands and its last answer is through.
  input  logic                    program_free,
  // The packet of the program that came last, and CRC-32 (inverted) over the bodies of all packets.
  output logic [7:0]              program_sequence,
  output logic [31:0]             checksum,

  // The sequence number behind the last packet that was used up.
  output logic [7:0]              used_up,
  output logic                    busy,

  output logic                    frame_valid,
  input  logic                    frame_ready,
  output logic [FRAME_BITS-1:0]   frame_data
);

  localparam int WORD_BYTES = 4;
  localparam int PIXEL_BYTES = 3;
  localparam int MOST = (CODE_BYTES > WORD_BYTES) ? CODE_BYTES : WORD_BYTES;

  logic active, starts, fetched, full, taken, advance, is_program, is_pixels;
  logic [BODY_ADDRESS:0] at;
  logic [3:0] gathered, wanted;
  logic [MOST-1:0][7:0] bytes;

  // Of the packet that is active.
  always_ff @(posedge clk) begin
    if (!active) begin
      is_program <= packet_kind == ernscope_pkg::PROGRAM;
      is_pixels <= packet_kind == ernscope_pkg::PIXELS;
      unique case (packet_kind)
        ernscope_pkg::PROGRAM: wanted <= 4'(WORD_BYTES);
        ernscope_pkg::PIXELS: wanted <= 4'(PIXEL_BYTES);
        default: wanted <= 4'(CODE_BYTES);
      endcase
    end
  end

  assign starts = !active && packet_valid && (packet_kind != ernscope_pkg::PROGRAM || program_free);
  assign busy = active || packet_valid;
  assign full = active && gathered == wanted;
  assign program_valid = full && is_program;
  assign frame_valid = full && !is_program;
  assign taken = full && (is_program ? program_ready : frame_ready);
  assign advance = active && (!full || taken);

  // Bytes move in from above.
  assign program_data = bytes[MOST-1 -: WORD_BYTES];
  assign frame_data = is_pixels
      ? FRAME_BITS'(bytes[MOST-1 -: PIXEL_BYTES]) : FRAME_BITS'(bytes[MOST-1 -: CODE_BYTES]);

  assign body_address = at[BODY_ADDRESS-1:0];
  assign body_read = advance && at != packet_length;
  assign packet_done = !rst && advance && at == packet_length && !fetched;

  logic [31:0] crc, crc_next;
  ernscope_crc32 u_crc (.crc, .data(body_data), .next(crc_next));
  assign checksum = ~crc;

  always_ff @(posedge clk) begin
    if (rst) begin
      active <= 1'b0;
      crc <= '1;
    end else if (!active) begin
      active <= starts;
    end else if (packet_done) begin
      active <= 1'b0;
    end
    if (rst || !active) begin
      at <= '0;
      fetched <= 1'b0;
      gathered <= '0;
    end else if (advance) begin
      if (body_read) at <= at + 1'b1;
      fetched <= body_read;
      if (fetched) bytes <= {body_data, bytes[MOST-1:1]};
      if (fetched) crc <= crc_next;
      gathered <= (taken ? 4'd0 : gathered) + 4'(fetched);
    end
    if (starts && packet_kind == ernscope_pkg::PROGRAM) program_sequence <= packet_sequence;
    if (rst) used_up <= first;
    else if (packet_done) used_up <= packet_sequence + 1'b1;
  end

`ifndef SYNTHESIS
  // ---- What must hold.
  always_ff @(posedge clk) begin
    if (!rst) begin
      a_has_packet: assert (!active || packet_valid);
      a_gathered: assert (!active || (wanted != 0 && gathered <= wanted));
      c_waits: cover (full && !taken);
    end
  end
`endif

endmodule

`default_nettype wire
