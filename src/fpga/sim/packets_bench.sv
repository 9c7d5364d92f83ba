// SPDX-License-Identifier: MIT OR Apache-2.0
// Packets from the line to the core's streams (packet_receiver, request_port): random packets, good and damaged, of this session
// and others, in and out of turn, with pauses; a core that takes words when it likes, so that there often is no room; sessions that
// begin in the middle of everything. What reaches the core is what was sent, whole and in turn; every other packet is refused for
// its reason; the checksum is that of all bodies that were taken.
`default_nettype none

module packets_bench;

  localparam int SLOTS = 4;
  localparam int BODY = 64;
  localparam int BODY_ADDRESS = $clog2(BODY);
  localparam int FRAME_BITS = 64;
  localparam int CODE_BYTES = 8;
  localparam int PACKETS = 60000;

  logic clk = 1'b0, rst = 1'b1;
  always #500 clk = ~clk;

  logic in_valid = 1'b0;
  logic [7:0] in_data = 8'd0;
  logic opened, anew, notice, packet_valid, packet_done, body_read;
  logic [7:0] session, expected, packet_sequence, body_data, program_sequence, used_up;
  ernscope_pkg::reason_t notice_reason;
  ernscope_pkg::kind_t packet_kind;
  logic [BODY_ADDRESS:0] packet_length;
  logic [BODY_ADDRESS-1:0] body_address;
  logic program_valid, program_ready = 1'b0, program_free = 1'b0, frame_valid, frame_ready = 1'b0, busy;
  logic [31:0] program_data, checksum;
  logic [FRAME_BITS-1:0] frame_data;

  ernscope_packet_receiver #(.SLOTS(SLOTS), .BODY(BODY)) u_receiver (.*);

  ernscope_request_port #(.FRAME_BITS(FRAME_BITS), .CODE_BYTES(CODE_BYTES), .BODY_ADDRESS(BODY_ADDRESS)) u_requests (
    .rst(anew), .first(expected), .*
  );

  // ---- What the core takes, and how willingly.
  // The words that are to come: bit 64 tells the program's.
  logic [64:0] to_come [$];
  int willing = 500, words = 0;

  always @(negedge clk) begin
    if ($urandom_range(299) == 0) willing = ($urandom_range(1) == 0) ? 20 : 900;
    program_ready = int'($urandom_range(999)) < willing;
    program_free = program_ready;
    frame_ready = int'($urandom_range(999)) < willing;
  end

  task automatic check_word(logic [64:0] word);
    if (to_come.size() == 0) $fatal(1, "a word %h that nobody sent", word);
    if (word != to_come[0]) $fatal(1, "word %0d is %h, sent was %h", words, word, to_come[0]);
    void'(to_come.pop_front());
    words++;
  endtask

  always @(posedge clk) begin
    if (anew) to_come.delete();
    else if (program_valid && program_ready) check_word({1'b1, 32'd0, program_data});
    else if (frame_valid && frame_ready) check_word({1'b0, frame_data});
  end

  // ---- What the receiver says.
  int notices = 0, full_cycles = 0, notices_before, full_before;
  ernscope_pkg::reason_t reason;

  always @(posedge clk) begin
    if (notice) reason <= notice_reason;
    notices <= notices + int'(notice);
    full_cycles <= full_cycles + int'(u_receiver.is_full);
  end

  // ---- What is sent.
  logic [31:0] crc, taken_crc = '1;
  logic [7:0] packet_session = 8'd0, next = 8'd0;
  int taken = 0, refused [6];

  function automatic logic [31:0] crc_behind(logic [31:0] so_far, logic [7:0] data);
    crc_behind = so_far ^ 32'(data);
    for (int i = 0; i < 8; i++) crc_behind = (crc_behind >> 1) ^ (crc_behind[0] ? 32'hedb8_8320 : 32'd0);
  endfunction

  task automatic put(logic [7:0] data);
    @(negedge clk);
    in_valid = 1'b1;
    in_data = data;
    if ($urandom_range(49) == 0) begin
      @(negedge clk);
      in_valid = 1'b0;
      repeat ($urandom_range(60)) @(negedge clk);
    end
  endtask

  task automatic put_byte(logic [7:0] data);
    crc = crc_behind(crc, data);
    if (data == ernscope_pkg::FLAG || data == ernscope_pkg::ESCAPE) begin
      put(ernscope_pkg::ESCAPE);
      put(data ^ ernscope_pkg::ESCAPED);
    end else begin
      put(data);
    end
  endtask

  // The packet's last flag has been taken, and what it decides can be seen.
  task automatic put_packet(logic [7:0] of, logic [7:0] number, ernscope_pkg::kind_t kind, logic [7:0] body [$], bit damaged);
    logic [31:0] tail;
    crc = '1;
    notices_before = notices;
    put(ernscope_pkg::FLAG);
    put_byte(of);
    put_byte(number);
    put_byte(kind);
    full_before = full_cycles;
    foreach (body[i]) put_byte(body[i]);
    tail = ~crc ^ 32'(damaged);
    for (int i = 0; i < 4; i++) put_byte(tail[8*i +: 8]);
    @(negedge clk);
    in_valid = 1'b1;
    in_data = ernscope_pkg::FLAG;
    @(negedge clk);
    in_valid = 1'b0;
  endtask

  // The words of a body that was taken.
  task automatic expect_words(ernscope_pkg::kind_t kind, logic [7:0] body [$]);
    int size;
    logic [63:0] word;
    size = (kind == ernscope_pkg::PROGRAM) ? 4 : (kind == ernscope_pkg::PIXELS) ? 3 : CODE_BYTES;
    for (int i = 0; i + size <= body.size(); i += size) begin
      word = '0;
      for (int j = 0; j < size; j++) word[8*j +: 8] = body[i + j];
      to_come.push_back({kind == ernscope_pkg::PROGRAM, word});
    end
    foreach (body[i]) taken_crc = crc_behind(taken_crc, body[i]);
  endtask

  task automatic begin_session;
    logic [7:0] none [$];
    packet_session = packet_session + 8'd1;
    next = 8'($urandom);
    put_packet(packet_session, next, ernscope_pkg::OPEN, none, 1'b0);
    if (session != packet_session || expected != next + 8'd1) $fatal(1, "the session did not begin");
    next = next + 8'd1;
    taken_crc = '1;
    @(negedge clk);
    if (packet_valid) $fatal(1, "a session begins with a packet of the one before");
  endtask

  task automatic rest;
    while (busy) @(negedge clk);
    if (to_come.size() != 0) $fatal(1, "%0d words did not come", to_come.size());
    if (checksum != ~taken_crc) $fatal(1, "the checksum is %h, not %h", checksum, ~taken_crc);
    if (used_up != next) $fatal(1, "%h is used up, not %h", used_up, next);
  endtask

  // One packet in five has a fault, which must be the reason why it is refused.
  task automatic send_one;
    logic [7:0] body [$], of, number;
    ernscope_pkg::kind_t kind;
    ernscope_pkg::reason_t due;
    int fault;
    body.delete();
    repeat ($urandom_range(BODY)) body.push_back(8'($urandom));
    fault = int'($urandom_range(19));
    kind = (fault == 3) ? ernscope_pkg::STATUS : ernscope_pkg::kind_t'(8'(ernscope_pkg::PROGRAM) + 8'($urandom_range(2)));
    of = packet_session + 8'(fault == 1);
    number = next + ((fault == 2) ? 8'(1 + $urandom_range(254)) : 8'd0);
    put_packet(of, number, kind, body, fault == 0);
    case (fault)
      0: due = ernscope_pkg::DAMAGED;
      1: due = ernscope_pkg::SESSION;
      2: due = ernscope_pkg::SEQUENCE;
      3: due = ernscope_pkg::UNKNOWN;
      default: due = ernscope_pkg::AGREED;
    endcase
    if (due == ernscope_pkg::AGREED && expected == next) begin
      if (full_cycles == full_before) $fatal(1, "a good packet is refused, and there was room");
      due = ernscope_pkg::FULL;
    end
    if (due == ernscope_pkg::AGREED) begin
      if (expected != next + 8'd1) $fatal(1, "%h is expected, not %h", expected, next + 8'd1);
      expect_words(kind, body);
      next = next + 8'd1;
      taken++;
    end else begin
      if (expected != next) $fatal(1, "a packet that is to be refused (%0d) counts", due);
      @(negedge clk);
      if (notices != notices_before + 1 || reason != due) $fatal(1, "refused for %0d, not for %0d", reason, due);
      refused[int'(due)]++;
    end
  endtask

  initial begin
    repeat (4) @(negedge clk);
    rst = 1'b0;
    begin_session();
    for (int i = 0; i < PACKETS; i++) begin
      send_one();
      if ($urandom_range(19) == 0) begin_session();
      else if ($urandom_range(19) == 0) rest();
    end
    rest();
    for (int i = 1; i < 6; i++) if (refused[i] < 100) $fatal(1, "only %0d refused for %0d", refused[i], i);
    $display("packets: %0d taken, %0d words, refused: %0d damaged, %0d of another session, %0d out of turn, %0d unknown, %0d for want of room",
      taken, words, refused[1], refused[2], refused[3], refused[4], refused[5]);
    $finish;
  end

endmodule

`default_nettype wire
