// SPDX-License-Identifier: MIT OR Apache-2.0
// Commands and what they carry: writes of program memory, read-back, the start of a frame. Two words a command: its code and an
// address, and a count; then, for a write, the memory words' beats of 32 bits, lowest first. Read-back gives beats likewise.
// A cycle: takes a beat while nothing runs, or gives one. A command that is not known is passed over.
`default_nettype none

module ernscope_program_port #(
  // 32-bit beats of a word of each memory.
  parameter int WEIGHT_BEATS = 32,
  parameter int TABLE_BEATS = 6,
  parameter int CODE_BEATS = 2,
  parameter int TRUNK_BEATS = 4,
  // The largest of those written, and of those read.
  parameter int IN_BEATS = 32,
  parameter int OUT_BEATS = 16
) (
  input  logic                        clk,
  input  logic                        rst,

  input  logic                        program_valid,
  output logic                        program_ready,
  input  logic [31:0]                 program_data,

  output logic                        read_valid,
  input  logic                        read_ready,
  output logic [31:0]                 read_data,

  output ernscope_pkg::command_t      command,
  output logic [23:0]                 address,
  // The word that a write has gathered, and where it goes; it starts at bit 0. Both stay for a cycle more.
  output logic                        write,
  output logic [23:0]                 write_address,
  output logic [IN_BEATS-1:0][31:0]   write_word,
  // A word that is read: asked for in one cycle, taken PEEK_CYCLES later.
  output logic                        peek,
  input  logic [OUT_BEATS-1:0][31:0]  peek_word,

  output logic                        run,
  input  logic                        finished,
  output logic                        running
);

  // Code memory is the slowest: its address, its bank, then three registers behind it.
  localparam int PEEK_CYCLES = 6;

  typedef enum logic [3:0] {CODE, COUNT, ACT, GATHER, STORE, ASK, AWAIT, GIVE, RUNNING} state_t;
  state_t state;
  logic [7:0] beats_last, beat;
  logic [31:0] count;
  logic [2:0] waited;
  logic [OUT_BEATS-1:0][31:0] out_word;
  logic is_write, is_read;
  // A beat on its way into the word, whose registers lie far apart.
  logic gathered;
  logic [$clog2(IN_BEATS)-1:0] gathered_at;
  logic [31:0] gathered_beat;

  always_comb begin
    is_write = 1'b1;
    is_read = 1'b0;
    beats_last = '0;
    unique case (command)
      ernscope_pkg::WRITE_LAYERS: beats_last = 8'(ernscope_pkg::DESCRIPTOR_BEATS - 1);
      ernscope_pkg::WRITE_WEIGHTS: beats_last = 8'(WEIGHT_BEATS - 1);
      ernscope_pkg::WRITE_TABLE: beats_last = 8'(TABLE_BEATS - 1);
      ernscope_pkg::READ_CODES: {is_write, is_read, beats_last} = {2'b01, 8'(CODE_BEATS - 1)};
      ernscope_pkg::READ_TRUNK: {is_write, is_read, beats_last} = {2'b01, 8'(TRUNK_BEATS - 1)};
      ernscope_pkg::READ_COUNTERS: {is_write, is_read, beats_last} = {2'b01, 8'(ernscope_pkg::COUNTER_BEATS - 1)};
      ernscope_pkg::READ_CAPABILITIES: {is_write, is_read, beats_last} = {2'b01, 8'(ernscope_pkg::CAPABILITY_BEATS - 1)};
      default: is_write = 1'b0;
    endcase
  end

  assign program_ready = state == CODE || state == COUNT || state == GATHER;
  assign read_valid = state == GIVE;
  assign read_data = out_word[0];
  assign peek = state == ASK;
  assign running = state == RUNNING;
  assign run = state == ACT && command == ernscope_pkg::RUN;

  always_ff @(posedge clk) begin
    if (rst) begin
      state <= CODE;
    end else begin
      unique case (state)
        CODE: if (program_valid) state <= COUNT;
        COUNT: if (program_valid) state <= ACT;
        ACT:
          if (command == ernscope_pkg::RUN) state <= RUNNING;
          else if (count == 0 || !(is_write || is_read)) state <= CODE;
          else state <= is_write ? GATHER : ASK;
        GATHER: if (program_valid && beat == beats_last) state <= STORE;
        STORE: state <= (count == 1) ? CODE : GATHER;
        ASK: state <= AWAIT;
        AWAIT: if (waited == 3'(PEEK_CYCLES - 1)) state <= GIVE;
        GIVE: if (read_ready && beat == beats_last) state <= (count == 1) ? CODE : ASK;
        RUNNING: if (finished) state <= CODE;
        default: state <= CODE;
      endcase
    end
    if (state == CODE && program_valid) {command, address} <= {ernscope_pkg::command_t'(program_data[31:24]), program_data[23:0]};
    if (state == COUNT && program_valid) count <= program_data;
    if (state == ACT || state == STORE || state == ASK) beat <= '0;
    else if ((state == GATHER && program_valid) || (state == GIVE && read_ready)) beat <= beat + 1'b1;
    gathered <= state == GATHER && program_valid;
    gathered_at <= beat[$clog2(IN_BEATS)-1:0];
    gathered_beat <= program_data;
    if (gathered) write_word[gathered_at] <= gathered_beat;
    write <= state == STORE && !rst;
    if (state == STORE) write_address <= address;
    if (state == STORE || (state == GIVE && read_ready && beat == beats_last)) begin
      address <= address + 1'b1;
      count <= count - 1'b1;
    end
    waited <= (state == AWAIT) ? waited + 1'b1 : '0;
    if (state == AWAIT) out_word <= peek_word;
    else if (state == GIVE && read_ready) out_word <= out_word >> 32;
  end

`ifndef SYNTHESIS
  // ---- What must hold.
  logic stands;
  logic [31:0] stood;
  always_ff @(posedge clk) begin
    stands <= !rst && read_valid && !read_ready;
    stood <= read_data;
    a_stands: assert (!stands || (read_valid && read_data == stood));
    a_one: assert (rst || !(running && (program_ready || read_valid)));
    c_unknown: cover (state == ACT && !is_write && !is_read && !run);
  end
`endif

endmodule

`default_nettype wire
