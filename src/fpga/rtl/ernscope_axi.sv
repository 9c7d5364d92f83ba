// SPDX-License-Identifier: MIT OR Apache-2.0
// The accelerator on a processor's bus: AXI4-Lite for commands and read-back, AXI4-Stream for frames and results. Registers, of
// 32 bits, by the byte they start at:
//   0  COMMAND   write: a word for the program port
//   4  ANSWER    read: the next word of read-back
//   8  STATUS    read: bit 0: COMMAND takes a word; bit 1: ANSWER has one; bit 2: a frame runs; bit 3: it waits for weights;
//                bits 5:4: what is wrong with its weights (stream_fault_t), until the next one; bit 6: an access was refused since
//                STATUS was read before
//   12 IDENTITY  read: what the capabilities begin with
// A cycle: takes a write whose address and data are both there, and a read; answers each from the next cycle on. A word that the
// core cannot take at once is held. While one is held and a frame runs, or read-back waits to be taken, COMMAND refuses: the bus never
// waits for more than a few cycles. So do ANSWER without a word, half a word, and all other addresses. A refused access has done
// nothing but set its bit of STATUS; it is answered OKAY, as an error that comes back behind a posted write is one that processors stop
// over. A frame's beat is a pixel in bits 23:0, or a word of codes. Weights are a frame's whole stream,
// with TLAST; results made with wrong ones have the reason in TUSER.
`default_nettype none

module ernscope_axi #(
  parameter int PARALLEL_IN = 32,
  parameter int PARALLEL_OUT = 32,
  parameter int PIXELS = 2,
  parameter int DRAIN_CHANNELS = 8,
  parameter int ACC_BITS = 14,
  parameter int TRUNK_BITS = 16,
  parameter int CODE_DEPTH = 2048,
  parameter int WEIGHT_DEPTH = 0,
  parameter int WEIGHT_BEAT = 128,
  parameter int WINDOW_DEPTH = 1024,
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
  localparam int FRAME_BITS = (PARALLEL_IN > 12) ? 2 * PARALLEL_IN : 24,
  // A stream's data are whole bytes, and a power of two of them.
  localparam int BEAT_BITS = (FRAME_BITS > 32) ? 64 : 32
) (
  input  logic                 aclk,
  input  logic                 aresetn,

  input  logic                 s_axil_awvalid,
  output logic                 s_axil_awready,
  input  logic [3:0]           s_axil_awaddr,
  input  logic [2:0]           s_axil_awprot,
  input  logic                 s_axil_wvalid,
  output logic                 s_axil_wready,
  input  logic [31:0]          s_axil_wdata,
  input  logic [3:0]           s_axil_wstrb,
  output logic                 s_axil_bvalid,
  input  logic                 s_axil_bready,
  output logic [1:0]           s_axil_bresp,
  input  logic                 s_axil_arvalid,
  output logic                 s_axil_arready,
  input  logic [3:0]           s_axil_araddr,
  input  logic [2:0]           s_axil_arprot,
  output logic                 s_axil_rvalid,
  input  logic                 s_axil_rready,
  output logic [31:0]          s_axil_rdata,
  output logic [1:0]           s_axil_rresp,

  input  logic                 s_axis_frame_tvalid,
  output logic                 s_axis_frame_tready,
  input  logic [BEAT_BITS-1:0] s_axis_frame_tdata,

  input  logic                   s_axis_weight_tvalid,
  output logic                   s_axis_weight_tready,
  input  logic [WEIGHT_BEAT-1:0] s_axis_weight_tdata,
  input  logic                   s_axis_weight_tlast,

  output logic                 m_axis_result_tvalid,
  input  logic                 m_axis_result_tready,
  output logic [31:0]          m_axis_result_tdata,
  output logic                 m_axis_result_tlast,
  output logic [1:0]           m_axis_result_tuser
);

  localparam logic [1:0] COMMAND = 2'd0;
  localparam logic [1:0] ANSWER = 2'd1;
  localparam logic [1:0] STATUS = 2'd2;
  localparam logic [1:0] IDENTITY = 2'd3;
  localparam logic [1:0] OKAY = 2'b00;

  logic rst;
  assign rst = !aresetn;

  // Everybody may use the accelerator; what follows the beat in its data, and the byte within a register, say nothing.
  logic unused;
  assign unused = &{1'b0, s_axil_awprot, s_axil_arprot, s_axil_awaddr[1:0], s_axil_araddr[1:0], s_axis_frame_tdata};

  logic program_ready, read_valid, read_ready, running, starved;
  ernscope_pkg::stream_fault_t fault;
  assign m_axis_result_tuser = fault;
  logic [31:0] read_data;

  assign s_axil_bresp = OKAY;
  assign s_axil_rresp = OKAY;

  // ---- Writes.
  logic held, blocked, takes_write, is_command, accepts_write, refuses_write;
  logic [31:0] word;

  assign blocked = held && (running || read_valid);
  assign is_command = s_axil_awaddr[3:2] == COMMAND && s_axil_wstrb == '1;
  assign takes_write = s_axil_awvalid && s_axil_wvalid && !s_axil_bvalid && (!is_command || !held || blocked);
  assign accepts_write = takes_write && is_command && !held;
  assign refuses_write = takes_write && !accepts_write;
  assign s_axil_awready = takes_write;
  assign s_axil_wready = takes_write;

  always_ff @(posedge aclk) begin
    if (rst) begin
      held <= 1'b0;
      s_axil_bvalid <= 1'b0;
    end else begin
      if (accepts_write) held <= 1'b1;
      else if (program_ready) held <= 1'b0;
      if (takes_write) s_axil_bvalid <= 1'b1;
      else if (s_axil_bready) s_axil_bvalid <= 1'b0;
    end
    if (takes_write && !held) word <= s_axil_wdata;
  end

  // ---- Reads.
  logic takes_read, is_answer, is_status, refuses_read, refused;

  assign takes_read = s_axil_arvalid && !s_axil_rvalid;
  assign s_axil_arready = takes_read;
  assign is_answer = s_axil_araddr[3:2] == ANSWER;
  assign is_status = s_axil_araddr[3:2] == STATUS;
  assign refuses_read = takes_read && (s_axil_araddr[3:2] == COMMAND || (is_answer && !read_valid));
  assign read_ready = takes_read && is_answer;

  always_ff @(posedge aclk) begin
    if (rst) s_axil_rvalid <= 1'b0;
    else if (takes_read) s_axil_rvalid <= 1'b1;
    else if (s_axil_rready) s_axil_rvalid <= 1'b0;
    if (takes_read) begin
      unique case (s_axil_araddr[3:2])
        ANSWER: s_axil_rdata <= read_valid ? read_data : 32'd0;
        STATUS: s_axil_rdata <= {25'd0, refused, fault, starved, running, read_valid, !blocked};
        IDENTITY: s_axil_rdata <= ernscope_pkg::MAGIC;
        default: s_axil_rdata <= 32'd0;
      endcase
    end
  end

  always_ff @(posedge aclk) begin
    if (rst) refused <= 1'b0;
    else if (refuses_write || refuses_read) refused <= 1'b1;
    else if (takes_read && is_status) refused <= 1'b0;
  end

  ernscope_core #(
    .PARALLEL_IN(PARALLEL_IN), .PARALLEL_OUT(PARALLEL_OUT), .PIXELS(PIXELS), .DRAIN_CHANNELS(DRAIN_CHANNELS),
    .ACC_BITS(ACC_BITS), .TRUNK_BITS(TRUNK_BITS), .CODE_DEPTH(CODE_DEPTH), .WEIGHT_DEPTH(WEIGHT_DEPTH),
    .WEIGHT_BEAT(WEIGHT_BEAT), .WINDOW_DEPTH(WINDOW_DEPTH), .THRESHOLD_DEPTH(THRESHOLD_DEPTH), .TRUNK_DEPTH(TRUNK_DEPTH),
    .TRUNK_MIDDLE_DEPTH(TRUNK_MIDDLE_DEPTH), .TRUNK_WIDE_DEPTH(TRUNK_WIDE_DEPTH), .TRUNK_MIDDLE_BITS(TRUNK_MIDDLE_BITS),
    .TRUNK_NARROW_BITS(TRUNK_NARROW_BITS), .TABLE_WORDS(TABLE_WORDS), .LAYERS(LAYERS), .POOL_DEPTH(POOL_DEPTH),
    .FRUGAL(FRUGAL)
  ) u_core (
    .clk(aclk), .rst, .program_valid(held), .program_ready, .program_data(word),
    .frame_valid(s_axis_frame_tvalid), .frame_ready(s_axis_frame_tready),
    .frame_data(s_axis_frame_tdata[FRAME_BITS-1:0]),
    .weight_valid(s_axis_weight_tvalid), .weight_ready(s_axis_weight_tready), .weight_data(s_axis_weight_tdata),
    .weight_last(s_axis_weight_tlast), .weight_starved(starved), .result_fault(fault), .result_valid(m_axis_result_tvalid), .result_ready(m_axis_result_tready), .result_data(m_axis_result_tdata),
    .result_last(m_axis_result_tlast), .read_valid, .read_ready, .read_data, .running
  );

`ifndef SYNTHESIS
  // ---- What must hold.
  logic writes_stand = 1'b0, reads_stand = 1'b0, results_stand = 1'b0, refused_before = 1'b0;
  logic waits;
  logic [31:0] last_word, rdata_stood, result_stood;
  always_ff @(posedge aclk) begin
    writes_stand <= !rst && s_axil_bvalid && !s_axil_bready;
    reads_stand <= !rst && s_axil_rvalid && !s_axil_rready;
    results_stand <= !rst && m_axis_result_tvalid && !m_axis_result_tready;
    rdata_stood <= s_axil_rdata;
    result_stood <= m_axis_result_tdata;
    // Told until STATUS is read, and by that read.
    refused_before <= !rst && (refuses_write || refuses_read || (refused_before && !(takes_read && is_status)));
    waits <= !rst && (accepts_write || (waits && !(program_ready && held)));
    if (accepts_write) last_word <= s_axil_wdata;
    if (!rst) begin
      // What is offered stands until it is taken, and one answer comes to one access.
      a_write: assert (!writes_stand || s_axil_bvalid);
      a_read: assert (!reads_stand || (s_axil_rvalid && s_axil_rdata == rdata_stood));
      a_result: assert (!results_stand || (m_axis_result_tvalid && m_axis_result_tdata == result_stood));
      a_one_write: assert (!takes_write || (s_axil_awvalid && s_axil_wvalid && !s_axil_bvalid));
      a_one_read: assert (!takes_read || (s_axil_arvalid && !s_axil_rvalid));
      // A word that was not refused reaches the core once.
      a_word_once: assert (waits == held);
      a_word: assert (!held || word == last_word);
      a_refused: assert (refused == refused_before);
      c_refused: cover (refused);
    end
  end
`endif

endmodule

`default_nettype wire
