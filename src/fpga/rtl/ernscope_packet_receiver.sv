// SPDX-License-Identifier: MIT OR Apache-2.0
// Bytes of the line to packets. A cycle: takes a byte, always; takes the escapes out, counts and checks. A packet that is whole,
// of this session and the expected one is kept, in one of SLOTS places; of every other one the host is told why not. OPEN starts
// a session: everything is forgotten.
`default_nettype none

module ernscope_packet_receiver #(
  parameter int SLOTS = 4,
  parameter int BODY = 1024,
  localparam int BODY_ADDRESS = $clog2(BODY),
  localparam int SLOT = $clog2(SLOTS)
) (
  input  logic                    clk,
  input  logic                    rst,

  input  logic                    in_valid,
  input  logic [7:0]              in_data,

  // For a cycle: a session begins.
  output logic                    opened,
  // The same, and the cycle behind a reset: all that is behind the receiver starts over. A register, as it goes everywhere.
  output logic                    anew,
  output logic [7:0]              session,
  // The next packet's sequence number.
  output logic [7:0]              expected,
  // For a cycle: the host is to be told something.
  output logic                    notice,
  output ernscope_pkg::reason_t   notice_reason,

  // The oldest packet that is kept; `packet_done` lets it go.
  output logic                    packet_valid,
  output logic [7:0]              packet_sequence,
  output ernscope_pkg::kind_t     packet_kind,
  output logic [BODY_ADDRESS:0]   packet_length,
  input  logic                    packet_done,
  input  logic                    body_read,
  input  logic [BODY_ADDRESS-1:0] body_address,
  output logic [7:0]              body_data
);

  // Session, sequence, kind; the CRC.
  localparam int HEAD = 3;
  localparam int TAIL = 4;
  localparam int LONGEST = BODY + HEAD + TAIL;
  localparam int COUNT = $clog2(LONGEST + 2);

  // ---- Bytes of a packet.
  logic escaped, is_flag, is_escape, is_byte;
  logic [7:0] data;
  logic [COUNT-1:0] count;
  logic [31:0] crc, crc_next;

  assign is_flag = in_valid && in_data == ernscope_pkg::FLAG;
  assign is_escape = in_valid && in_data == ernscope_pkg::ESCAPE;
  assign is_byte = in_valid && !is_flag && !is_escape;
  assign data = escaped ? in_data ^ ernscope_pkg::ESCAPED : in_data;

  ernscope_crc32 u_crc (.crc, .data, .next(crc_next));

  logic [7:0] told_session, told_sequence;
  ernscope_pkg::kind_t told_kind;

  always_ff @(posedge clk) begin
    if (rst || is_flag) begin
      escaped <= 1'b0;
      count <= '0;
      crc <= '1;
    end else if (is_escape) begin
      escaped <= 1'b1;
    end else if (is_byte) begin
      escaped <= 1'b0;
      if (count != COUNT'(LONGEST + 1)) count <= count + 1'b1;
      crc <= crc_next;
      if (count == 0) told_session <= data;
      if (count == 1) told_sequence <= data;
      if (count == 2) told_kind <= ernscope_pkg::kind_t'(data);
    end
  end

  // ---- What a packet's last flag decides.
  logic [SLOT:0] kept;
  logic [SLOT-1:0] newest, oldest;
  logic whole, is_request, open, keep, is_full;
  // A byte of this packet's body found no room: a place that is free at its end does not hold it.
  logic dropped;
  ernscope_pkg::reason_t reason;

  assign is_full = kept == (SLOT + 1)'(SLOTS);
  assign whole = count >= COUNT'(HEAD + TAIL) && count <= COUNT'(LONGEST) && crc == ernscope_pkg::CRC_RESIDUE && !escaped;
  assign is_request = told_kind == ernscope_pkg::PROGRAM || told_kind == ernscope_pkg::PIXELS || told_kind == ernscope_pkg::CODES;
  assign open = whole && told_kind == ernscope_pkg::OPEN;
  assign keep = whole && !open && reason == ernscope_pkg::AGREED && is_request;

  always_comb begin
    if (!whole) reason = ernscope_pkg::DAMAGED;
    else if (told_session != session) reason = ernscope_pkg::SESSION;
    else if (told_kind == ernscope_pkg::QUERY) reason = ernscope_pkg::AGREED;
    else if (!is_request) reason = ernscope_pkg::UNKNOWN;
    else if (told_sequence != expected) reason = ernscope_pkg::SEQUENCE;
    else if (is_full || dropped) reason = ernscope_pkg::FULL;
    else reason = ernscope_pkg::AGREED;
  end

  always_ff @(posedge clk) begin
    opened <= 1'b0;
    anew <= rst;
    notice <= 1'b0;
    if (rst) begin
      session <= '0;
      expected <= '0;
      {newest, oldest} <= '0;
      kept <= '0;
    end else begin
      if (packet_done) oldest <= oldest + 1'b1;
      kept <= kept + (SLOT + 1)'(is_flag && keep) - (SLOT + 1)'(packet_done);
      if (is_flag && keep) begin
        expected <= expected + 1'b1;
        newest <= newest + 1'b1;
      end else if (is_flag && open) begin
        {opened, anew} <= 2'b11;
        session <= told_session;
        expected <= told_sequence + 1'b1;
        {newest, oldest} <= '0;
        kept <= '0;
      end else if (is_flag && count != 0) begin
        notice <= 1'b1;
        notice_reason <= reason;
      end
    end
  end

  // ---- The places.
  logic [7:0] sequences [SLOTS];
  ernscope_pkg::kind_t kinds [SLOTS];
  logic [BODY_ADDRESS:0] lengths [SLOTS];

  // No longer than a body where the packet is whole.
  /* verilator lint_off UNUSEDSIGNAL */
  logic [COUNT:0] body_length;
  /* verilator lint_on UNUSEDSIGNAL */
  assign body_length = (COUNT + 1)'(count) - (COUNT + 1)'(HEAD + TAIL);

  always_ff @(posedge clk) begin
    if (is_flag && keep) begin
      sequences[newest] <= told_sequence;
      kinds[newest] <= told_kind;
      lengths[newest] <= body_length[BODY_ADDRESS:0];
    end
  end

  assign packet_valid = kept != 0;
  assign packet_sequence = sequences[oldest];
  assign packet_kind = kinds[oldest];
  assign packet_length = lengths[oldest];

  // The CRC may stand behind a short body; behind a full one there is no room for it. A full house must not be overwritten.
  logic in_body;
  // The upper bits are 0 within a body.
  /* verilator lint_off UNUSEDSIGNAL */
  logic [COUNT-1:0] behind_head;
  /* verilator lint_on UNUSEDSIGNAL */
  assign in_body = count >= COUNT'(HEAD) && count < COUNT'(HEAD + BODY);
  assign behind_head = count - COUNT'(HEAD);

  always_ff @(posedge clk) begin
    if (rst || is_flag) dropped <= 1'b0;
    else if (is_byte && in_body && is_full) dropped <= 1'b1;
  end

  ernscope_memory #(.WIDTH(8), .DEPTH(SLOTS * BODY)) u_bodies (
    .clk,
    .we(is_byte && in_body && !is_full), .waddr({newest, behind_head[BODY_ADDRESS-1:0]}), .wdata(data),
    .re(body_read), .raddr({oldest, body_address}), .rdata(body_data)
  );

`ifndef SYNTHESIS
  // ---- What must hold.
  logic stands = 1'b0;
  logic [7:0] sequence_stood;
  ernscope_pkg::kind_t kind_stood;
  logic [BODY_ADDRESS:0] length_stood;
  always_ff @(posedge clk) begin
    stands <= !rst && packet_valid && !packet_done && !(is_flag && open);
    sequence_stood <= packet_sequence;
    kind_stood <= packet_kind;
    length_stood <= packet_length;
    if (!rst) begin
      a_kept: assert (kept <= (SLOT + 1)'(SLOTS));
      a_places: assert (SLOT'(newest - oldest) == kept[SLOT-1:0]);
      a_stands: assert (!stands || (packet_valid && packet_sequence == sequence_stood && packet_kind == kind_stood && packet_length == length_stood));
      a_taken: assert (!packet_done || packet_valid);
      c_full: cover (is_flag && whole && reason == ernscope_pkg::FULL);
      c_dropped: cover (is_flag && dropped && !is_full);
    end
  end
`endif

endmodule

`default_nettype wire
