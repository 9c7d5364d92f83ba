// SPDX-License-Identifier: MIT OR Apache-2.0
// Packets to the host. A cycle: gives a byte where the line takes it. What the core has to say goes first, then a status: a
// status that says that nothing is under way is behind everything that was. Several reasons for a status make one of them.
`default_nettype none

module ernscope_packet_transmitter #(
  parameter int SLOTS = 4,
  parameter int BODY = 1024,
  parameter int CLOCK_KHZ = 60000
) (
  input  logic                  clk,
  input  logic                  rst,

  // For a cycle: a session begins; a packet was used up; a packet was refused or the status asked for.
  input  logic                  opened,
  input  logic                  used,
  input  logic                  notice,
  input  ernscope_pkg::reason_t notice_reason,

  // What is told: the session, the next packet's sequence number, that behind the last packet used up.
  input  logic [7:0]            session,
  input  logic [7:0]            expected,
  input  logic [7:0]            used_up,
  input  logic                  busy,
  input  logic [31:0]           checksum,

  // The core's answers, to the last command that came: to what the checksum covers. Read-back ends where the core takes commands again.
  input  logic                  read_valid,
  output logic                  read_ready,
  input  logic [31:0]           read_data,
  input  logic                  read_over,

  input  logic                  result_valid,
  output logic                  result_ready,
  input  logic [31:0]           result_data,
  input  logic                  result_last,
  input  logic [31:0]           cycles,      // of the frame so far

  // The packet with that command.
  input  logic [7:0]            answered,
  // An answer of the core is on its way.
  output logic                  answering,

  output logic                  out_valid,
  input  logic                  out_ready,
  output logic [7:0]            out_data
);

  localparam logic [31:0] CLOCK = 32'(CLOCK_KHZ);
  localparam logic [15:0] LARGEST = 16'(BODY);
  localparam logic [7:0] PLACES = 8'(SLOTS);
  localparam int HEAD = 3;
  localparam int STATUS_BODY = 8;
  localparam int OPENED_BODY = 12;
  localparam int WORD = 4;
  localparam int MOST = HEAD + OPENED_BODY;

  typedef enum logic [2:0] {IDLE, START, BYTES, WORDS, CYCLES, SEAL, CRC, FINISH} state_t;
  state_t state;
  ernscope_pkg::kind_t kind;
  logic [MOST-1:0][7:0] bytes;
  logic [3:0] left;
  logic [31:0] frame_cycles;

  // ---- A byte goes out as itself, as a flag, or in two parts.
  logic is_flag, is_special, escaping, given;

  assign is_flag = state == START || state == FINISH;
  assign is_special = !is_flag && (bytes[0] == ernscope_pkg::FLAG || bytes[0] == ernscope_pkg::ESCAPE);
  assign out_valid = is_flag || state == BYTES || state == CYCLES || state == CRC;
  assign given = out_valid && out_ready && (!is_special || escaping);

  always_comb begin
    if (is_flag) out_data = ernscope_pkg::FLAG;
    else if (!is_special) out_data = bytes[0];
    else out_data = escaping ? bytes[0] ^ ernscope_pkg::ESCAPED : ernscope_pkg::ESCAPE;
  end

  always_ff @(posedge clk) begin
    if (rst || given) escaping <= 1'b0;
    else if (out_valid && out_ready) escaping <= 1'b1;
  end

  logic [31:0] crc, crc_next;
  ernscope_crc32 u_crc (.crc, .data(bytes[0]), .next(crc_next));

  always_ff @(posedge clk) begin
    if (state == IDLE) crc <= '1;
    else if ((state == BYTES || state == CYCLES) && given) crc <= crc_next;
  end

  // ---- What is waiting.
  logic open_pending, status_pending;
  ernscope_pkg::reason_t reason;
  ernscope_pkg::kind_t next_kind;

  always_comb begin
    if (open_pending) next_kind = ernscope_pkg::OPENED;
    else if (read_valid) next_kind = ernscope_pkg::READ;
    else if (result_valid) next_kind = ernscope_pkg::RESULT;
    else next_kind = ernscope_pkg::STATUS;
  end

  logic starts;
  assign starts = state == IDLE && (open_pending || read_valid || result_valid || status_pending);

  always_ff @(posedge clk) begin
    if (rst) begin
      open_pending <= opened;
      status_pending <= 1'b0;
      reason <= ernscope_pkg::AGREED;
    end else begin
      if (starts && next_kind == ernscope_pkg::OPENED) open_pending <= 1'b0;
      if (notice || used) status_pending <= 1'b1;
      else if (starts && next_kind == ernscope_pkg::STATUS) status_pending <= 1'b0;
      if (notice) reason <= notice_reason;
      else if (starts && next_kind == ernscope_pkg::STATUS) reason <= ernscope_pkg::AGREED;
    end
  end

  // ---- A packet: its head and what of its body is known (where the core answers, the checksum), then the core's words one by one, the CRC.
  logic is_data, last_result, takes_word;
  logic [OPENED_BODY-1:0][7:0] opened_body;
  logic [STATUS_BODY-1:0][7:0] status_body;
  logic [7:0] number;

  assign number = (next_kind == ernscope_pkg::READ || next_kind == ernscope_pkg::RESULT) ? answered : expected;
  assign is_data = kind == ernscope_pkg::READ || kind == ernscope_pkg::RESULT;
  assign answering = state != IDLE && is_data;
  assign read_ready = state == WORDS && kind == ernscope_pkg::READ;
  assign result_ready = state == WORDS && kind == ernscope_pkg::RESULT && !last_result;
  assign takes_word = (read_ready && read_valid) || (result_ready && result_valid);
  assign opened_body = {CLOCK, LARGEST, PLACES, ernscope_pkg::PROTOCOL_VERSION, ernscope_pkg::MAGIC};
  assign status_body = {checksum, 7'd0, busy, used_up, expected, reason};

  logic [31:0] word;
  always_comb begin
    if (state == SEAL) word = ~crc;
    else if (last_result) word = frame_cycles;
    else word = (kind == ernscope_pkg::READ) ? read_data : result_data;
  end

  always_ff @(posedge clk) begin
    if (rst) begin
      state <= IDLE;
    end else begin
      unique case (state)
        IDLE: if (starts) state <= START;
        START: if (given) state <= BYTES;
        BYTES: if (given && left == 0) state <= is_data ? WORDS : SEAL;
        WORDS:
          if (takes_word) state <= BYTES;
          else if (last_result) state <= CYCLES;
          else if (read_ready && read_over) state <= SEAL;
        CYCLES: if (given && left == 0) state <= SEAL;
        SEAL: state <= CRC;
        CRC: if (given && left == 0) state <= FINISH;
        FINISH: if (given) state <= IDLE;
      endcase
    end
    if (starts) begin
      kind <= next_kind;
      last_result <= 1'b0;
      frame_cycles <= cycles;
      unique case (next_kind)
        ernscope_pkg::OPENED: bytes <= {opened_body, next_kind, number, session};
        ernscope_pkg::STATUS: bytes <= (8 * MOST)'({status_body, next_kind, number, session});
        default: bytes <= (8 * MOST)'({checksum, next_kind, number, session});
      endcase
      unique case (next_kind)
        ernscope_pkg::OPENED: left <= 4'(HEAD + OPENED_BODY - 1);
        ernscope_pkg::STATUS: left <= 4'(HEAD + STATUS_BODY - 1);
        default: left <= 4'(HEAD + WORD - 1);
      endcase
    end else if (state == WORDS || state == SEAL) begin
      bytes[WORD-1:0] <= word;
      left <= 4'(WORD - 1);
      if (result_ready && result_valid) last_result <= result_last;
    end else if (given && !is_flag) begin
      bytes <= bytes >> 8;
      left <= left - 1'b1;
    end
  end

endmodule

`default_nettype wire
